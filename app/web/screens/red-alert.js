/**
 * Inter-hospital red alert: one tap on a team rings all of it at once. Nothing needs to be filled in, nothing is asked
 * first; ten seconds remain to take it back.
 */
import { html, Icon, useEffect, useState } from "../core/html.js";
import { get } from "../core/api.js";
import * as db from "../core/db.js";
import { Text } from "../core/form.js";
import { lang, t } from "../core/i18n.js";
import { useOutbox } from "../core/outbox.js";
import { navigate } from "../core/router.js";
import { AppBar, HotlineLink, Loading } from "../core/shell.js";
import { specialtyName, useStore } from "../core/store.js";
import { EMPTY } from "../core/requests.js";
import { useTitle } from "../core/title.js";
import { Drill, DrillSwitch, FormBand, marked } from "../parts/drill.js";
import { dialIfOffline, favourites, Pending, submit } from "./request.js";

const ICON = [[/cardio/i, "ecg"], [/stroke|neuro/i, "clock"], [/obstet/i, "users"], [/paed|neonat/i, "user"], [/ortho|trauma|surg/i, "amb"], [/icu|emergency/i, "siren"]];

/**
 * One team per specialty that this hospital may ask and that has a red team. Where several desks may be asked, which of them
 * rings is the server's to say: until it has, no hospital and no number of people stand there.
 */
function useTeams(hospital) {
  const [teams, setTeams] = useState(null);
  useEffect(() => {
    const pick = (items) => {
      const bySpecialty = new Map();
      for (const desk of items) {
        if (!desk.may_ask) continue;
        bySpecialty.set(desk.specialty, [...(bySpecialty.get(desk.specialty) ?? []), desk]);
      }
      const able = [...bySpecialty.values()].filter((desks) => desks.some((d) => d.red_team_size > 0));
      return able.map((desks) => (desks.length === 1 ? desks[0] : { ...desks[0], hospital_name: null, red_team_size: null }));
    };
    const settle = (found) => found.filter((x) => !x.hospital_name).forEach(({ specialty }) => {
      get(`/ladder?${new URLSearchParams({ hospital, specialty, urgency: "red" })}`).then(({ desk, steps }) => {
        const known = { hospital_name: desk.hospital_name, red_team_size: steps[0].rung.length || null };
        setTeams((now) => now.map((x) => (x.specialty === specialty ? { ...x, ...known } : x)));
      }, () => {});
    });
    db.one("kept", "desks").then((kept) => kept && setTeams((now) => now ?? pick(kept.value)), () => {});
    get("/desks").then(({ items }) => {
      setTeams(pick(items));
      settle(pick(items));
      return db.put("kept", "desks", items.filter((d) => d.may_ask));
    }).catch(() => setTeams((now) => now ?? []));
  }, []);
  return teams;
}

export function RedAlert() {
  const me = useStore((s) => s.me);
  const specialties = useStore((s) => s.specialties);
  const teams = useTeams(me.hospital);
  const [callback, setCallback] = useState(null);
  const [drill, setDrill] = useState(false); // never kept: the next alert is real unless somebody says otherwise again
  const [sentId, setSent] = useState(null);
  const queued = useOutbox().find((item) => item.id === sentId);
  useTitle(marked({ drill }, t("red.title")));
  if (queued) return html`<${Pending} item=${queued} onAgain=${setSent} onEdit=${() => { setSent(null); navigate("/request"); }} />`;

  const known = me.ward_phone ?? me.phone ?? "";
  const ring = (desk) => {
    if (sentId) return;
    setSent("sending");
    if (!drill) dialIfOffline();
    const number = callback !== null && callback.trim() !== known ? callback.trim() : "";
    submit({ ...EMPTY, specialty: desk.specialty, urgency: "red", situation: number ? `Gọi lại số: ${number}` : "", drill }, { red: true, onSent: setSent });
  };
  const first = favourites(specialties).map((s) => s.code);
  const rank = (desk) => (first.includes(desk.specialty) ? first.indexOf(desk.specialty) : 99);
  const sorted = [...(teams ?? [])].sort((a, b) => rank(a) - rank(b));
  const icon = (desk) => (ICON.find(([words]) => words.test(specialtyName(desk.specialty, "en"))) ?? [null, "siren"])[1];
  return html`<${AppBar} title=${t("red.title")} sub=${[me.hospital_name, me.ward_name].filter(Boolean).join(" · ")} back="/" closing mini plain />
    <${FormBand} on=${drill} off=${() => setDrill(false)} />
    <main class="mid stack red">
      <div class="note bad"><${Icon} name="siren" /><span><b>${t("red.hint")}</b> ${t("red.nothing")}</span></div>
      ${!teams && html`<${Loading} />`}
      ${teams && !teams.length && html`<p class="note warn" role="alert"><${Icon} name="warn" /><span>${t("red.no_teams")}</span></p>`}
      <div class="teams" role="group" aria-label=${t("red.choose")}>
        ${sorted.map((desk) => html`<button type="button" key=${desk.id} class=${`team${drill ? " is-drill" : ""}`} disabled=${Boolean(sentId)} onClick=${() => ring(desk)}>
          <${Drill} c=${{ drill }} /><${Icon} name=${icon(desk)} /><b>${specialtyName(desk.specialty, lang())}</b><span class="cap">${desk.red_team_size ? t("red.people", { n: desk.red_team_size }) : ""}${desk.red_team_size && desk.hospital_name ? " · " : ""}${desk.hospital_name ? html`<span lang="vi">${desk.hospital_name}</span>` : ""}</span></button>`)}
      </div>
      <p class="sub ctr-t">${t("red.undo")}</p>
      <div class="card stack-s"><${Text} id="callback" label=${t("red.callback")} value=${callback ?? known} inputmode="tel" onInput=${setCallback} hint=${t("red.callback_hint")} /></div>
      <${HotlineLink} label=${t("red.phone")} />
      <${DrillSwitch} on=${drill} set=${setDrill} />
    </main>`;
}
