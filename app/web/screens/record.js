// The consultation record as a printable A4 page (form 27/BV2) with the remote-consultation annex. It is a Vietnamese
// document, whatever the language of the screen, and it prints what the server built from the facts: boxes that nobody has
// filled stay empty lines for the pen.
import { html, Icon, useEffect, useState } from "../core/html.js";
import { get } from "../core/api.js";
import { fmtDate, fmtTime, num, t } from "../core/i18n.js";
import { Failed, Loading } from "../core/shell.js";
import { Drill } from "../parts/drill.js";
import { safetyFacts } from "../parts/safety.js";

const LETTER = { alert: "A", confusion: "C", voice: "V", pain: "P", unresponsive: "U" };
const RESULT = { treated_locally: "Điều trị tại chỗ", transferred: "Đã chuyển viện", transfer_avoided: "Tránh được chuyển viện", diagnosis_changed: "Đổi chẩn đoán", died: "Tử vong" };
const DUE = { "24h": "24 giờ", "7d": "7 ngày", discharge: "Ra viện" };
const LEVEL = { red: "Đỏ", orange: "Cam", yellow: "Vàng", green: "Xanh" };

/** How wide each box of the form is, of twelve columns; the rest of the form has a place of its own. */
const BOXES = { patient_name: 6, age: 3, sex: 3, treated_from: 6, treated_to: 6, bed: 4, room: 4, ward: 4, diagnosis: 12, consulted_at: 6, patient_informed: 6, chair: 12, secretary: 12, members: 12 };
const TEXTS = ["summary", "conclusion", "further_treatment"];

const CHANNEL = { text: "nhắn tin", telephone: "điện thoại" };

const stamp = (iso) => `${fmtTime(iso, { seconds: true })} ${fmtDate(iso)}`;
const dash = (v) => (v == null ? "–" : num(v));

/**
 * @param c      ConsultationRead
 * @param close  back to the case
 */
export function Record({ c, close }) {
  const [record, setRecord] = useState(null);
  const [error, setError] = useState(null);
  const load = () => {
    setError(null);
    get(`/consultations/${c.id}/record`).then(setRecord, setError); // a read of patient data of its own: the server logs it
  };
  useEffect(load, [c.id, c.version]);
  const final = record?.state === "final";
  return html`<div class="paper">
    <div class="tools"><button type="button" class="ib" aria-label=${t("p.back")} onClick=${close}><${Icon} name="back" /></button><${Drill} c=${c} /><b class="grow">${t("c.record")} ${c.number}</b>
      <span class=${`chip ${final ? "ok" : "warn"}`}>${t(final ? "c.record_concluded" : "c.draft")}</span>
      <button type="button" class="btn s p" onClick=${() => window.print()}><${Icon} name="print" />${t("c.print")}</button></div>
    ${error ? html`<${Failed} error=${error} onRetry=${load} />` : !record ? html`<${Loading} />` : html`<div class="pg"><${Form} r=${record} c=${c} /><${Annex} r=${record} c=${c} /></div>`}
  </div>`;
}

const Foot = ({ r, n }) => html`<footer class="ft-a4"><span>${r.drill ? "DIỄN TẬP · " : ""}Biên bản ${r.number} · bản ${r.version} · in lúc ${stamp(r.made_at)}</span><span>Trang ${n}/2</span></footer>`;

function Form({ r, c }) {
  const box = Object.fromEntries(r.fields.map((f) => [f.key, f]));
  const value = (key) => box[key]?.value ?? "…………";
  return html`<article class="sheet" lang="vi">
    ${r.drill && html`<p class="a4-demo">DIỄN TẬP · KHÔNG PHẢI NGƯỜI BỆNH THẬT</p>`}
    <div class="hd"><div>${(r.health_department ?? "SỞ Y TẾ …………").toUpperCase()}<b>${value("hospital")}</b>${box.ward?.value ?? ""}</div><div><b>CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM</b><b>Độc lập – Tự do – Hạnh phúc</b><span class="u1"></span></div></div>
    <div class="no"><span>Số hồ sơ: ${value("record_number")} · Số vào viện: ${value("admission_number")}</span><span>MS: ${r.form}</span></div>
    ${r.demo && html`<p class="a4-demo">DỮ LIỆU THỬ · KHÔNG DÙNG CHO NGƯỜI BỆNH</p>`}
    <h1>${r.title}</h1><p class="st">Hội chẩn từ xa${r.state === "draft" ? " · bản nháp, chưa kết luận" : ""}</p>
    <div class="f">${Object.entries(BOXES).filter(([key]) => box[key]).map(([key, span]) => html`<p key=${key} class=${`c${span}`}><span class="fl">${box[key].label}:</span> ${key === "patient_name" ? html`<b>${value(key)}</b>` : box[key].value ?? ""}</p>`)}
      <p class="c12"><span class="fl">Bệnh viện tư vấn:</span> ${r.annex.answering_hospitals.join(", ")}</p></div>
    ${TEXTS.map((key) => html`<section key=${key}><h2>${box[key]?.label}</h2><p class="tx">${value(key)}</p></section>`)}
    <p class="tx a4-safety">${safetyFacts(c).map((x) => `${x.label}: ${x.text}`).join(" · ")}</p>
    <p class="a4-note">Ý kiến tư vấn. Bác sĩ điều trị quyết định và chịu trách nhiệm.</p>
    <div class="sg">${["THƯ KÝ", "CHỦ TỌA"].map((who) => html`<div key=${who}>Ngày …… tháng …… năm ……<br /><b>${who}</b><div class="sign"></div></div>`)}</div>
    <${Foot} r=${r} n=${1} /></article>`;
}

const Table = ({ head, rows }) => (rows.length ? html`<table class="ap"><thead><tr>${head.map((h) => html`<th key=${h}>${h}</th>`)}</tr></thead><tbody>${rows.map((row, i) => html`<tr key=${i}>${row.map((cell, j) => html`<td key=${j}>${cell}</td>`)}</tr>`)}</tbody></table>` : html`<p class="tx">Không có.</p>`);

const SIDE = { asking: "bên yêu cầu", answering: "bên tư vấn" };

/** Both times of a case that was entered afterwards, and who has confirmed what the ward wrote down. */
const toldWords = (x) => `Hỏi qua điện thoại lúc ${stamp(x.asked_at)}; ${x.answered_by_name} trả lời lúc ${stamp(x.answered_at)}. ${x.entered_by_name} nhập lúc ${stamp(x.entered_at)}; ${x.confirmed_at ? `${x.confirmed_by_name} xác nhận lúc ${stamp(x.confirmed_at)}` : "chưa có người xác nhận"}.`;

const readBack = (r) => html`<span key=${r.at}>${r.by_name}, ${fmtTime(r.at, { seconds: true })}: ${r.understood ? "đã hiểu" : "chưa rõ"}${r.text ? `. ${r.text}` : ""}<br /></span>`;

function Annex({ r, c }) {
  const a = r.annex;
  const vitals = a.vitals.map((v) => [stamp(v.taken_at), dash(v.respiration), dash(v.spo2), v.on_oxygen === false ? "khí trời" : v.oxygen_l_min != null ? num(v.oxygen_l_min, "l/phút") : v.on_oxygen ? "có" : "–", `${dash(v.systolic)}/${dash(v.diastolic)}`, dash(v.pulse), LETTER[v.consciousness] ?? "–", dash(v.temperature), html`<b>${v.news2.state === "complete" ? v.news2.total : v.news2.state === "not_applicable" ? "không dùng" : "chưa đủ"}</b>`]);
  return html`<article class="sheet" lang="vi">${r.drill && html`<p class="a4-demo">DIỄN TẬP · KHÔNG PHẢI NGƯỜI BỆNH THẬT</p>`}<h1 class="a4-l">PHỤ LỤC HỘI CHẨN TỪ XA</h1>
    <p class="tx"><b>${c.patient.label}</b> · ${r.fields.find((f) => f.key === "sex")?.value ?? ""} ${r.fields.find((f) => f.key === "age")?.value ?? ""} · ${r.number} · ${a.specialty} · mức ${LEVEL[a.urgency]} · hình thức: ${a.channel.map((x) => CHANNEL[x]).join(", ")}</p>
    ${a.telephone && html`<p class="tx a4-told">${toldWords(a.telephone)}</p>`}
    <h2>1. Câu hỏi của bác sĩ yêu cầu</h2><p class="tx">${a.request.question || "Chưa có câu hỏi cụ thể."}</p>
    <h2>2. Diễn biến thời gian</h2><${Table} head=${["Giờ", "Việc", "Người"]} rows=${a.timeline.map((x) => [stamp(x.at), x.text, x.by_name ?? "Hệ thống"])} />
    <h2>3. Ý kiến hội chẩn</h2><${Table} head=${["Giờ", "Ý kiến", "Đọc lại"]} rows=${a.opinions.map((o) => [stamp(o.at), html`${o.superseded_by ? html`<s>${o.text}</s> (đã sửa)` : o.text}<br /><small>${o.author_name}</small>`, o.read_backs.map(readBack)])} />
    ${a.calls.length > 0 && html`<p class="a4-s">Trao đổi qua điện thoại</p><${Table} head=${["Giờ", "Nội dung", "Xác nhận"]} rows=${a.calls.map((x) => [stamp(x.at), html`${x.text || "…………"}<br /><small>${SIDE[x.side]} ghi: ${x.by_name}</small>`, x.confirmed_at ? `${x.confirmed_by_name}, ${stamp(x.confirmed_at)}` : "chưa"])} />`}
    <h2>4. Sinh hiệu và NEWS2</h2><${Table} head=${["Giờ", "Nhịp thở", "SpO₂", "Oxy", "Huyết áp", "Mạch", "Ý thức", "Nhiệt độ", "NEWS2"]} rows=${vitals} />
    <p class="a4-s">NEWS2 © Royal College of Physicians 2017. Thang SpO₂ ${[...new Set(a.vitals.map((v) => v.news2.scale))].join(", ") || "1"}.</p>
    <h2>5. Đọc lại kết luận, bản kết luận đã thay</h2><${Table} head=${["Giờ", "Kết luận", "Đọc lại"]} rows=${a.conclusions.map((k) => [stamp(k.at), k.superseded ? html`<s>${k.conclusion} ${k.plan}</s> (đã thay)` : "Bản hiện hành", k.read_backs.map(readBack)])} />
    <h2>6. Kết quả điều trị do bệnh viện yêu cầu báo lại</h2><${Table} head=${["Mốc", "Kết quả", "Người báo, giờ"]} rows=${Object.keys(DUE).map((at) => { const o = a.outcomes.find((x) => x.at === at); return [DUE[at], o ? [RESULT[o.result], o.text].filter(Boolean).join(". ") : "", o ? `${o.by_name}, ${stamp(o.reported_at)}` : ""]; })} />
    <${Foot} r=${r} n=${2} /></article>`;
}
