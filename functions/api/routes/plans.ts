/** Plans: what would run on an environment, statement by statement, without starting anything. */
import { createRoute, z } from "@hono/zod-openapi";
import { STATEMENT_CLASSES } from "../../../core/statement-class.ts";
import { LOCK_MODES } from "../../../core/statement-locks.ts";
import { artifacts } from "../../clients.ts";
import { type Plan, planPromotion } from "../../plan.ts";
import { jsonAnswer, jsonBody, refused } from "../answer.ts";
import { promotionRequest } from "../promotion.ts";
import { api } from "../request.ts";

const statementSchema = z.object({
  line: z.int(),
  class: z.enum(STATEMENT_CLASSES),
  summary: z.string(),
  locks: z.array(z.object({ relation: z.string(), mode: z.enum(LOCK_MODES) })),
});

const planSchema = z
  .object({
    environment: z.string(),
    release: z.string(),
    fingerprint: z.string(),
    /** Whether production would be closed to writers. */
    fence: z.boolean(),
    /** In order; each is one transaction, or one file outside any. Empty when nothing is pending. */
    runs: z.array(
      z.object({
        transactional: z.boolean(),
        files: z.array(
          z.object({
            kind: z.enum(["migration", "view", "seed"]),
            path: z.string(),
            idempotent: z.boolean(),
            statements: z.array(statementSchema),
          }),
        ),
      }),
    ),
  })
  .openapi("Plan");

const plan = createRoute({
  method: "post",
  path: "/plans",
  summary: "What a promotion would run",
  request: jsonBody(promotionRequest),
  responses: { 200: jsonAnswer(planSchema, "The plan"), ...refused },
});

export const planRoutes = api().openapi(plan, async (c) =>
  c.json(shown(await planPromotion(await c.var.ledger(), artifacts(), c.req.valid("json"))), 200),
);

function shown({ runs, ...plan }: Plan) {
  return {
    ...plan,
    runs: runs.map(({ transactional, items }) => ({
      transactional,
      files: items.map(({ kind, path, idempotent, statements }) => ({
        kind,
        path,
        idempotent,
        statements: statements.map(({ line, class: kind, summary, locks }) => ({
          line,
          class: kind,
          summary,
          locks,
        })),
      })),
    })),
  };
}
