/** What an environment holds: read anew for each request, and written nowhere. */
import { createRoute, z } from "@hono/zod-openapi";
import { holdings } from "../../../core/holdings.ts";
import { storagePrefix } from "../../../core/storage.ts";
import { askLook } from "../../ask-look.ts";
import { access } from "../access.ts";
import { environmentName, jsonAnswer, jsonBody } from "../answer.ts";
import { refusals } from "../refusals.ts";
import { api } from "../request.ts";

/** Made anew, for `openapi` is on those alone that are made after its package was loaded. */
const holdingsSchema = z.object(holdings.shape).openapi("Holdings");

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
  const { prefixes } = c.req.valid("json");
  return c.json(await askLook("holdings", { environment: c.req.valid("param").name, prefixes }), 200);
});
