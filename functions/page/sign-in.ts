/** Signing in with a key or a link that is good once, signing out, and the theme: what needs no session. */
import { RehearsalError } from "../../core/errors.ts";
import { type SignInView, signInView } from "../../web/console/sign-in.ts";
import { allowSelf } from "../api/request.ts";
import { actorOfKey } from "../identity/keys.ts";
import { countRequest, limitedSignIn } from "../identity/limits.ts";
import { redeemOnce } from "../identity/once.ts";
import { endSession, startSession } from "../identity/sessions.ts";
import { formValues } from "./foreign.ts";
import {
  type PageContext,
  pages,
  safeNext,
  sessionCookie,
  setSessionCookie,
  setThemeCookie,
} from "./request.ts";
import { act, show } from "./show.ts";

export const signInRoutes = pages()
  .get("/sign-in", async (c) => {
    const { once, next, over } = c.req.query();
    if (once !== undefined && opensByItself(c)) return signIn(c, { once, next });
    return signInPage(c, { once, next: safeNext(next), over });
  })
  .post("/sign-in", async (c) => signIn(c, await formValues(c)))
  .post("/theme", async (c) => {
    const { theme, next } = await formValues(c);
    setThemeCookie(c, theme === "light" || theme === "dark" ? theme : "system");
    return c.redirect(safeNext(next), 303);
  });

export const signOutRoutes = pages().post("/sign-out", async (c) => {
  allowSelf(c);
  await endSession(await c.var.ledger(), sessionCookie(c) ?? "");
  setSessionCookie(c);
  return c.redirect("/console/sign-in", 303);
});

/**
 * A link that a person opened from outside the browser signs in at once. One that a page links to, or that something
 * fetches ahead, is not used up: there a button asks, so that nobody is signed in as somebody else unawares.
 */
function opensByItself(c: PageContext): boolean {
  return (
    c.req.method === "GET" &&
    c.req.header("sec-fetch-site") === "none" &&
    c.req.header("sec-fetch-mode") === "navigate" &&
    c.req.header("sec-purpose") === undefined
  );
}

function signIn(c: PageContext, given: Record<string, string | undefined>): Promise<Response> {
  const next = safeNext(given.next);
  return act(
    c,
    async () => {
      const ledger = await c.var.ledger();
      const former = sessionCookie(c);
      const { once } = given;
      const credential = once ?? pasted(given.key);
      const { event } = (c.env ?? {}) as { event?: unknown };
      const actor = await limitedSignIn(ledger, { event, credential }, () =>
        once === undefined ? actorOfKey(ledger, credential) : redeemOnce(ledger, once),
      );
      // Each leaves a session behind, so who may sign in does not do it without end.
      await countRequest(c.var.ledger, actor.person);
      const session = await startSession(ledger, actor);
      if (former !== undefined) await endSession(ledger, former);
      setSessionCookie(c, session);
      return next;
    },
    (refused) => signInPage(c, { next, ...refused }),
  );
}

function pasted(key = ""): string {
  const trimmed = key.trim();
  if (trimmed === "") throw new RehearsalError("Unauthorized", { reason: "no key was given" });
  return trimmed;
}

function signInPage(c: PageContext, view: SignInView & { status?: number }): Promise<Response> {
  return show(c, { title: "Sign in", main: signInView(view), status: view.status });
}
