/** Holds: what may not be pruned, by whose word and why. Whoever may promote places one; whoever administers lets it go. */
import { createRoute, z } from "@hono/zod-openapi";
import { listHolds, readHold } from "../../../io/ledger/holds.ts";
import { placeHold, releaseHold } from "../../holds.ts";
import { access, readable } from "../access.ts";
import { environmentName, jsonAnswer, jsonBody, refused } from "../answer.ts";
import { next, pagesOf } from "../paging.ts";
import { holdId, holdReason, holdSchema, policyName, recordKey, shownHold } from "../prune.ts";
import { refusals } from "../refusals.ts";
import { api } from "../request.ts";

const pages = pagesOf("holds", holdId);

const params = z.object({ id: holdId });

const list = createRoute({
  method: "get",
  path: "/holds",
  operationId: "listHolds",
  ...access("read", "somewhere"),
  tags: ["Prunes"],
  summary: "The newest holds first: those that stand, or with released ones",
  request: {
    query: z.object({
      environment: environmentName.optional(),
      policy: policyName.optional(),
      released: z.enum(["true", "false"]).default("false"),
      ...pages.query,
    }),
  },
  responses: { 200: jsonAnswer(z.object({ holds: z.array(holdSchema), next }), "Holds"), ...refused },
});

const place = createRoute({
  method: "post",
  path: "/environments/{name}/holds",
  operationId: "placeHold",
  ...access("promote", "environment"),
  tags: ["Prunes"],
  summary: "Keep a record, or every record of a policy, from being pruned",
  request: {
    params: z.object({ name: environmentName }),
    ...jsonBody(
      z.strictObject({
        policy: policyName,
        /** Every record of the policy when left out. */
        record: recordKey.optional(),
        reason: holdReason,
      }),
    ),
  },
  responses: {
    200: jsonAnswer(holdSchema, "The hold; the one that stands when it was placed before in the same words"),
    ...refusals("NotFound"),
  },
});

const show = createRoute({
  method: "get",
  path: "/holds/{id}",
  operationId: "showHold",
  ...access("read", "hold"),
  tags: ["Prunes"],
  summary: "One hold, and how it was released",
  request: { params },
  responses: { 200: jsonAnswer(holdSchema, "The hold"), ...refused },
});

const release = createRoute({
  method: "post",
  path: "/holds/{id}/release",
  operationId: "releaseHold",
  ...access("administer", "hold"),
  tags: ["Prunes"],
  summary: "Let what was held be pruned again, with the reason",
  request: { params, ...jsonBody(z.strictObject({ reason: holdReason })) },
  responses: { 200: jsonAnswer(holdSchema, "The hold, which stays to be read"), ...refusals("HoldReleased") },
});

export const holdRoutes = api()
  .openapi(list, async (c) => {
    const { environment, policy, released, cursor, limit } = c.req.valid("query");
    const found = await listHolds(await c.var.ledger(), {
      limit: pages.rows(limit),
      released: released === "true",
      ...readable(c, environment),
      ...(policy !== undefined && { policy }),
      ...(cursor !== undefined && { before: cursor }),
    });
    const { entries, next } = pages.cut(found, limit, ({ id }) => id);
    return c.json({ holds: entries.map(shownHold), next }, 200);
  })
  .openapi(place, async (c) => {
    const { policy, record = null, reason } = c.req.valid("json");
    const request = { environment: c.req.valid("param").name, policy, record, reason, by: c.var.person };
    return c.json(shownHold(await placeHold(await c.var.ledger(), request)), 200);
  })
  .openapi(show, async (c) =>
    c.json(shownHold(await readHold(await c.var.ledger(), c.req.valid("param").id)), 200),
  )
  .openapi(release, async (c) => {
    const request = { hold: c.req.valid("param").id, reason: c.req.valid("json").reason, by: c.var.person };
    return c.json(shownHold(await releaseHold(await c.var.ledger(), request)), 200);
  });
