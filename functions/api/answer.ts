/** The parts that routes are declared with: a JSON body in, a JSON answer out, a list's limit, a path's names. */
import { z } from "@hono/zod-openapi";
import { problemSchema } from "./problem.ts";

/** A required JSON body; no text in it holds a NUL, which Postgres cannot keep. */
export function jsonBody<S extends z.ZodType>(schema: S) {
  const checked = schema.refine((body) => !holdsNul(body), "a text holds the character U+0000");
  return { body: { required: true as const, content: { "application/json": { schema: checked } } } };
}

function holdsNul(value: unknown): boolean {
  if (typeof value === "string") return value.includes("\0");
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([name, inner]) => name.includes("\0") || holdsNul(inner));
}

/** A JSON answer; every route may also refuse with problem details. */
export function jsonAnswer<S extends z.ZodType>(schema: S, description: string) {
  return { description, content: { "application/json": { schema } } };
}

export const refused = {
  default: {
    description: "A refusal: problem details with the catalogue's code and hint",
    content: { "application/problem+json": { schema: problemSchema } },
  },
};

/** How many entries a list answers with. */
export const limit = z.coerce
  .number()
  .int()
  .min(1)
  .max(200)
  .default(50)
  .openapi({ description: "Entries of a page" });

export const environmentName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-]{0,39}$/,
    "a name has lower-case letters, digits and hyphens, 40 at most, and begins with no hyphen",
  );

/** A release's hash, or enough of its beginning. */
export const releaseHash = z.string().regex(/^[0-9a-f]{4,64}$/, "a hash has 4 to 64 hex digits");

export const promotionId = z.string().regex(/^[a-z0-9]{1,32}$/, "it is not a promotion's id");

export const idParam = z.object({ id: promotionId });

/** An instant as ISO 8601 in UTC. */
export const instant = z.iso.datetime();

/** A task's id. */
export const taskId = z.string().regex(/^t[0-9]{6}[0-9a-z]{8}$/, "it is not a task's id");

/** A backup's id: of one taken alone, or of a promotion's, with the step and the attempt behind it. */
export const backupId = z
  .string()
  .max(64)
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, "it is not a backup's id");

export const backupParam = z.object({ id: backupId });

/** A request that starts something may carry a key, with which it starts it once. */
export const keyHeader = z.object({
  "idempotency-key": z.string().min(1).max(200).optional().openapi({
    description:
      "Of the caller's choosing: the same key with the same body finds what it started; 422 with another",
  }),
});

/** An error of the catalogue, as it is told long after it happened. */
export const errorSchema = z.object({
  code: z.string(),
  message: z.string(),
  hint: z.string(),
  facts: z.record(z.string(), z.unknown()),
});

const amount = z.object({ bytes: z.number(), rows: z.number() });

/** How far something is. */
export const progressSchema = z.object({
  done: amount,
  total: amount.optional(),
  now: z.string().optional(),
  /** Of a backfill in slices, its rests included. */
  rowsPerSecond: z.number().optional(),
  secondsLeft: z.number().optional(),
});
