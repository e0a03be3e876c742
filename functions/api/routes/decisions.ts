/** Decisions: a person approves or rejects what was rehearsed. */
import { createRoute, z } from "@hono/zod-openapi";
import { readPromotion } from "../../../io/ledger/promotions.ts";
import { type Decision, decide } from "../../decision.ts";
import { access } from "../access.ts";
import { idParam, jsonAnswer, jsonBody } from "../answer.ts";
import { ifMatch, matchHeader } from "../etag.ts";
import { decidedSchema, shownDecided } from "../promotion.ts";
import { refusals } from "../refusals.ts";
import { type ApiContext, api } from "../request.ts";

const comment = z.string().max(2000).optional();
const responses = {
  200: jsonAnswer(decidedSchema, "It goes on"),
  ...refusals(
    "PreconditionFailed",
    "ApprovalNotWanted",
    "RehearsalOnly",
    "EvidenceChanged",
    "ApproverNotNamed",
    "OwnApproval",
    "TaskTokenUsed",
  ),
};

const approve = createRoute({
  method: "post",
  path: "/promotions/{id}/approve",
  operationId: "approvePromotion",
  ...access("decide", "promotion"),
  tags: ["Promotions"],
  summary: "Approve; with the evidence named, only when that is what stands",
  request: {
    headers: matchHeader,
    params: idParam,
    ...jsonBody(
      z.strictObject({
        evidence: z
          .string()
          .regex(/^[0-9a-f]{64}$/, "evidence is named by 64 hex digits")
          .optional(),
        comment,
      }),
    ),
  },
  responses,
});

const reject = createRoute({
  method: "post",
  path: "/promotions/{id}/reject",
  operationId: "rejectPromotion",
  ...access("decide", "promotion"),
  tags: ["Promotions"],
  summary: "Reject",
  request: { headers: matchHeader, params: idParam, ...jsonBody(z.strictObject({ comment })) },
  responses,
});

export const decisionRoutes = api()
  .openapi(approve, async (c) => {
    const { evidence, comment } = c.req.valid("json");
    const promotion = c.req.valid("param").id;
    return c.json(await decided(c, { promotion, verdict: "approved", ...given({ evidence, comment }) }), 200);
  })
  .openapi(reject, async (c) => {
    const { comment } = c.req.valid("json");
    const promotion = c.req.valid("param").id;
    return c.json(await decided(c, { promotion, verdict: "rejected", ...given({ comment }) }), 200);
  });

async function decided(c: ApiContext, decision: Omit<Decision, "by" | "credential" | "assertSeen">) {
  const ledger = await c.var.ledger();
  await decide(ledger, {
    ...decision,
    by: c.var.person,
    credential: c.var.actor.credential,
    assertSeen: ifMatch(c, ledger, "promotion", decision.promotion),
  });
  return shownDecided(await readPromotion(ledger, decision.promotion));
}

/** Only what was said. */
function given(said: Record<string, string | undefined>): { evidence?: string; comment?: string } {
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}
