/** Plans: what would run on an environment, statement by statement, without starting anything. */
import { createRoute, z } from "@hono/zod-openapi";
import type { StatementClass } from "../../../core/statement-class.ts";
import { askLook } from "../../ask-look.ts";
import { access } from "../access.ts";
import { jsonAnswer, jsonBody } from "../answer.ts";
import { planBriefSchema, promotionRequest } from "../promotion.ts";
import { refusals } from "../refusals.ts";
import { allow, api } from "../request.ts";

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
  /** What a data plan names it by. */
  fingerprint: z.string(),
  /** The data plan that covers it; null where none does. */
  plan: z.string().nullable(),
  /** True when it is not additive and no plan covers it. */
  unplanned: z.boolean(),
  /** Modes by pg_locks' names. */
  locks: z.array(z.object({ relation: z.string(), mode: z.string() })),
});

const findingSchema = z.object({
  rule: z.string(),
  severity: z.enum(["error", "warning"]),
  path: z.string(),
  line: z.int(),
  /** Place of the statement in its file, from 0. */
  statement: z.int(),
  message: z.string(),
  hint: z.string(),
  /** What it takes, by pg_locks' name, and whom that keeps out. */
  lock: z.object({ mode: z.string(), relations: z.array(z.string()) }).optional(),
  blocks: z.enum(["reads", "writes", "nothing"]),
  /** It is allowed above the statement, or by the data plan at the path `by`. */
  suppressed: z.object({ reason: z.string(), by: z.string().optional() }).optional(),
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
    /** By how many functions the backup would be taken, the seconds that the last one took, and whether that is too near to a function's life. */
    backup: z.object({
      functions: z.number(),
      seconds: z.number().nullable(),
      outlasts: z.boolean(),
    }),
    /** What the safety analysis finds in what would run. */
    findings: z.array(findingSchema),
    /** The data plans of what would run. */
    plans: z.array(planBriefSchema),
    /** What files say of tables whose every change asks for a note; null where a file says nothing, and is refused. */
    notes: z.array(
      z.object({ table: z.string(), wants: z.string(), path: z.string(), says: z.string().nullable() }),
    ),
    /** In order; each is one transaction, or one file outside any. Empty when nothing is pending. */
    runs: z.array(
      z.object({
        transactional: z.boolean(),
        /** Its one statement commits in slices of a key. */
        sliced: z.boolean(),
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
  operationId: "planPromotion",
  ...access("promote", "environment"),
  tags: ["Promotions"],
  summary: "What a promotion would run",
  request: jsonBody(promotionRequest),
  responses: {
    200: jsonAnswer(planSchema, "The plan"),
    ...refusals("NotFound", "DatabaseUnreachable", "IdentityMismatch", "SeedsOnProd", "AppliedFilesDiffer"),
  },
});

export const planRoutes = api().openapi(plan, async (c) => {
  allow(c, "promote", c.req.valid("json").environment);
  return c.json(await askLook("plan", c.req.valid("json")), 200);
});
