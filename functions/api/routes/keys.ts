/** Keys, and who one is: what anybody may who is somebody. A key is in the answer that makes it, and never again. */
import { createRoute, z } from "@hono/zod-openapi";
import { EVERYWHERE, may } from "../../../core/access.ts";
import { listKeys } from "../../../io/ledger/keys.ts";
import { newOnce } from "../../identity/once.ts";
import { createKey, revoke } from "../../keys.ts";
import { personName } from "../../person-name.ts";
import { access } from "../access.ts";
import { instant, jsonAnswer, jsonBody, refused } from "../answer.ts";
import { next, pagesOf } from "../paging.ts";
import { grantsSchema, keyId, keySchema, meSchema, shownKey, shownMe } from "../person.ts";
import { refusals } from "../refusals.ts";
import { allow, api } from "../request.ts";

const pages = pagesOf("keys", keyId);

const tags = ["People"];

const me = createRoute({
  method: "get",
  path: "/me",
  operationId: "whoAmI",
  ...access("read", "self"),
  tags,
  summary: "Who speaks, by which credential, and what it may",
  responses: { 200: jsonAnswer(meSchema, "You"), ...refused },
});

const signIn = createRoute({
  method: "post",
  path: "/sign-ins",
  operationId: "createSignIn",
  ...access("read", "self"),
  tags,
  summary: "A path of the console that signs a browser in, once, with no more than this credential may",
  responses: {
    201: jsonAnswer(z.object({ path: z.string(), expiresAt: instant }), "Where to lead the browser"),
    ...refusals("PipelineHeld"),
  },
});

const list = createRoute({
  method: "get",
  path: "/keys",
  operationId: "listKeys",
  ...access("read", "self"),
  tags,
  summary: "Your own keys, or as an admin of everything everybody's; the newest first",
  request: { query: z.object({ person: personName.optional(), ...pages.query }) },
  responses: { 200: jsonAnswer(z.object({ keys: z.array(keySchema), next }), "Keys"), ...refused },
});

const create = createRoute({
  method: "post",
  path: "/keys",
  operationId: "createKey",
  ...access("read", "self"),
  tags,
  summary: "Make a key for yourself, or as an admin of everything for another; it is told once",
  request: jsonBody(
    z.strictObject({
      /** Yourself when left out. */
      person: personName.optional(),
      /** What it is for, to know it by in the list. */
      label: z.string().trim().min(1).max(100),
      /** What it may use of what its person holds; all that this credential may hand on when left out. */
      scope: grantsSchema.min(1).optional(),
      expiresAt: instant.refine((at) => new Date(at) > new Date(), "it lies in the past").optional(),
    }),
  ),
  responses: {
    201: jsonAnswer(keySchema.extend({ key: z.string() }).openapi("NewKey"), "The key itself, this once"),
    ...refusals("NotFound", "ScopeTooWide", "PipelineHeld"),
  },
});

const revokeRoute = createRoute({
  method: "post",
  path: "/keys/{id}/revoke",
  operationId: "revokeKey",
  ...access("read", "self"),
  tags,
  summary: "Revoke a key of yours, or as an admin of everything anybody's; sessions that began with it end",
  request: { params: z.object({ id: keyId }) },
  responses: { 200: jsonAnswer(keySchema, "The key"), ...refusals("NotFound") },
});

export const keyRoutes = api()
  .openapi(me, (c) => c.json(shownMe(c.var.actor), 200))
  .openapi(signIn, async (c) => {
    const { token, expiresAt } = await newOnce(await c.var.ledger(), c.var.actor);
    return c.json({ path: `/console/sign-in?once=${token}`, expiresAt: expiresAt.toISOString() }, 201);
  })
  .openapi(list, async (c) => {
    const { person, cursor, limit } = c.req.valid("query");
    const { actor } = c.var;
    const all = may(actor, "administer", EVERYWHERE);
    if (person !== undefined && person !== actor.person) allow(c, "administer", EVERYWHERE);
    const whose = person ?? (all ? undefined : actor.person);
    const found = await listKeys(await c.var.ledger(), {
      limit: pages.rows(limit),
      ...(whose !== undefined && { person: whose }),
      ...(cursor !== undefined && { before: cursor }),
    });
    const { entries, next } = pages.cut(found, limit, ({ id }) => id);
    return c.json({ keys: entries.map(shownKey), next }, 200);
  })
  .openapi(create, async (c) => {
    const { person = c.var.person, label, scope, expiresAt } = c.req.valid("json");
    const { row, key } = await createKey(
      await c.var.ledger(),
      {
        ...{ person, label },
        ...(scope !== undefined && { scope }),
        ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt) }),
      },
      c.var.actor,
    );
    return c.json({ ...shownKey(row), key }, 201, { "cache-control": "no-store" });
  })
  .openapi(revokeRoute, async (c) =>
    c.json(shownKey(await revoke(await c.var.ledger(), c.req.valid("param").id, c.var.actor)), 200),
  );
