/** One's own account: password, sessions, channels, and how this device looks and behaves. */
import { html, Icon, useState } from "../core/html.js";
import { changePassword, me as readMe, signOut } from "../core/api.js";
import { setShortcuts, shortcutsOn } from "../core/device.js";
import { lang, setLang, t } from "../core/i18n.js";
import { Pick, Text } from "../core/form.js";
import { list } from "../core/outbox.js";
import { enter, leave } from "../core/session.js";
import { AppBar, notify, openDialog } from "../core/shell.js";
import { getState, useStore } from "../core/store.js";
import { setTheme, theme } from "../core/theme.js";
import { useTitle } from "../core/title.js";
import { Channels } from "./channels.js";

const LEAST = 12;

export function Account() {
  const me = useStore((s) => s.me);
  const [look, setLook] = useState(theme());
  const [letters, setLetters] = useState(shortcutsOn());
  useTitle(t("nav.account"));
  if (!me) return null;
  return html`<${AppBar} title=${t("nav.account")} back="/" mini />
  <main class="mid stack">
    ${me.must_change_password && html`<p class="note warn" role="status"><${Icon} name="lock" /><span>${t("account.must_change")}</span></p>`}
    <section class="card stack-s"><h2 class="h3" lang="vi">${me.name}</h2>
      <p class="sub" lang="vi">${[me.hospital_name, me.ward_name].filter(Boolean).join(" · ")}</p>
      <p class="cap">${[t("signin.account") + ": " + me.username, me.licence && `${t("account.licence")}: ${me.licence}`, me.phone].filter(Boolean).join(" · ")}</p></section>
    <section class="card stack"><h2 class="h3">${t("account.device")}</h2>
      <${Pick} id="lang" label=${t("account.language")} value=${lang()} onPick=${setLang} options=${[["vi", "Tiếng Việt"], ["en", "English"]]} />
      <${Pick} id="theme" label=${t("account.theme")} value=${look} onPick=${(x) => { setTheme(x); setLook(x); }}
        options=${["auto", "light", "dark"].map((x) => [x, t(`account.theme.${x}`)])} />
      <label class="row check"><input type="checkbox" class="cb" checked=${letters} onChange=${(e) => { setShortcuts(e.target.checked); setLetters(e.target.checked); }} />${t("account.shortcuts")}</label></section>
    <${Channels} />
    <${Password} />
    <section class="card stack"><h2 class="h3">${t("account.sessions")}</h2>
      <div class="row wrap"><button type="button" class="btn o" onClick=${() => out(false)}>${t("account.out")}</button>
      <button type="button" class="btn o" onClick=${() => out(true)}>${t("account.out_all")}</button></div>
      <p class="cap">${t("account.out_hint")}</p></section>
  </main>`;
}

function Password() {
  const [form, setForm] = useState({ current: "", next: "", again: "" });
  const [errors, setErrors] = useState({});
  const [busy, setBusy] = useState(false);
  const field = (name, autocomplete) => html`<${Text} id=${`pw-${name}`} label=${t(`account.pw.${name}`)} value=${form[name]} type="password" autocomplete=${autocomplete}
    onInput=${(x) => setForm({ ...form, [name]: x })} error=${errors[name]} hint=${name === "next" ? t("account.pw.rule", { n: LEAST }) : undefined} />`;
  const submit = async (e) => {
    e.preventDefault();
    const wrong = {};
    if (!form.current) wrong.current = t("account.pw.need");
    if (form.next.length < LEAST) wrong.next = t("account.pw.short", { n: LEAST });
    else if (form.next !== form.again) wrong.again = t("account.pw.differ");
    setErrors(wrong);
    const first = Object.keys(wrong)[0];
    if (first) {
      document.getElementById(`pw-${first}`)?.focus();
      return;
    }
    setBusy(true);
    try {
      await changePassword(form.current, form.next);
      if (getState().me.must_change_password) await enter(await readMe());
      setForm({ current: "", next: "", again: "" });
      notify(t("account.pw.done"), "ok");
    } catch (error) {
      const at = error.errors?.[0]?.field?.split(".").pop();
      setErrors({ [at === "new" ? "next" : "current"]: error.errors?.[0]?.detail || error.detail || t("error.server") });
    }
    setBusy(false);
  };
  return html`<form class="card stack" onSubmit=${submit} novalidate><h2 class="h3">${t("account.password")}</h2>
    <input class="vh" autocomplete="username" tabindex="-1" aria-hidden="true" value="" readonly />
    ${field("current", "current-password")}${field("next", "new-password")}${field("again", "new-password")}
    <button class="btn p" disabled=${busy}>${t(busy ? "sending" : "account.pw.change")}</button></form>`;
}

/** Unsent words stay on this device for their author; say so before leaving. */
async function out(everywhere) {
  const unsent = list().length;
  if (unsent) {
    const sure = await openDialog((close) => html`<h2 class="h3">${t("account.unsent", { n: unsent })}</h2><p class="sub">${t("account.unsent_hint")}</p>
      <div class="row end"><button class="btn o" autofocus onClick=${() => close(false)}>${t("account.stay")}</button><button class="btn red-o" onClick=${() => close(true)}>${t("account.out")}</button></div>`, { label: t("account.out") });
    if (!sure) return;
  }
  try {
    await signOut({ everywhere });
  } catch (error) {
    if (error.status !== 401) {
      notify(error.status === 0 ? t("account.out_offline") : error.detail || t("error.server"), "bad");
      return;
    }
  }
  leave();
}
