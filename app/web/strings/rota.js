// The words and the looks of the rota, loaded with its screen.
import { addStrings } from "../core/i18n.js";
import { addStyles } from "../core/lazy.js";

await Promise.all([addStrings({ vi: () => import("./rota.vi.js"), en: () => import("./rota.en.js") }), addStyles("/assets/styles/rota.css")]);
