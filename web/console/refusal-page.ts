/** A page for what was refused where no form can be shown again. */
import { html } from "hono/html";
import { type Refusal, refusalBox } from "./alert.ts";
import type { Html } from "./form.ts";

export function refusalView(refusal: Refusal, status: number): Html {
  return html`<h1>${TITLES[status] ?? "That did not work"}</h1>
${refusalBox(refusal)}
<p><a href="/console">Go to the overview</a></p>`;
}

const TITLES: Record<number, string> = {
  401: "You are not signed in",
  403: "You may not do that",
  404: "There is no such page",
  429: "Too many attempts",
};
