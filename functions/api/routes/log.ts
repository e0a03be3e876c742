/** The promotion log: read as it was hashed, so that whoever reads it can prove it, and proved by the service itself. */
import { createRoute, z } from "@hono/zod-openapi";
import { readEvents } from "../../../io/ledger/events.ts";
import { readPromotion } from "../../../io/ledger/promotions.ts";
import { artifacts } from "../../clients.ts";
import { proveLog } from "../../log-proof.ts";
import { idParam, jsonAnswer, limit, refused } from "../answer.ts";
import { api } from "../request.ts";

const entrySchema = z
  .object({ seq: z.int(), body: z.string(), previous: z.string(), hash: z.string() })
  .openapi("LogEntry");

const entries = jsonAnswer(z.object({ entries: z.array(entrySchema) }), "Oldest first");

const query = z.object({ after: z.coerce.number().int().min(0).default(0), limit });

const all = createRoute({
  method: "get",
  path: "/log",
  operationId: "readLog",
  tags: ["Log"],
  summary: "The promotion log; body holds the exact bytes that hash covers",
  request: { query },
  responses: { 200: entries, ...refused },
});

const ofPromotion = createRoute({
  method: "get",
  path: "/promotions/{id}/log",
  operationId: "readPromotionLog",
  tags: ["Log"],
  summary: "One promotion's part of the log",
  request: { params: idParam, query },
  responses: { 200: entries, ...refused },
});

const verify = createRoute({
  method: "get",
  path: "/log/verify",
  operationId: "verifyLog",
  tags: ["Log"],
  summary: "Prove the whole chain, and its copies in the bucket",
  responses: {
    200: jsonAnswer(
      z.object({
        events: z.int(),
        head: z.string(),
        copies: z.int(),
        /** The first link that does not hold; absent when all do. */
        broken: z.object({ seq: z.int(), reason: z.string() }).optional(),
      }),
      "What was found",
    ),
    ...refused,
  },
});

export const logRoutes = api()
  .openapi(all, async (c) =>
    c.json({ entries: await readEvents(await c.var.ledger(), c.req.valid("query")) }, 200),
  )
  .openapi(ofPromotion, async (c) => {
    const ledger = await c.var.ledger();
    const { id } = await readPromotion(ledger, c.req.valid("param").id);
    const found = await readEvents(ledger, { ...c.req.valid("query"), promotion: id });
    return c.json({ entries: found }, 200);
  })
  .openapi(verify, async (c) => c.json(await proveLog(await c.var.ledger(), artifacts()), 200));
