/** This device: shared by several people or one's own, who used it last, and single-letter shortcuts. */
const read = (key) => {
  try { return localStorage.getItem(key); } catch { return null; }
};
const write = (key, value) => {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch { /* a private window */ }
};

/** "Máy dùng chung": what one user left unsent is dropped when another signs in. */
export const isShared = () => read("hoichan.shared") === "1";
export const setShared = (on) => write("hoichan.shared", on ? "1" : null);

export const lastUser = () => read("hoichan.user");
export const rememberUser = (id) => write("hoichan.user", id);

/** Single-letter shortcuts may be turned off (account page). */
export const shortcutsOn = () => read("hoichan.shortcuts") !== "off";
export const setShortcuts = (on) => write("hoichan.shortcuts", on ? null : "off");
