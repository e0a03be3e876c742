/** What an environment holds: read anew for each request, and written nowhere. */
import { createRoute, z } from "@hono/zod-openapi";
import { storagePrefix } from "../../../core/storage.ts";
import { access } from "../access.ts";
import { environmentName, jsonAnswer, jsonBody } from "../answer.ts";
import { refusals } from "../refusals.ts";
import { api } from "../request.ts";

const heldObjects = z.object({ prefix: z.string(), objects: z.int(), bytes: z.number() });

const holdingsSchema = z
  .object({
    environment: z.string(),
    tables: z.array(
      z.object({
        schema: z.string(),
        name: z.string(),
        comment: z.string().optional(),
        /** Types without what stands around them: a domain is what it is made of. */
        columns: z.array(z.object({ name: z.string(), type: z.string(), comment: z.string().optional() })),
        rows: z.number(),
        /** False where the server's own estimate was taken. */
        exact: z.boolean(),
        bytes: z.number(),
      }),
    ),
    /** Null where the policy names no bucket. */
    storage: z
      .object({
        bucket: z.string(),
        root: z.string(),
        prefixes: z.array(heldObjects),
        /** Objects under none of the prefixes, by the first part of their keys. */
        strays: z.array(heldObjects),
        /** False where the bucket holds more than were looked at. */
        whole: z.boolean(),
      })
      .nullable(),
  })
  .openapi("Holdings");

const read = createRoute({
  method: "post",
  path: "/environments/{name}/holdings",
  operationId: "readHoldings",
  ...access("read", "environment"),
  tags: ["Environments"],
  summary: "What an environment holds: its tables with their sizes, and its bucket's objects by prefix",
  request: {
    params: z.object({ name: environmentName }),
    ...jsonBody(z.strictObject({ prefixes: z.array(storagePrefix).max(100).default([]) })),
  },
  responses: {
    200: jsonAnswer(holdingsSchema, "What is there now"),
    ...refusals("DatabaseUnreachable", "ConnectionsExhausted", "IdentityMismatch", "StatementFailed"),
  },
});

export const holdingRoutes = api().openapi(read, async (c) => {
  // Loaded on first use, for no other request reads a shape.
  const { readHoldings } = await import("../../holdings.ts");
  const { prefixes } = c.req.valid("json");
  return c.json(await readHoldings(await c.var.ledger(), c.req.valid("param").name, prefixes), 200);
});
