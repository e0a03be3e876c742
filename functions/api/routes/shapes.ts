/** Shapes compared: a database with its promise, or any two with one another; as objects, and as the SQL between them. */
import { createRoute, z } from "@hono/zod-openapi";
import { askLook } from "../../ask-look.ts";
import { type AssertMay, sideOf } from "../../diff-sides.ts";
import { access } from "../access.ts";
import { environmentName, jsonAnswer, jsonBody } from "../answer.ts";
import { refusals } from "../refusals.ts";
import { allow, api } from "../request.ts";

const comparison = z.object({
  differences: z.array(
    z.object({ address: z.string(), kind: z.enum(["added", "removed", "changed"]), text: z.string() }),
  ),
  /** How many there are; of very many the first are told. */
  count: z.int(),
  /** Statements in the order in which they can run, and comments on what cannot be written as one. */
  sql: z.array(z.string()),
});

const driftSchema = comparison
  .extend({
    environment: z.string(),
    /** Fingerprints, without what the policy ignores. */
    promised: z.string(),
    found: z.string(),
    ignored: z.int(),
  })
  .openapi("Drift");

const side = z.object({ named: z.string(), is: z.string(), fingerprint: z.string() });

const diffSchema = comparison.extend({ from: side, to: side }).openapi("Diff");

const drift = createRoute({
  method: "get",
  path: "/environments/{name}/drift",
  operationId: "findDrift",
  ...access("read", "environment"),
  tags: ["Environments"],
  summary: "Where the database departs from what the ledger promises, and the SQL that leads back",
  request: { params: z.object({ name: environmentName }) },
  responses: {
    200: jsonAnswer(driftSchema, "Its count is 0 when there is no drift"),
    ...refusals("DatabaseUnreachable", "ConnectionsExhausted", "IdentityMismatch", "ShapeUnknown"),
  },
});

const named = z
  .string()
  .min(1)
  .max(80)
  .refine((text) => !text.includes("://"), "it is an address; name what is registered");

const diff = createRoute({
  method: "post",
  path: "/diffs",
  operationId: "compareShapes",
  ...access("promote", "somewhere"),
  tags: ["Environments"],
  summary:
    "Where one shape departs from another: an environment, PROMOTION:before or :after, a backup, a release, a fingerprint",
  request: jsonBody(z.strictObject({ from: named, to: named })),
  responses: {
    200: jsonAnswer(diffSchema, "The SQL makes the second of the first"),
    ...refusals("ShapeUnknown", "NotFound", "DatabaseUnreachable"),
  },
});

export const shapeRoutes = api()
  .openapi(drift, async (c) => {
    const { name } = c.req.valid("param");
    return c.json(await askLook("drift", { environment: name, person: c.var.person }), 200);
  })
  .openapi(diff, async (c) => {
    const assertMay: AssertMay = (environment, askedFor) => allow(c, "promote", environment, askedFor);
    const named = c.req.valid("json");
    const ledger = await c.var.ledger();
    const from = await sideOf(ledger, named.from, assertMay);
    const to = await sideOf(ledger, named.to, assertMay);
    return c.json(await askLook("diff", { from, to }), 200);
  });
