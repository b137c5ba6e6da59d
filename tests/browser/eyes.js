/** What a test looks at on a page, and cannot ask in words. Each is called by name: eyes.py. */
({
  /** What axe-core finds that shuts somebody out. */
  async barriers(tags) {
    const found = await axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
    const words = (node) => `${node.target.join(" ")} ${node.any[0]?.message ?? ""}`;
    return found.violations.filter((v) => ["serious", "critical"].includes(v.impact))
      .map((v) => `${v.id} (${v.impact}): ${v.help}: ${v.nodes.slice(0, 3).map(words).join(" | ")}`);
  },

  /** Visible text that is not marked as Vietnamese. */
  unmarked() {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const at = node.parentElement;
      if (!node.data.trim() || at.closest('[lang="vi"], script, style, noscript') || !at.checkVisibility()) continue;
      found.push(node.data.trim());
    }
    return found;
  },

  /** The keys that the client's modules ask `t` for, by name, and that no strings module has. */
  async missingKeys(modules) {
    const read = await Promise.all(modules.map((m) => import(`/assets/strings/${m}`)));
    const all = Object.assign({}, ...read.map((m) => m.default));
    const seen = new Set(["/assets/app.js"]);
    const missing = [];
    for (const path of seen) {
      const text = await (await fetch(path)).text();
      for (const [, to] of text.matchAll(/(?:from|import\(?)\s*"(\.[^"]+\.js)"/g)) seen.add(new URL(to, location.origin + path).pathname);
      const asked = [...text.matchAll(/\bt\("([^"]+)"/g)].map(([, key]) => key);
      const commands = [...text.matchAll(/\bwhat: "([^"]+)"/g)].map(([, what]) => `what.${what}`); // named where one has failed
      for (const key of [...asked, ...commands]) if (!(key in all)) missing.push(`${path}: ${key}`);
    }
    return missing;
  },

  /** Contrast of what is drawn without text: the tick of a box, and the ring of the focus in the band of what is unsent. */
  marks() {
    const light = (colour) => {
      const [r, g, b] = colour.match(/[\d.]+/g).map((x) => (x / 255 <= 0.04045 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const contrast = (a, b) => (/, 0\)$/.test(a) ? 1 : (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05)); // what is transparent is not seen
    const box = document.querySelector(".cb:checked"), band = document.createElement("div");
    band.className = "unsent";
    const button = band.appendChild(document.createElement("button"));
    document.body.append(band);
    button.focus({ focusVisible: true });
    const found = {
      tick: contrast(getComputedStyle(box, "::after").backgroundColor, getComputedStyle(box).backgroundColor),
      focus: contrast(getComputedStyle(button).outlineColor, getComputedStyle(band).backgroundColor),
    };
    band.remove();
    return found;
  },

  /** Elements that stick out on the right, unless they are in a box that scrolls by itself; [] when the page does not scroll sideways. */
  outside() {
    if (document.documentElement.scrollWidth <= innerWidth) return [];
    const boxed = (e) => {
      for (let at = e.parentElement; at; at = at.parentElement) {
        if (at !== document.body && getComputedStyle(at).overflowX !== "visible") return true;
      }
      return e.closest(".vh, svg") !== null;
    };
    const out = [...document.querySelectorAll("body *")].filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1 && !boxed(e));
    return ["the page scrolls sideways", ...out.slice(0, 5).map((e) => `${e.tagName}.${e.className}`)];
  },

  /** How a text is cut, or null: a line, an ellipsis, or a box around it that hides a part. */
  cut(e) {
    const style = getComputedStyle(e);
    if (e.scrollHeight > e.clientHeight + 1 && style.overflowY !== "visible") return "its box is too low";
    if (e.scrollWidth > e.clientWidth + 1) return "its box is too narrow";
    if (style.webkitLineClamp !== "none") return "it is clamped";
    const bottom = e.getBoundingClientRect().bottom;
    for (let at = e.parentElement; at && at !== document.body; at = at.parentElement) {
      const hides = ["hidden", "clip"].includes(getComputedStyle(at).overflowY);
      if (hides && bottom > at.getBoundingClientRect().bottom + 1) return `${at.tagName}.${at.className} hides a part`;
    }
    return null;
  },

  /** What lies over the last line of a text once the reader has scrolled to it, or null. */
  overLastLine(e) {
    const range = document.createRange();
    range.selectNodeContents(e);
    const end = () => [...range.getClientRects()].at(-1);
    for (let at = e.parentElement; at; at = at.parentElement) at.scrollTop += end().top - innerHeight * 0.35;
    const over = document.elementFromPoint(end().left + end().width / 2, end().top + end().height / 2);
    return over && e.contains(over) ? null : `${over?.tagName}.${over?.className} at ${Math.round(end().top)}`;
  },
})
