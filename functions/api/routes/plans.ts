/** Plans: what would run on an environment, statement by statement, without starting anything. */
import { createRoute, z } from "@hono/zod-openapi";
import type { StatementClass } from "../../../core/statement-class.ts";
import { artifacts } from "../../clients.ts";
import type { Plan } from "../../plan.ts";
import { jsonAnswer, jsonBody, refused } from "../answer.ts";
import { promotionRequest } from "../promotion.ts";
import { api } from "../request.ts";

// Spelled out, for the module that gives statements their classes brings the SQL parser.
const CLASSES = [
  "additive",
  "rewriting",
  "destructive",
  "non-transactional",
] as const satisfies StatementClass[];

const statementSchema = z.object({
  line: z.int(),
  class: z.enum(CLASSES),
  summary: z.string(),
  /** Modes by pg_locks' names. */
  locks: z.array(z.object({ relation: z.string(), mode: z.string() })),
});

const planSchema = z
  .object({
    environment: z.string(),
    release: z.string(),
    fingerprint: z.string(),
    /** Whether production would be closed to writers. */
    fence: z.boolean(),
    /** How production would go back after COMMIT; seconds as the newest restore took them, null for a swap or where there was none. */
    rollback: z.object({ by: z.enum(["swap", "restore"]), seconds: z.number().nullable() }),
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

export const planRoutes = api().openapi(plan, async (c) => {
  // Loaded on first use, for it brings the SQL parser, which no other request but an upload needs.
  const { planPromotion } = await import("../../plan.ts");
  const found = await planPromotion(await c.var.ledger(), artifacts(), c.req.valid("json"));
  return c.json(shown(found), 200);
});

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
