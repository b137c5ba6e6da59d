/** What is loaded when it is first needed: a module, `const m = useModule(wanted && (() => import("…")))`, null until then. */
import { useEffect, useState } from "./html.js";

export function useModule(load) {
  const [module, setModule] = useState(null);
  const wanted = Boolean(load);
  useEffect(() => {
    if (wanted && !module) load().then(setModule, (error) => console.error(error));
  }, [wanted]);
  return module;
}

/** A stylesheet that comes with a screen; done when it counts, so that nothing is drawn without it. */
export const addStyles = (href) => new Promise((done) => {
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href, onload: done, onerror: done });
  document.head.append(link);
});
