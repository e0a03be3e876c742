/** Promotions: started, listed, and shown with every attempt of every step. */
import { createRoute, z } from "@hono/zod-openapi";
import { readApproval } from "../../../io/ledger/approvals.ts";
import { lastVerified } from "../../../io/ledger/backup-rows.ts";
import { listPromotions, readPromotion } from "../../../io/ledger/promotions.ts";
import { listSteps } from "../../../io/ledger/steps.ts";
import { startPromotion } from "../../promotion-start.ts";
import {
  environmentName,
  idParam,
  jsonAnswer,
  jsonBody,
  keyHeader,
  limit,
  promotionId,
  refused,
} from "../answer.ts";
import { detailSchema, promotionRequest, promotionSchema, shown, shownInDetail } from "../promotion.ts";
import { api } from "../request.ts";

const create = createRoute({
  method: "post",
  path: "/promotions",
  summary: "Start a promotion; the same Idempotency-Key starts it once",
  request: {
    headers: keyHeader,
    ...jsonBody(promotionRequest),
  },
  responses: {
    200: jsonAnswer(promotionSchema, "It was started by an earlier request with the same key"),
    201: jsonAnswer(promotionSchema, "It is started"),
    ...refused,
  },
});

const list = createRoute({
  method: "get",
  path: "/promotions",
  summary: "The newest promotions first",
  request: {
    query: z.object({ environment: environmentName.optional(), before: promotionId.optional(), limit }),
  },
  responses: {
    200: jsonAnswer(z.object({ promotions: z.array(promotionSchema) }), "Promotions"),
    ...refused,
  },
});

const show = createRoute({
  method: "get",
  path: "/promotions/{id}",
  summary: "One promotion, with its steps and what was decided",
  request: { params: idParam },
  responses: { 200: jsonAnswer(detailSchema, "The promotion"), ...refused },
});

export const promotionRoutes = api()
  .openapi(create, async (c) => {
    const key = c.req.valid("header")["idempotency-key"];
    const { promotion, repeated } = await startPromotion(await c.var.ledger(), c.req.valid("json"), {
      person: c.var.person,
      key,
    });
    return c.json(shown(promotion), repeated ? 200 : 201);
  })
  .openapi(list, async (c) => {
    const { environment, before, limit } = c.req.valid("query");
    const found = await listPromotions(await c.var.ledger(), {
      limit,
      ...(environment !== undefined && { environment }),
      ...(before !== undefined && { before }),
    });
    return c.json({ promotions: found.map(shown) }, 200);
  })
  .openapi(show, async (c) => {
    const ledger = await c.var.ledger();
    const promotion = await readPromotion(ledger, c.req.valid("param").id);
    const approval = await readApproval(ledger, promotion.id);
    const steps = await listSteps(ledger, promotion.id);
    const verified = await lastVerified(ledger, promotion.environment);
    return c.json(shownInDetail(promotion, steps, approval, verified), 200);
  });
