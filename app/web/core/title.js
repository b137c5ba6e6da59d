/**
 * The page's title: the screen's own, and while something rings what counts down. It is read over shoulders and stays in
 * histories: it never names a patient.
 *
 *   useTitle(words)        of a screen, with the name of the product added; null leaves it to another part of the screen
 *   ringTitle(words|null)  of the ring, which goes before; null gives the screen's own back
 */
import { useEffect } from "./html.js";

let own = document.title, ring = null;

const show = () => { document.title = ring ?? own; };

export function useTitle(words) {
  useEffect(() => {
    if (words === null) return;
    own = `${words} – hoichan`;
    show();
  }, [words]);
}

export function ringTitle(words) {
  ring = words;
  show();
}
