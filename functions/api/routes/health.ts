/** Health: whether the service answers, for load balancers and people; it tells nothing else. */
import { createRoute, z } from "@hono/zod-openapi";
import { access } from "../access.ts";
import { jsonAnswer } from "../answer.ts";
import { HEALTHY } from "../health.ts";
import { api } from "../request.ts";

const show = createRoute({
  method: "get",
  path: "/health",
  operationId: "readHealth",
  ...access("read", "public"),
  tags: ["Service"],
  summary: "Whether the service answers",
  security: [],
  responses: { 200: jsonAnswer(z.object({ status: z.literal("ok") }), "It does") },
});

export const healthRoutes = api().openapi(show, (c) => c.json(HEALTHY, 200));
