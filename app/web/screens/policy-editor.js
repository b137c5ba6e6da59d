// The editor of one ladder: each step has a form; the server decides, and what it refuses is said at its field.
import "../strings/run.js";
import { html, Icon, useRef, useState } from "../core/html.js";
import { Text } from "../core/form.js";
import { t } from "../core/i18n.js";
import { notify } from "../core/shell.js";
import { ActButton, errorText, useAction } from "../parts/action.js";
import { roleText } from "../parts/facts.js";
import { openBody } from "../parts/dialogs.js";
import { DoctorPicker } from "../parts/picker.js";

const ROLES = ["primary", "backup", "head_of_shift", "red_team", "leadership", "coordinator"];
const MODES = ["all", "one_by_one", "least_offered"];
const CHANNELS = ["push", "sms", "voice", "email"];

const two = (n) => String(n).padStart(2, "0");

/** "5:00" for minutes and seconds, "2:00:00" from an hour on. */
export function durationText(s) {
  if (s == null) return "";
  const h = Math.floor(s / 3600), m = Math.floor((s % 3600) / 60);
  return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

/** Seconds of "5" (minutes), "5:30" or "2:00:00"; null when it cannot be read. */
export function readDuration(words) {
  const parts = String(words).trim().split(":");
  if (parts.length > 3 || parts.some((x) => !/^\d{1,4}$/.test(x))) return null;
  const [a, b = 0, c = 0] = parts.map(Number);
  return parts.length === 3 ? a * 3600 + b * 60 + c : a * 60 + b;
}

const draftOf = (policy) => ({
  steps: policy.steps.map((s) => ({ ...s, time: durationText(s.timeout_s) })),
  silent: durationText(policy.silent_s), due: durationText(policy.answer_due_s),
});
const NEW_STEP = { who: [], mode: "all", time: "2:00", clock: "wall", channels: [], skip_empty: true, keep: true };

export function PolicyEditor({ where, urgency, policy, name, desks, desk, done, close, reread }) {
  const [form, setForm] = useState(() => draftOf(policy));
  const [known, setKnown] = useState({});
  const [errors, setErrors] = useState([]);
  const [stale, setStale] = useState(false);
  const [run, action] = useAction();
  const top = useRef(null);
  const put = (i, change) => setForm((f) => ({ ...f, steps: f.steps.map((s, j) => (j === i ? { ...s, ...change } : s)) }));
  const move = (i, by) => setForm((f) => {
    const steps = [...f.steps];
    [steps[i], steps[i + by]] = [steps[i + by], steps[i]];
    return { ...f, steps };
  });
  const send = async (e) => {
    e.preventDefault();
    const wrong = [];
    const read = (field, words) => {
      const s = readDuration(words);
      if (s === null) wrong.push({ field, detail: t("l.bad_time") });
      return s;
    };
    const body = {
      steps: form.steps.map(({ time, timeout_s: _, ...s }, i) => ({ ...s, timeout_s: read(`steps.${i}.timeout_s`, time) })),
      silent_s: read("silent_s", form.silent), answer_due_s: read("answer_due_s", form.due), ...(policy.own ? { version: policy.version } : {}),
    };
    setErrors(wrong);
    setStale(false);
    if (wrong.length) return focusTop();
    const answer = await run({ path: where, method: "PUT", body, what: "policy", expiresAfter: 60 });
    if (!answer) return undefined;
    notify(t("l.saved", { level: t(`urgency.short.${urgency}`), n: answer.version }), "ok");
    return done(answer);
  };
  const focusTop = () => setTimeout(() => top.current?.focus(), 0);
  const refused = action.error;
  const list = refused?.errors?.length ? refused.errors.map((x) => ({ ...x, field: String(x.field).replace(/^body\./, "") })) : errors;
  const at = (field) => list.find((x) => x.field === field)?.detail ?? null;
  const loose = list.filter((x) => !/^(steps\.\d+|silent_s|answer_due_s)/.test(x.field));
  const label = (who) => known[who] ?? name(who);
  return html`<form class="stack gap" onSubmit=${send} novalidate>
    ${(list.length > 0 || refused) && html`<div class="note bad" role="alert" tabindex="-1" ref=${top}><${Icon} name="warn" /><span>${refused?.status === 412 ? t("l.stale", { n: refused.extra?.version ?? "", name: refused.extra?.by_name ?? t("l.somebody") }) : list.length ? t("error.summary", { n: list.length }) : errorText(refused)}
      ${loose.map((x) => html`<br />${x.detail}`)}</span>${refused?.status === 412 && html`<button type="button" class="btn s o" onClick=${async () => { await reread(); close(); }}>${t("l.reload")}</button>`}</div>`}
    ${form.steps.map((s, i) => html`<fieldset key=${i} class="step-ed stack-s"><legend>${t("l.step", { n: i + 1 })}</legend>
      <div role="group" aria-label=${t("l.who")}><span class="lbl">${t("l.who")}</span>${(at(`steps.${i}.who`) ?? at(`steps.${i}`)) && html`<p class="err" role="alert"><${Icon} name="warn" />${at(`steps.${i}.who`) ?? at(`steps.${i}`)}</p>`}
        <div class="pick">${ROLES.map((r) => html`<button type="button" key=${r} aria-pressed=${s.who.includes(r) ? "true" : "false"} onClick=${() => put(i, { who: s.who.includes(r) ? s.who.filter((x) => x !== r) : [...s.who, r] })}>${s.who.includes(r) && html`<${Icon} name="check" />`}${roleText(r)}</button>`)}
          ${s.who.filter((w) => !ROLES.includes(w)).map((w) => html`<button type="button" key=${w} aria-pressed="true" aria-label=${t("l.remove", { name: label(w) })} onClick=${() => put(i, { who: s.who.filter((x) => x !== w) })}><${Icon} name="x" /><span lang="vi">${label(w)}</span></button>`)}
          <button type="button" onClick=${async () => { const who = await addDialog(desk, desks); if (who && !s.who.includes(who.id)) { setKnown((k) => ({ ...k, [who.id]: who.name })); put(i, { who: [...s.who, who.id] }); } }}><${Icon} name="plus" />${t("l.add_who")}</button></div></div>
      <div class="two"><${Text} id=${`st-${urgency}-${i}`} label=${t("l.time")} hint=${t("l.time_hint")} value=${s.time} inputmode="numeric" onInput=${(time) => put(i, { time })} error=${at(`steps.${i}.timeout_s`)} />
        <${Options} id=${`sm-${urgency}-${i}`} label=${t("l.mode")} value=${s.mode} options=${MODES.map((x) => [x, t(`l.mode.${x}`)])} set=${(mode) => put(i, { mode })} error=${at(`steps.${i}.mode`)} /></div>
      <${Options} id=${`sc-${urgency}-${i}`} label=${t("l.clock")} value=${s.clock} options=${["wall", "working_hours"].map((x) => [x, t(`l.clock.${x}`)])} set=${(clock) => put(i, { clock })} error=${at(`steps.${i}.clock`)} />
      <div role="group" aria-label=${t("l.channels")}><span class="lbl">${t("l.channels")} <span class="opt">${t("l.channels_any")}</span></span>
        <div class="pick">${CHANNELS.map((x) => html`<button type="button" key=${x} aria-pressed=${s.channels.includes(x) ? "true" : "false"} onClick=${() => put(i, { channels: s.channels.includes(x) ? s.channels.filter((y) => y !== x) : [...s.channels, x] })}>${s.channels.includes(x) && html`<${Icon} name="check" />`}${t(`account.channel.${x}`)}</button>`)}</div></div>
      <label class="row check"><input type="checkbox" class="cb" checked=${s.keep} onChange=${(e) => put(i, { keep: e.target.checked })} />${t("l.keep")}</label>
      <label class="row check"><input type="checkbox" class="cb" checked=${s.skip_empty} onChange=${(e) => put(i, { skip_empty: e.target.checked })} />${t("l.skip_empty")}</label>
      <div class="row wrap step-tools">${i > 0 && html`<button type="button" class="btn s g" onClick=${() => move(i, -1)}>${t("l.up")}</button>`}${i + 1 < form.steps.length && html`<button type="button" class="btn s g" onClick=${() => move(i, 1)}>${t("l.down")}</button>`}
        ${form.steps.length > 1 && html`<button type="button" class="btn s red-o" onClick=${() => setForm((f) => ({ ...f, steps: f.steps.filter((_, j) => j !== i) }))}>${t("l.drop")}</button>`}</div></fieldset>`)}
    <button type="button" class="btn s o" onClick=${() => setForm((f) => ({ ...f, steps: [...f.steps.slice(0, -1), { ...NEW_STEP }, ...f.steps.slice(-1)] }))}><${Icon} name="plus" />${t("l.add_step")}</button>
    <div class="two"><${Text} id=${`si-${urgency}`} label=${t("l.silent_l")} value=${form.silent} inputmode="numeric" onInput=${(silent) => setForm((f) => ({ ...f, silent }))} error=${at("silent_s")} />
      <${Text} id=${`du-${urgency}`} label=${t("l.due_l")} value=${form.due} inputmode="numeric" onInput=${(due) => setForm((f) => ({ ...f, due }))} error=${at("answer_due_s")} /></div>
    <div class="row wrap"><${ActButton} type="submit" cls="btn p" icon="check" busy=${action.busy}>${t("l.save")}</${ActButton}><button type="button" class="btn g" onClick=${close}>${t("p.back")}</button></div></form>`;
}

/** One of a few, as a native list. */
export function Options({ id, label, value, options, set, error, empty, opt }) {
  return html`<div class="field"><label for=${id}>${label}${opt ? html` <span class="opt">${opt}</span>` : ""}</label>${error && html`<p class="err" id=${`${id}-e`} role="alert"><${Icon} name="warn" />${error}</p>`}
    <select id=${id} class="in" aria-invalid=${error ? "true" : undefined} aria-describedby=${error ? `${id}-e` : undefined} onChange=${(e) => set(e.target.value)}>
      ${empty !== undefined && html`<option value="" selected=${!value}>${empty}</option>`}${options.map(([v, words]) => html`<option key=${v} value=${v} selected=${v === value}>${words}</option>`)}</select></div>`;
}

/** Somebody by name, or the first on call of a partner desk. */
const addDialog = (desk, desks) => openBody(t("l.add_who"), AddWho, { desk, desks });

function AddWho({ desk, desks, close }) {
  const partners = desks.filter((d) => d.id !== desk?.id && (!desk || d.specialty === desk.specialty));
  return html`<${Options} id="add-desk" label=${t("l.partner")} value="" empty=${t("l.none")} options=${partners.map((d) => [d.id, `${d.name} · ${d.hospital_name}`])} set=${(id) => id && close({ id: `desk:${id}`, name: desks.find((d) => d.id === id).name })} />
    <p class="lbl">${t("l.person")}</p><${DoctorPicker} desk=${desk?.id} deskName=${desk?.name} onPick=${({ user_id, name }) => close({ id: `user:${user_id}`, name })} />`;
}
