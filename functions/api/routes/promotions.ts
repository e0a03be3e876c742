/** Promotions: started, listed, and shown with every attempt of every step. */
import { createRoute, z } from "@hono/zod-openapi";
import { listPromotions } from "../../../io/ledger/promotions.ts";
import { assertRehearses } from "../../identity/held-pipeline.ts";
import { startPromotion } from "../../promotion-start.ts";
import { access, readable } from "../access.ts";
import {
  environmentName,
  idParam,
  jsonAnswer,
  jsonBody,
  keyHeader,
  promotionId,
  refused,
} from "../answer.ts";
import { etagOf, isSeen, seenHeader, tagged, unchanged } from "../etag.ts";
import { next, pagesOf } from "../paging.ts";
import { detailSchema, promotionRequest, promotionSchema, readDetail, shown } from "../promotion.ts";
import { refusals } from "../refusals.ts";
import { allow, api } from "../request.ts";

const pages = pagesOf("promotions", promotionId);

const create = createRoute({
  method: "post",
  path: "/promotions",
  operationId: "startPromotion",
  ...access("promote", "environment"),
  tags: ["Promotions"],
  summary: "Start a promotion; the same Idempotency-Key starts it once",
  request: {
    headers: keyHeader,
    ...jsonBody(promotionRequest),
  },
  responses: {
    200: jsonAnswer(promotionSchema, "It was started by an earlier request with the same key"),
    201: jsonAnswer(promotionSchema, "It is started"),
    ...refusals("NotFound", "EnvironmentLocked", "StoreCutOver", "SeedsOnProd", "IdempotencyKeyReused"),
  },
});

const list = createRoute({
  method: "get",
  path: "/promotions",
  operationId: "listPromotions",
  ...access("read", "somewhere"),
  tags: ["Promotions"],
  summary: "The newest promotions first",
  request: {
    query: z.object({ environment: environmentName.optional(), ...pages.query }),
  },
  responses: {
    200: jsonAnswer(z.object({ promotions: z.array(promotionSchema), next }), "Promotions"),
    ...refused,
  },
});

const show = createRoute({
  method: "get",
  path: "/promotions/{id}",
  operationId: "showPromotion",
  ...access("read", "promotion"),
  tags: ["Promotions"],
  summary: "One promotion, with its steps and what was decided",
  request: { headers: seenHeader, params: idParam },
  responses: { 200: { ...jsonAnswer(detailSchema, "The promotion"), ...tagged }, ...unchanged, ...refused },
});

export const promotionRoutes = api()
  .openapi(create, async (c) => {
    allow(c, "promote", c.req.valid("json").environment);
    assertRehearses(c.var.actor, c.req.valid("json").rehearseOnly);
    const key = c.req.valid("header")["idempotency-key"];
    const { promotion, repeated } = await startPromotion(await c.var.ledger(), c.req.valid("json"), {
      person: c.var.person,
      key,
    });
    return c.json(shown(promotion), repeated ? 200 : 201);
  })
  .openapi(list, async (c) => {
    const { environment, cursor, limit } = c.req.valid("query");
    const found = await listPromotions(await c.var.ledger(), {
      limit: pages.rows(limit),
      ...readable(c, environment),
      ...(cursor !== undefined && { before: cursor }),
    });
    const { entries, next } = pages.cut(found, limit, ({ id }) => id);
    return c.json({ promotions: entries.map(shown), next }, 200);
  })
  .openapi(show, async (c) => {
    const ledger = await c.var.ledger();
    const { id } = c.req.valid("param");
    if (isSeen(c, await etagOf(ledger, "promotion", id))) return c.body(null, 304);
    return c.json(await readDetail(ledger, id), 200);
  });
