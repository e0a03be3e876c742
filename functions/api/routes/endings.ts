/** Endings asked for by a person: a promotion is cancelled, or rolled back. */
import { createRoute, z } from "@hono/zod-openapi";
import { readPromotion } from "../../../io/ledger/promotions.ts";
import { cancel } from "../../cancellation.ts";
import { assertRehearses } from "../../identity/held-pipeline.ts";
import { rollBack } from "../../rollback.ts";
import { access } from "../access.ts";
import { environmentName, idParam, jsonAnswer, jsonBody } from "../answer.ts";
import { ifMatch, matchHeader } from "../etag.ts";
import { promotionSchema, shown } from "../promotion.ts";
import { refusals } from "../refusals.ts";
import { api } from "../request.ts";

const responses = {
  202: jsonAnswer(promotionSchema, "It was asked for"),
  ...refusals("PreconditionFailed", "CancelTooLate", "RollbackNotPossible", "ConfirmationMissing"),
};

const cancelRoute = createRoute({
  method: "post",
  path: "/promotions/{id}/cancel",
  operationId: "cancelPromotion",
  ...access("promote", "promotion"),
  tags: ["Promotions"],
  summary: "Cancel, as long as production cannot have been touched",
  request: { headers: matchHeader, params: idParam },
  responses,
});

const rollBackRoute = createRoute({
  method: "post",
  path: "/promotions/{id}/rollback",
  operationId: "rollBackPromotion",
  ...access("promote", "promotion"),
  tags: ["Promotions"],
  summary: "Roll back; where the role is prod, with the environment's name as confirmation",
  request: {
    headers: matchHeader,
    params: idParam,
    ...jsonBody(z.strictObject({ confirm: environmentName.optional(), acceptLoss: z.boolean().optional() })),
  },
  responses,
});

export const endingRoutes = api()
  .openapi(cancelRoute, async (c) => {
    const { id } = c.req.valid("param");
    const ledger = await c.var.ledger();
    assertRehearses(c.var.actor, (await readPromotion(ledger, id)).rehearseOnly);
    await cancel(ledger, id, c.var.person, ifMatch(c, ledger, "promotion", id));
    return c.json(shown(await readPromotion(ledger, id)), 202);
  })
  .openapi(rollBackRoute, async (c) => {
    const { id } = c.req.valid("param");
    const ledger = await c.var.ledger();
    const { confirm, acceptLoss = false } = c.req.valid("json");
    const assertSeen = ifMatch(c, ledger, "promotion", id);
    await rollBack(ledger, { promotion: id, confirm, acceptLoss, by: c.var.person, assertSeen });
    return c.json(shown(await readPromotion(ledger, id)), 202);
  });
