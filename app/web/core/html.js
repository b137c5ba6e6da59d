/**
 * The one door to the view library: components are functions that return html`…`.
 *
 *   import { html, useState, Icon } from "../core/html.js";
 *   export function Hello({ name }) { return html`<p><${Icon} name="bell" /> ${name}</p>`; }
 *
 * The content security policy forbids style attributes in markup; `style=${{ width: "40%" }}` is set through the
 * DOM and is allowed.
 */
import { html } from "../vendor/htm-preact-standalone.module.js";

export {
  html, h, render, Component, createContext, useState, useReducer, useEffect, useLayoutEffect, useRef, useMemo,
  useCallback, useContext, useErrorBoundary,
} from "../vendor/htm-preact-standalone.module.js";

/**
 * A drawn icon from the sprite in index.html (names without the `i-` prefix). Decorative: the word beside it is what is
 * read, so an icon button needs an aria-label of its own.
 */
export function Icon({ name, cls = "" }) {
  return html`<svg class=${"i " + cls} aria-hidden="true" focusable="false"><use href=${"#i-" + name}></use></svg>`;
}
