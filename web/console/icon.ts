/** The console's shapes: small drawings that stand beside a word, and never instead of it. */
import { html, raw } from "hono/html";
import type { Html } from "./form.ts";

/** Drawn on a field of 16 by 16, with lines in the colour of the text. */
const SHAPES = {
  check: '<circle cx="8" cy="8" r="6.25"/><path d="m5.2 8.2 2 2 3.6-4.2"/>',
  cross: '<path d="M5.4 1.75h5.2l3.65 3.65v5.2l-3.65 3.65H5.4L1.75 10.6V5.4z"/><path d="m6 6 4 4m0-4-4 4"/>',
  turn: '<path d="M2.5 8a5.5 5.5 0 1 1 1.6 3.9"/><path d="M2.2 13v-2.6h2.6"/>',
  pause: '<rect x="1.75" y="1.75" width="12.5" height="12.5" rx="2"/><path d="M6.3 5.5v5m3.4-5v5"/>',
  clock: '<circle cx="8" cy="8" r="6.25"/><path d="M8 4.5V8l2.4 1.6"/>',
  play: '<circle cx="8" cy="8" r="6.25"/><path d="M6.7 5.4v5.2L10.8 8z" fill="currentColor"/>',
  dash: '<circle cx="8" cy="8" r="6.25" stroke-dasharray="2.4 2"/><path d="M5.5 8h5"/>',
  warn: '<path d="M8 1.9 14.6 13.6H1.4z"/><path d="M8 6.2v3.4m0 1.9v.1"/>',
  lock: '<rect x="3" y="7" width="10" height="7" rx="1.5"/><path d="M5.2 7V5a2.8 2.8 0 0 1 5.6 0v2"/>',
  pen: '<path d="M2.5 13.5l.8-3 7.6-7.6a1.2 1.2 0 0 1 1.7 0l.5.5a1.2 1.2 0 0 1 0 1.7l-7.6 7.6z"/>',
  stage: '<path d="M2 3h12M3.5 3v10m9-10v10M3.5 8.5C6 8.5 8 6.5 8 3c0 3.5 2 5.5 4.5 5.5"/>',
  person: '<circle cx="8" cy="5.2" r="2.7"/><path d="M2.8 14c.5-3 2.5-4.5 5.2-4.5s4.7 1.5 5.2 4.5"/>',
  sun: '<circle cx="8" cy="8" r="2.9"/><path d="M8 1v1.800M8 13.200V15M1 8h1.800M13.2 8H15M3 3l1.3 1.300M11.7 11.7 13 13M13 3l-1.3 1.300M4.3 11.7 3 13"/>',
  moon: '<path d="M13.4 9.800A5.8 5.8 0 0 1 6.2 2.600a5.8 5.8 0 1 0 7.2 7.200z"/>',
  screen: '<rect x="1.75" y="2.5" width="12.5" height="8.5" rx="1.2"/><path d="M5.5 13.800h5"/>',
  box: '<path d="M2 4.8 8 2l6 2.800v6.400L8 14l-6-2.800z"/><path d="M2 4.8 8 7.600l6-2.800M8 7.600V14"/>',
  key: '<circle cx="5" cy="11" r="2.9"/><path d="m7.2 8.8 6-6M10.8 5.200l1.9 1.9"/>',
} as const;

export type Shape = keyof typeof SHAPES;

/** Hidden from those who hear the page: the word beside it says the same. */
export function icon(shape: Shape): Html {
  return html`<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">${raw(SHAPES[shape])}</svg>`;
}

/** The product's mark: a curtain half drawn. */
export const MARK: Html = html`<svg class="mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false"><rect width="24" height="24" rx="5"/><path d="M5 6h14M7 6v12M17 6v12M7 12c3 0 5-2 5-6 0 4 2 6 5 6"/></svg>`;
