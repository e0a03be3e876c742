/** The promotion log: read as it was hashed, so that whoever reads it can prove it, and proved by the service itself. */
import { createRoute, z } from "@hono/zod-openapi";
import { readEvents } from "../../../io/ledger/events.ts";
import { readPromotion } from "../../../io/ledger/promotions.ts";
import type { Session } from "../../../io/postgres/session.ts";
import { artifacts } from "../../clients.ts";
import { proveLog } from "../../log-proof.ts";
import { access, readable } from "../access.ts";
import { idParam, jsonAnswer, refused } from "../answer.ts";
import { next, pagesOf } from "../paging.ts";
import { api } from "../request.ts";

const entrySchema = z
  .object({ seq: z.int(), body: z.string(), previous: z.string(), hash: z.string() })
  .openapi("LogEntry");

const entries = jsonAnswer(z.object({ entries: z.array(entrySchema), next }), "Oldest first");

const pages = pagesOf("log", z.string().regex(/^[0-9]{1,15}$/));

/** `after`: the number of an event; whoever has proved the chain up to it goes on from there. */
const pageQuery = z.object({ after: z.coerce.number().int().min(0).optional(), ...pages.query });

const all = createRoute({
  method: "get",
  path: "/log",
  operationId: "readLog",
  ...access("read", "somewhere"),
  tags: ["Log"],
  summary: "The promotion log; body holds the exact bytes that hash covers",
  request: { query: pageQuery },
  responses: { 200: entries, ...refused },
});

const ofPromotion = createRoute({
  method: "get",
  path: "/promotions/{id}/log",
  operationId: "readPromotionLog",
  ...access("read", "promotion"),
  tags: ["Log"],
  summary: "One promotion's part of the log",
  request: { params: idParam, query: pageQuery },
  responses: { 200: entries, ...refused },
});

const verify = createRoute({
  method: "get",
  path: "/log/verify",
  operationId: "verifyLog",
  ...access("read", "service"),
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
    c.json(await page(await c.var.ledger(), c.req.valid("query"), readable(c, undefined)), 200),
  )
  .openapi(ofPromotion, async (c) => {
    const ledger = await c.var.ledger();
    const { id } = await readPromotion(ledger, c.req.valid("param").id);
    return c.json(await page(ledger, c.req.valid("query"), { promotion: id }), 200);
  })
  .openapi(verify, async (c) => c.json(await proveLog(await c.var.ledger(), artifacts()), 200));

async function page(
  ledger: Session,
  query: z.output<typeof pageQuery>,
  of: { promotion?: string; among?: readonly string[] },
) {
  const { cursor, limit } = query;
  const found = await readEvents(ledger, {
    after: Math.max(Number(cursor ?? 0), query.after ?? 0),
    limit: pages.rows(limit),
    ...of,
  });
  return pages.cut(found, limit, ({ seq }) => String(seq));
}
