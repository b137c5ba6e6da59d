// The words and the looks of the screens of administrators: start page, ladders, agreements. Loaded with them.
import { addStrings } from "../core/i18n.js";
import { addStyles } from "../core/lazy.js";

await Promise.all([addStrings({ vi: () => import("./run.vi.js"), en: () => import("./run.en.js") }), addStyles("/assets/styles/run.css")]);
