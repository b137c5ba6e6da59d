// The words of what is done with a case once it is held, loaded with those dialogs.
import { addStrings } from "../core/i18n.js";

await addStrings({ vi: () => import("./after.vi.js"), en: () => import("./after.en.js") });
