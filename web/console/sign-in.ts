/** The way in: a key that is pasted, or a link that is good once. */
import { html } from "hono/html";
import { noticeBox, type Refusal, refusalBox } from "./alert.ts";
import { type Html, postForm, textField } from "./form.ts";

export interface SignInView {
  /** Where to go on. */
  next: string;
  /** The link's secret, where one was followed. */
  once?: string | undefined;
  /** A session has ended: while a page was asked for, or while a form was sent. */
  over?: string | undefined;
  refusal?: Refusal;
}

export function signInView({ next, once, over, refusal }: SignInView): Html {
  return html`<div class="narrow steps">
<h1>Sign in</h1>
${refusalBox(refusal)}${noticeBox(OVER.get(over ?? ""), "wait")}
${once === undefined || refusal !== undefined ? withKey(next) : withLink(next, once)}
</div>`;
}

const OVER = new Map([
  ["page", "Your session has ended. Sign in, and you come back to where you were."],
  [
    "form",
    "Your session had ended, so nothing was done. Sign in, and you come back to the page with the form.",
  ],
]);

function withKey(next: string) {
  const form = postForm({
    action: "/console/sign-in",
    csrf: "",
    values: { next },
    fields: textField({
      ...{ name: "key", label: "Key", type: "password", required: true, autocomplete: "current-password" },
      hint: "It begins with rk_. The page keeps a session in its place, for twelve hours at most.",
    }),
    ...{ button: "Sign in", tone: "main" },
  });
  return html`<section class="card"><div class="body">${form}</div></section>
<section class="lead steps" aria-labelledby="no-key"><h2 id="no-key">You have no key?</h2>
<p>An admin makes one for you, under People or with <code>rehearsal key create</code>.</p>
<p>On your own machine <code>rehearsal dev</code> prints links that sign you in, as two people, so that one can approve what the other asks for. The keys stand in <code>.rehearsal/connection.json</code>.</p></section>`;
}

function withLink(next: string, once: string) {
  const form = postForm({
    ...{ action: "/console/sign-in", csrf: "", values: { next, once } },
    ...{ button: "Sign in with this link", tone: "main" },
  });
  return html`<section class="card"><div class="body"><p>This link signs you in once, and is used up then.</p>${form}</div></section>`;
}
