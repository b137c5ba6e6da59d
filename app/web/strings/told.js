// The words of entering a case that was handled by telephone, loaded with that form.
import { addStrings } from "../core/i18n.js";

await addStrings({ vi: () => import("./told.vi.js"), en: () => import("./told.en.js") });
