/** A module that is loaded when it is first needed: `const m = useModule(wanted && (() => import("…")))`, null until then. */
import { useEffect, useState } from "./html.js";

export function useModule(load) {
  const [module, setModule] = useState(null);
  const wanted = Boolean(load);
  useEffect(() => {
    if (wanted && !module) load().then(setModule, (error) => console.error(error));
  }, [wanted]);
  return module;
}
