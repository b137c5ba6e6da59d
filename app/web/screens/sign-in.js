/** Signing in: one form, password managers welcome, and the telephone for whoever cannot. */
import { html, Icon, useEffect, useRef, useState } from "../core/html.js";
import { signIn } from "../core/api.js";
import { isShared, setShared } from "../core/device.js";
import { t } from "../core/i18n.js";
import { navigate } from "../core/router.js";
import { enter } from "../core/session.js";
import { HotlineLink, Language, Mark } from "../core/shell.js";
import { getState, useStore } from "../core/store.js";
import { useTitle } from "../core/title.js";

const SAY = [["send", "signin.say1", "signin.say1_sub"], ["bell", "signin.say2", "signin.say2_sub"], ["file", "signin.say3", "signin.say3_sub"]];

export function SignIn() {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(null);
  const [shown, setShown] = useState(false);
  const [shared, share] = useState(isShared());
  const session = useStore((s) => s.session);
  const error = useRef(null);
  useTitle(t("signin.title"));
  useEffect(() => {
    if (session === "in") navigate(next(), { replace: true });
  }, [session]);
  useEffect(() => error.current?.focus(), [problem]);

  const submit = async (e) => {
    e.preventDefault();
    const { username, password } = Object.fromEntries(new FormData(e.target));
    if (!username.trim() || !password) {
      setProblem(t("signin.both"));
      return;
    }
    setBusy(true);
    setProblem(null);
    try {
      setShared(shared);
      const me = await signIn(username.trim(), password);
      await enter(me);
    } catch (fault) {
      setProblem(words(fault));
      setBusy(false);
    }
  };

  return html`<div class="si">
    <header class="row"><${Mark} /><span class="brand">hoichan</span><span class="end row"><${Language} /></span></header>
    <section class="say" aria-label=${t("signin.say")}><h2 class="h2">${t("signin.say")}</h2><ol>
      ${SAY.map(([icon, head, sub]) => html`<li key=${head}><span class="n"><${Icon} name=${icon} /></span><span><b>${t(head)}</b><br /><span class="sub">${t(sub)}</span></span></li>`)}
    </ol></section>
    <main><form onSubmit=${submit} novalidate>
      <h1 class="h2">${t("signin.title")}</h1>
      ${problem && html`<p class="note bad" role="alert" tabindex="-1" ref=${error}><${Icon} name="warn" /><span>${problem}</span></p>`}
      <div><label for="username">${t("signin.account")}</label>
        <input class="in" id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck="false" autofocus /></div>
      <div><label for="password">${t("signin.password")}</label>
        <div class="with-ib"><input class="in" id="password" name="password" type=${shown ? "text" : "password"} autocomplete="current-password" />
          <button type="button" class="ib" aria-pressed=${shown ? "true" : "false"} aria-label=${t("signin.show")} onClick=${() => setShown(!shown)}><${Icon} name="eye" /></button></div></div>
      <button class=${`btn p xl blk${busy ? " busy" : ""}`} disabled=${busy}>${busy && html`<${Icon} name="refresh" />`}${t(busy ? "signin.busy" : "signin.title")}</button>
      <div class="row between">
        <a class="plain-link" href="/telephones">${t("nav.phones")}</a>
        <label class="row check"><input type="checkbox" class="cb" checked=${shared} onChange=${(e) => share(e.target.checked)} />${t("signin.shared")}</label>
      </div>
      ${shared && html`<p class="cap">${t("signin.shared_hint")}</p>`}
      <${HotlineLink} cls="hot" label=${html`<b>${t("signin.cannot")}</b><br /><span class="sub">${t("signin.cannot_sub")}</span>`} />
      <p class="cap">${t("signin.forgot")}</p>
    </form></main>
    <footer class="cap">${t("audit.notice")}</footer>
  </div>`;
}

/** The page that was asked for before signing in; only a path of this site. */
function next() {
  const asked = new URLSearchParams(location.search).get("next") ?? "/";
  return /^\/(?![/\\])/.test(asked) && getState().me ? asked : "/";
}

function words(error) {
  if (error.status === 401 || error.status === 422) return t("signin.wrong");
  if (error.status === 429) return t("signin.slow", { n: Math.max(1, Math.ceil((error.retryAfter ?? 60) / 60)) });
  if (error.status === 0) return t("error.network");
  return error.detail || t("error.server");
}
