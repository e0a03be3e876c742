/** Instants, ages and hashes as the console writes them: exact where one looks closer, short where one reads. */

import { html } from "hono/html";
import { age } from "../../core/counts.ts";
import type { Html } from "./form.ts";

/** An instant in UTC to the minute; the second stands in what a machine reads and what a pointer shows. */
export function when(instant: Date | string | null | undefined): Html | string {
  if (instant === null || instant === undefined) return "–";
  const iso = typeof instant === "string" ? instant : instant.toISOString();
  return html`<time datetime="${iso}" title="${iso.slice(0, 19).replace("T", " ")} UTC">${iso.slice(0, 16).replace("T", " ")}</time>`;
}

/** How long ago something was, with the instant for whoever looks closer. */
export function ago(instant: Date | string, now: Date): Html {
  const at = typeof instant === "string" ? new Date(instant) : instant;
  const iso = at.toISOString();
  const seconds = (now.getTime() - at.getTime()) / 1_000;
  return html`<time datetime="${iso}" title="${iso.slice(0, 19).replace("T", " ")} UTC">${age(seconds)} ago</time>`;
}

/** A hash by its beginning. */
export function short(hash: string | null): Html | string {
  if (hash === null || hash === "") return "–";
  return html`<code class="short" title="${hash}">${hash.slice(0, 12)}</code>`;
}
