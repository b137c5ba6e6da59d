/** The telephone list for when the system is away: readable signed out and offline, dated, printable. */
import { html, Icon, useEffect, useState } from "../core/html.js";
import { fmtDate, fmtTime, t } from "../core/i18n.js";
import { AppBar, Loading } from "../core/shell.js";
import { specialtyName, useStore } from "../core/store.js";
import { loadTelephones, tel, useTelephones } from "../core/telephones.js";
import { lang } from "../core/i18n.js";
import { useTitle } from "../core/title.js";

const KINDS = ["coordinator", "desk", "ward", "hospital"];

/** Letters without marks, so that "tim mach" finds "Tim mạch". */
export const bare = (text) => String(text ?? "").normalize("NFD").replace(/\p{M}/gu, "").replace(/đ/gi, "d").toLowerCase();

export function Telephones() {
  const list = useTelephones();
  const [failed, setFailed] = useState(false);
  const [wanted, setWanted] = useState("");
  const session = useStore((s) => s.session);
  const asks = useStore((s) => s.session === "in" && s.me?.role === "requester");
  useTitle(t("nav.phones"));
  useEffect(() => {
    loadTelephones().then((now) => setFailed(Boolean(now.kept)), () => setFailed(true));
  }, []);

  const asked = bare(wanted).split(/\s+/).filter(Boolean);
  const says = (x) => bare(`${x.hospital_name} ${x.name} ${x.specialty ? specialtyName(x.specialty, lang()) : ""} ${x.phone}`);
  const found = (list?.items ?? []).filter((x) => asked.every((word) => says(x).includes(word)));
  const hospitals = [...new Set(found.map((x) => x.hospital_name))];
  const actions = html`<button type="button" class="ib" aria-label=${t("phones.print")} onClick=${() => print()}><${Icon} name="print" /></button>`;

  return html`<${AppBar} title=${t("nav.phones")} sub=${t("phones.sub")} back=${session === "in" ? "/" : "/sign-in"} actions=${actions} mini />
  <main class="mid phones">
    <div class="print-only"><b>hoichan · ${t("nav.phones")}</b></div>
    ${list ? html`<p class=${failed ? "note warn" : "cap"}>${failed && html`<${Icon} name="off" />`}<span>${t(failed ? "phones.kept" : "phones.at", { time: fmtTime(list.at), date: fmtDate(list.at) })}</span></p>` : ""}
    <div class="no-print"><label for="find">${t("phones.find")}</label><input id="find" class="in" type="search" value=${wanted} onInput=${(e) => setWanted(e.target.value)} /></div>
    ${!list && !failed && html`<${Loading} />`}
    ${!list && failed && html`<p class="note bad" role="alert"><${Icon} name="warn" /><span>${t("phones.none")}</span></p>`}
    ${list && !found.length && html`<p class="sub">${t("phones.no_match")}</p>`}
    ${hospitals.map((name) => html`<section key=${name} class="card"><h2 class="h3" lang="vi">${name}</h2>
      <ul class="numbers">${KINDS.flatMap((kind) => found.filter((x) => x.hospital_name === name && x.kind === kind)).map((x) => html`<li>
        <span class="grow"><span lang="vi">${x.name}</span> <span class="cap">${t(`phones.kind.${x.kind}`)}</span></span>
        ${x.phone ? html`<a class="num" href=${tel(x.phone)}><${Icon} name="phone" />${x.phone}</a>` : html`<span class="cap">${t("phones.no_number")}</span>`}</li>`)}</ul>
    </section>`)}
    ${asks && html`<p class="cap no-print"><a href="/request/telephone"><${Icon} name="edit" /> ${t("told.enter")}</a></p>`}
    <p class="cap">${t("phones.replace")}</p>
  </main>`;
}
