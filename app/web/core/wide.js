/** Whether the window has room for panes beside each other (from 1000 px). */
import { useEffect, useState } from "./html.js";

const query = matchMedia("(min-width:1000px)");

export function useWide() {
  const [wide, setWide] = useState(query.matches);
  useEffect(() => {
    const changed = () => setWide(query.matches);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);
  return wide;
}
