/** What every request carries: the ledger, opened when it is first asked for, and who speaks; and how a route asks what they may. */
import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context, Next } from "hono";
import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import { type Actor, EVERYWHERE, environmentsFor, may, type Permission } from "../../core/access.ts";
import { type ErrorCode, RehearsalError } from "../../core/errors.ts";
import type { Session } from "../../io/postgres/session.ts";
import { about } from "../../io/telemetry/about.ts";
import { authenticate } from "../identity/authenticate.ts";
import { assertPipelineMay, assertPipelineReads } from "../identity/held-pipeline.ts";
import { forbidden, type Refused, refusalBy, tellRefused, tellUnauthorized } from "../identity/refused.ts";
import { borrowLedger, returnLedger } from "../kept-ledger.ts";
import { refuseInvalid } from "./problem.ts";
import { templateOf } from "./request-line.ts";

export interface ApiEnv {
  Variables: {
    /** The request's one session on the control database. */
    ledger: () => Promise<Session>;
    /** Who speaks, by which credential, and what they may. */
    actor: Actor;
    /** The actor's person. */
    person: string;
    /** Whether the route has asked what the actor may. */
    asked: boolean;
    /** What was refused to the actor: told in the log when the request is over. */
    refused: Refused | undefined;
  };
}

export type ApiContext = Context<ApiEnv>;

/** An application whose doors refuse with `InputInvalid`, naming every problem. */
export function api(options: { getPath?: (request: Request) => string } = {}): OpenAPIHono<ApiEnv> {
  return new OpenAPIHono<ApiEnv>({ ...options, defaultHook: refuseInvalid });
}

/** Takes a session on the ledger on first use, and gives it back whatever became of the request. */
export const withLedger = createMiddleware<ApiEnv>(async (c, next) => {
  let opened: Promise<Session> | undefined;
  c.set("ledger", () => {
    opened ??= borrowLedger();
    return opened;
  });
  try {
    await next();
  } finally {
    // A ledger that could not be opened has told its reason to whoever asked for it.
    const session = await opened?.catch(() => undefined);
    if (session !== undefined) await returnLedger(session);
  }
});

/**
 * Lets in whoever shows a credential; throws `Unauthorized`. A route that answers without having asked what the actor may
 * is a defect, and its answer does not leave.
 */
export const withActor = createMiddleware<ApiEnv>(async (c, next) => {
  const shown = {
    authorization: c.req.header("authorization"),
    event: (c.env as { event?: unknown })?.event,
  };
  const actor = await authenticate(c.var.ledger, shown).catch((error: unknown) => {
    tellUnauthorized(error, c.req);
    throw error;
  });
  await answerAs(c, actor, next);
});

/**
 * Answers the request as the actor's. What was refused to them is told in the log; an answer for which nobody asked what
 * they may is a defect, and does not leave.
 */
export async function answerAs(c: ApiContext, actor: Actor, next: Next): Promise<void> {
  c.set("actor", actor);
  c.set("person", actor.person);
  about({ actor: actor.credential.kind });
  await next();
  noteRefusal(c, c.error);
  if (c.var.refused !== undefined) await tellRefused(await c.var.ledger(), actor, c.var.refused);
  if (!c.var.asked && c.error === undefined && c.res.status < 400)
    throw new Error(`${c.req.method} ${routePath(c, -1)} answered without having asked what the actor may`);
}

/** Behind `withActor`, so that what it refuses is told in the log. */
export const heldPipeline = createMiddleware<ApiEnv>(async (c, next) => {
  assertPipelineMay(c.var.actor, c.req.method, c.req.path);
  await next();
});

/** What was asked for, where that is not the environment itself: a refusal must not tell that it is there. */
interface AskedFor {
  what: string;
  name: string;
}

/**
 * Throws `Forbidden` unless the actor may there. Where they may not even read, `NotFound` of what they asked for, as if it
 * were not there: a guessed id tells nothing. `*` is what belongs to no single environment, and hidden only where it was
 * asked for by an id.
 */
export function allow(c: ApiContext, permission: Permission, environment: string, askedFor?: AskedFor): void {
  c.set("asked", true);
  const { actor } = c.var;
  if (may(actor, permission, environment)) {
    assertPipelineReads(actor, permission, c.req.method);
    return;
  }
  const hides =
    askedFor ?? (environment === EVERYWHERE ? undefined : { what: "environment", name: environment });
  const hidden = hides !== undefined && !may(actor, "read", environment) ? hides : undefined;
  note(c, hidden ? "NotFound" : "Forbidden", permission, environment);
  if (hidden) throw new RehearsalError("NotFound", { ...hidden });
  throw forbidden(actor, permission, environment);
}

/** Where the actor may: `*`, or the environments by name. Throws `Forbidden` when nowhere. */
export function allowSomewhere(c: ApiContext, permission: Permission): "*" | string[] {
  c.set("asked", true);
  const where = environmentsFor(c.var.actor, permission);
  if (where.length > 0) return where;
  note(c, "Forbidden", permission, null);
  throw forbidden(c.var.actor, permission, null);
}

/** What anybody may who is somebody: what is about themselves. */
export function allowSelf(c: ApiContext): void {
  c.set("asked", true);
}

/** Notes that an error is a failed authorisation, unless it has been noted where it was refused: it belongs in the log. */
export function noteRefusal(c: ApiContext, error: unknown): void {
  // At the sign-in nobody is there yet, whatever the type says.
  const actor: Actor | undefined = c.var.actor;
  if (c.var.refused !== undefined || actor === undefined) return;
  c.set("refused", refusalBy(error, { actor, method: c.req.method, route: templateOf(c, -1) }));
}

function note(c: ApiContext, code: ErrorCode, permission: Permission, environment: string | null): void {
  c.set("refused", { code, permission, environment, method: c.req.method, route: templateOf(c) });
}
