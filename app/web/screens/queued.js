/** A request on its way: what only this device knows, when the next attempt is made, and how to correct a refused one. */
import { html, Icon } from "../core/html.js";
import { useTick } from "../core/clock.js";
import { bring } from "../core/drafts.js";
import { fmtWhen, lang, t } from "../core/i18n.js";
import { discard, resend, retryNow } from "../core/outbox.js";
import { begun, formOf } from "../core/requests.js";
import { navigate } from "../core/router.js";
import { HotlineLink } from "../core/shell.js";
import { specialtyName } from "../core/store.js";
import { Drill, drillCls } from "../parts/drill.js";
import { Urgency } from "../parts/urgency.js";

/** After a refusal the form comes back, to be corrected; a request that was begun meanwhile steps aside. */
export async function correct(item) {
  await bring(formOf(item.body), item.form, begun);
  discard(item.id);
}

/** "thử lại sau 8 giây": when the next attempt is made. */
export function NextTry({ item }) {
  useTick();
  if (item.state === "sending") return t("sending");
  const left = Math.ceil((item.nextAt - performance.now()) / 1000);
  return item.state === "retrying" && left > 0 ? t("request.next_try", { n: left }) : t("request.trying");
}

/** A request that only this device knows: dashed, never looking like a case. */
export function Queued({ item }) {
  const b = item.body;
  const refused = item.state === "refused";
  const edit = async () => {
    await correct(item);
    navigate(formOf(b) === "telephone" ? "/request/telephone" : "/request");
  };
  return html`<div class=${`card queued${refused || item.stale ? " bad" : ""}${drillCls(b)}`}>
    <div class="row wrap"><${Drill} c=${b} /><${Urgency} level=${b.urgency} /><span class="chip warn end"><${Icon} name="clock" />${t(refused ? "msg.failed" : item.state === "sending" ? "sending" : "request.queued")}</span></div>
    <b>${t(refused ? "request.refused" : "conn.request_unsent")}</b>
    <p lang="vi">${[b.patient?.label, b.question].filter(Boolean).join(" · ") || specialtyName(b.specialty, lang())}</p>
    <p class="sub">${refused ? item.error?.detail || item.error?.title : html`${t("request.kept_at", { time: fmtWhen(item.createdAt) })} <${NextTry} item=${item} />`}</p>
    <div class="row wrap">
      ${refused ? html`<button class="btn p" onClick=${edit}><${Icon} name="edit" />${t("msg.edit")}</button><button class="btn o" onClick=${() => resend(item.id)}>${t("msg.again")}</button><button class="btn g" onClick=${() => discard(item.id)}>${t("msg.delete")}</button>`
      : html`<button class="btn o grow" onClick=${() => retryNow(item.id)}><${Icon} name="refresh" />${t("conn.try_now")}</button>`}
      <${HotlineLink} cls="btn red grow" label=${t("phone.short")} />
    </div>
  </div>`;
}
