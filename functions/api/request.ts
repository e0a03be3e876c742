/** What every request carries: the ledger, opened when it is first asked for, and the person who speaks. */
import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { RehearsalError } from "../../core/errors.ts";
import { openLedger } from "../../io/ledger/connection.ts";
import { findPerson } from "../../io/ledger/keys.ts";
import type { Session } from "../../io/postgres/session.ts";
import { refuseInvalid } from "./problem.ts";

export interface ApiEnv {
  Variables: {
    /** The request's one session on the control database. */
    ledger: () => Promise<Session>;
    /** Whose key the request shows. */
    person: string;
  };
}

export type ApiContext = Context<ApiEnv>;

/** An application whose doors refuse with `InputInvalid`, naming every problem. */
export function api(): OpenAPIHono<ApiEnv> {
  return new OpenAPIHono<ApiEnv>({ defaultHook: refuseInvalid });
}

/** Opens the ledger on first use, and closes it whatever became of the request. */
export const withLedger = createMiddleware<ApiEnv>(async (c, next) => {
  let opened: Promise<Session> | undefined;
  c.set("ledger", () => {
    opened ??= openLedger("api");
    return opened;
  });
  try {
    await next();
  } finally {
    // A ledger that could not be opened has told its reason to whoever asked for it.
    const session = await opened?.catch(() => undefined);
    await session?.close();
  }
});

/** Lets in whoever shows a known key as `Authorization: Bearer KEY`; throws `Unauthorized`. */
export const withPerson = createMiddleware<ApiEnv>(async (c, next) => {
  const shown = c.req.header("authorization");
  if (shown === undefined)
    throw new RehearsalError("Unauthorized", { reason: "there is no Authorization header" });
  const key = /^Bearer +([\x21-\x7e]{1,200})$/i.exec(shown)?.[1];
  if (key === undefined)
    throw new RehearsalError("Unauthorized", { reason: 'the Authorization header is not "Bearer KEY"' });
  const person = await findPerson(await c.var.ledger(), key);
  if (person === undefined) throw new RehearsalError("Unauthorized", { reason: "the key is not known" });
  c.set("person", person);
  await next();
});
