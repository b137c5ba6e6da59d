/** Light, dark or as the device: `theme()`, `setTheme("auto" | "light" | "dark")`. */
const KEPT = "hoichan.theme";

export function theme() {
  try { return localStorage.getItem(KEPT) ?? "auto"; } catch { return "auto"; }
}

export function setTheme(next) {
  try { localStorage.setItem(KEPT, next); } catch { /* a private window */ }
  apply(next);
}

function apply(choice) {
  if (choice === "light" || choice === "dark") document.documentElement.dataset.theme = choice;
  else delete document.documentElement.dataset.theme;
}

apply(theme());
