// The consultation record as a printable A4 page (form 27/BV2) with the remote-consultation annex. It is a Vietnamese document:
// its labels are those of the form, whatever the language of the screen. Everything on it is a fact of the server.
import { html, Icon, useEffect, useState } from "../core/html.js";
import { get } from "../core/api.js";
import { fmtDate, fmtTime, num, t, vietnam } from "../core/i18n.js";
import { Failed, Loading } from "../core/shell.js";
import { specialtyName } from "../core/store.js";
import { safetyFacts } from "../parts/safety.js";

const SEX = { male: "Nam", female: "Nữ", other: "Khác", unknown: "Chưa rõ" };
const LEVEL = { red: "Đỏ", orange: "Cam", yellow: "Vàng", green: "Xanh" };
const LETTER = { alert: "A", confusion: "C", voice: "V", pain: "P", unresponsive: "U" };
const RESULT = { treated_locally: "Điều trị tại chỗ", transferred: "Đã chuyển viện", transfer_avoided: "Tránh được chuyển viện", diagnosis_changed: "Đổi chẩn đoán", died: "Tử vong" };
const AT = { "24h": "24 giờ", "7d": "7 ngày", discharge: "Ra viện" };

/** What each fact of the history is called in the annex. Facts without a name here are left to the audit view. */
const FACTS = {
  "consultation.requested": (d) => `Gửi yêu cầu${d.urgency || d.header?.urgency ? `, mức ${LEVEL[d.urgency ?? d.header.urgency]}` : ""}`,
  "consultation.urgency_raised": (d) => `Nâng mức khẩn${d.urgency ? ` lên ${LEVEL[d.urgency]}` : ""}${d.reason ? `: ${d.reason}` : ""}`,
  "consultation.handed_over": (d) => `Bàn giao ca${d.holder_name ? ` cho ${d.holder_name}` : ""}`,
  "consultation.concluded": () => "Kết luận",
  "consultation.closed": () => "Đóng ca",
  "consultation.cancelled": (d) => `Hủy yêu cầu${d.reason ? `: ${d.reason}` : ""}`,
  "consultation.updated": () => "Bổ sung, sửa thông tin",
  "offer.made": (d) => `Đổ chuông: ${d.doctor_name ?? ""}`,
  "offer.delivered": (d) => `Lời mời đến máy: ${d.doctor_name ?? ""}`,
  "offer.seen": (d) => `Lời mời được xem: ${d.doctor_name ?? ""}`,
  "offer.undelivered": (d) => `Lời mời chưa đến máy: ${d.doctor_name ?? ""}`,
  "offer.accepted": () => "Tiếp nhận",
  "offer.declined": () => "Từ chối",
  "escalation.exhausted": () => "Hết các nấc, đổ chuông điều phối",
  "vitals.recorded": () => "Ghi sinh hiệu",
  "participant.joined": (d) => `Tham gia: ${d.name ?? ""}`,
  "participant.left": (d) => `Rời ca: ${d.name ?? ""}`,
  "attendance.answered": (d) => (d.coming ? "Báo đến được" : "Báo không đến được"),
  "team.stood_down": () => "Trưởng kíp cho nghỉ",
  "advice.read_back": (d) => ((d.read_back ?? d).understood ? "Bên yêu cầu đọc lại: đã hiểu" : "Bên yêu cầu đọc lại: chưa rõ"),
  "message.posted": (d) => ((d.message ?? d).opinion ? ((d.message ?? d).supersedes ? "Sửa ý kiến hội chẩn" : "Ghi ý kiến hội chẩn") : null),
  "outcome.reported": () => "Báo kết quả",
};

const clock = (iso) => (iso ? `${fmtTime(iso).replace(":", " giờ ")}` : "");
const dayText = (iso) => {
  const d = vietnam(iso);
  return `Ngày ${String(d.getUTCDate()).padStart(2, "0")} tháng ${String(d.getUTCMonth() + 1).padStart(2, "0")} năm ${d.getUTCFullYear()}`;
};

/**
 * @param c      ConsultationRead
 * @param close  back to the case
 */
export function Record({ c, close }) {
  const [history, setHistory] = useState(null);
  const [error, setError] = useState(null);
  const load = () => {
    setError(null);
    // Reading the record is a read of patient data of its own: the server logs it.
    Promise.all([get(`/consultations/${c.id}/record`).catch(() => null), get(`/consultations/${c.id}/history`)]).then(([record, h]) => setHistory({ record, items: h.items }), setError);
  };
  useEffect(load, [c.id, c.version]);
  return html`<div class="paper">
    <div class="tools"><button type="button" class="ib" aria-label=${t("p.back")} onClick=${close}><${Icon} name="back" /></button><b class="grow">${t("c.record")} ${c.number}</b>
      <span class=${`chip ${c.conclusion ? "ok" : "warn"}`}>${t(c.conclusion ? "c.record_concluded" : "c.draft")}</span>
      <button type="button" class="btn s p" onClick=${() => window.print()}><${Icon} name="print" />${t("c.print")}</button></div>
    ${error ? html`<${Failed} error=${error} onRetry=${load} />` : !history ? html`<${Loading} />` : html`<${Pages} c=${c} items=${history.items} record=${history.record ?? {}} />`}
  </div>`;
}

function Pages({ c, items, record }) {
  const k = c.conclusion;
  const call = (c.callouts ?? []).find((x) => x.state === "accepted") ?? c.callouts?.[0];
  const p = c.patient;
  const age = p.age_years != null && (p.age_years >= 2 || p.age_months == null) ? p.age_years : p.age_months != null ? `${p.age_months} tháng` : "";
  const members = (c.participants ?? []).filter((x) => x.user !== c.requester && x.user !== c.holder);
  const foot = (n) => html`<footer class="ft-a4"><span>Biên bản ${c.number} · in từ dữ liệu lúc ${fmtTime(c.updated_at ?? c.created_at)} ${fmtDate(c.updated_at ?? c.created_at)}</span><span>Trang ${n}/2</span></footer>`;
  const f = (cls, label, value) => html`<p class=${cls}><span class="fl">${label}:</span> ${value || html`<span class="dots"></span>`}</p>`;
  return html`<div class="pg"><article class="sheet" lang="vi">
    <div class="hd"><div>${record.health_department ?? record.so_y_te ?? "SỞ Y TẾ …………"}<b>${c.hospital_name}</b>${c.ward_name ?? ""}</div><div><b>CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM</b><b>Độc lập – Tự do – Hạnh phúc</b><span class="u1"></span></div></div>
    <div class="no"><span>Số hồ sơ: ${c.number} · Số vào viện: ${(p.identifiers ?? []).find((x) => /admission|vao_vien/i.test(x.system))?.value ?? "…………"}</span><span>MS: 27/BV2</span></div>
    ${c.demo && html`<p class="a4-demo">DỮ LIỆU THỬ · KHÔNG DÙNG CHO NGƯỜI BỆNH</p>`}
    <h1>TRÍCH BIÊN BẢN HỘI CHẨN</h1><p class="st">Hội chẩn từ xa${k ? "" : " · bản nháp, chưa kết luận"}</p>
    <div class="f">
      ${f("c7", "Họ tên người bệnh", html`<b>${p.label}</b>`)}${f("c3", "Tuổi", age)}${f("c2", "Giới", SEX[p.sex])}
      ${f("c6", "Đã điều trị từ ngày", "")}${f("c6", "đến ngày", "")}${f("c4", "Số giường", "")}${f("c4", "Buồng", "")}${f("c4", "Khoa", c.ward_name)}
      ${f("c12", "Chẩn đoán", [c.diagnosis?.text, c.diagnosis?.code && `(${c.diagnosis.code})`].filter(Boolean).join(" "))}
      ${f("c6", "Hội chẩn lúc", c.held_since ? `${clock(c.held_since)}, ngày ${fmtDate(c.held_since)}` : "")}${f("c6", "Kết thúc", k ? `${clock(k.at)}, ngày ${fmtDate(k.at)}` : "")}
      ${f("c5", "Bệnh viện yêu cầu", c.hospital_name)}${f("c7", "Bệnh viện tư vấn", call?.hospital_name)}
      ${f("c6", "Chủ tọa", k?.by_name ?? c.holder_name)}${f("c6", "Số GPHN", k?.by_licence ?? c.holder_licence)}${f("c6", "Thư ký", c.requester_name)}${f("c6", "Số GPHN", c.requester_licence)}
      ${f("c12", "Thành viên tham gia", members.map((m) => [m.name, m.hospital_name && `(${m.hospital_name})`].filter(Boolean).join(" ")).join(", "))}
      ${f("c6", "Hình thức", "nhắn tin")}${f("c6", "Chuyên khoa", specialtyName(c.specialty, "vi"))}
    </div>
    <h2>Câu hỏi của bác sĩ yêu cầu</h2><p class="tx">${c.question || "…"}</p>
    <h2>Tóm tắt quá trình diễn biến bệnh, quá trình điều trị và chăm sóc người bệnh</h2><p class="tx">${k?.summary ?? [c.situation, c.background, c.assessment].filter(Boolean).join("\n")}</p>
    <p class="tx a4-safety">${safetyFacts(c).map((x) => `${x.label}: ${x.text}`).join(" · ")}</p>
    <h2>Kết luận (sau khi đã khám lại và thảo luận)</h2><p class="tx">${k?.conclusion ?? "…………"}</p>
    ${k?.decision && html`<p class="tx"><b>Quyết định:</b> ${k.decision}</p>`}
    <h2>Hướng điều trị tiếp</h2><p class="tx">${k?.plan ?? "…………"}</p>
    <p class="a4-note">Ý kiến tư vấn. Bác sĩ điều trị quyết định và chịu trách nhiệm.</p>
    <div class="sg"><div>${k ? dayText(k.at) : "Ngày …… tháng …… năm ……"}<br /><b>THƯ KÝ</b><div class="sign"></div>${c.requester_name}</div>
      <div>${k ? dayText(k.at) : "Ngày …… tháng …… năm ……"}<br /><b>CHỦ TỌA</b><div class="sign"></div>${k?.by_name ?? c.holder_name ?? ""}</div></div>${foot(1)}</article>
  <article class="sheet" lang="vi"><h1 class="a4-l">PHỤ LỤC HỘI CHẨN TỪ XA</h1>
    <p class="tx"><b>${p.label}</b> · ${SEX[p.sex]} ${age} · ${c.number}</p>
    <h2>1. Diễn biến thời gian</h2><table class="ap"><tr><th>Giờ</th><th>Việc</th><th>Người</th></tr>${items.map((x) => [x, FACTS[x.type]?.(x.d ?? {})]).filter(([, words]) => words).map(([x, words]) => html`<tr key=${x.n}><td class="nowrap">${fmtTime(x.at, { seconds: true })} ${fmtDate(x.at, { year: false })}</td><td>${words}</td><td>${x.by_name ?? "Hệ thống"}</td></tr>`)}</table>
    <h2>2. Ý kiến hội chẩn</h2><table class="ap"><tr><th>Giờ</th><th>Ý kiến</th><th>Đọc lại</th></tr>${(c.messages ?? []).filter((m) => m.opinion).map((m) => html`<tr key=${m.event_id}><td class="nowrap">${fmtTime(m.at, { seconds: true })}</td><td>${m.superseded_by ? html`<s>${m.text}</s> (đã sửa)` : m.text}<br /><small>${m.author_name}</small></td><td>${(c.read_backs ?? []).filter((r) => r.event_id === m.event_id).map((r) => html`<span key=${r.at}>${r.by_name} ${fmtTime(r.at, { seconds: true })}: ${r.understood ? "đã hiểu" : "chưa rõ"}${r.text ? `. ${r.text}` : ""}<br /></span>`)}</td></tr>`)}</table>
    <h2>3. Sinh hiệu và NEWS2</h2><table class="ap"><tr>${["Giờ", "Nhịp thở", "SpO₂", "Oxy", "Huyết áp", "Mạch", "Ý thức", "Nhiệt độ", "NEWS2"].map((x) => html`<th key=${x}>${x}</th>`)}</tr>${(c.vitals ?? []).map((v) => html`<tr key=${v.id}><td class="nowrap">${fmtTime(v.taken_at)} ${fmtDate(v.taken_at, { year: false })}</td><td>${v.respiration ?? "–"}</td><td>${v.spo2 ?? "–"}</td><td>${v.on_oxygen === false ? "khí trời" : v.on_oxygen ? num(v.oxygen_l_min ?? "có", v.oxygen_l_min != null ? "l/phút" : "") : "–"}</td><td>${v.systolic ?? "–"}/${v.diastolic ?? "–"}</td><td>${v.pulse ?? "–"}</td><td>${LETTER[v.consciousness] ?? "–"}</td><td>${v.temperature != null ? num(v.temperature) : "–"}</td><td><b>${v.news2?.state === "complete" ? v.news2.total : v.news2?.state === "not_applicable" ? "không dùng" : "chưa đủ"}</b></td></tr>`)}</table>
    <p class="a4-s">NEWS2 © Royal College of Physicians 2017. Thang SpO₂ ${c.news2?.scale ?? 1}.</p>
    <h2>4. Bản kết luận đã thay</h2>${(c.conclusions ?? []).filter((x) => x.event_id !== k?.event_id).map((x) => html`<p class="tx" key=${x.event_id}><s>${x.conclusion} ${x.plan}</s> (${x.by_name}, ${fmtTime(x.at, { seconds: true })} ${fmtDate(x.at)})</p>`)}${(c.conclusions ?? []).length < 2 && html`<p class="tx">Không có.</p>`}
    <h2>5. Kết quả điều trị do bệnh viện yêu cầu báo lại</h2><table class="ap"><tr><th>Mốc</th><th>Kết quả</th><th>Người báo, giờ</th></tr>${["24h", "7d", "discharge"].map((at) => { const o = (c.outcomes ?? []).find((x) => x.at === at); return html`<tr key=${at}><td>${AT[at]}</td><td>${o ? [RESULT[o.result], o.text].filter(Boolean).join(". ") : ""}</td><td>${o ? `${o.by_name}, ${fmtTime(o.reported_at)} ${fmtDate(o.reported_at)}` : ""}</td></tr>`; })}</table>${foot(2)}</article></div>`;
}
