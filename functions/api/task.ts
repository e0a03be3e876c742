/** A task as the API shows it. */
import { z } from "@hono/zod-openapi";
import type { ErrorCode } from "../../core/errors.ts";
import { TASK_STATUSES, TASKS } from "../../core/tasks.ts";
import type { Task } from "../../io/ledger/tasks.ts";
import type { Started } from "../task-start.ts";
import { errorSchema, instant, jsonAnswer, progressSchema } from "./answer.ts";
import { refusals } from "./refusals.ts";
import type { ApiContext } from "./request.ts";

export const taskSchema = z
  .object({
    id: z.string(),
    kind: z.enum(TASKS),
    environment: z.string().nullable(),
    /** The backup it is about; of `back-up` the one that it makes. */
    backup: z.string().nullable(),
    /** What it was asked for, by kind. */
    input: z.unknown(),
    status: z.enum(TASK_STATUSES),
    requestedBy: z.string(),
    attempt: z.int(),
    /** By kind; null until it has succeeded. */
    outcome: z.unknown(),
    /** Why it failed; while it runs, why its latest attempt did. */
    error: errorSchema.nullable(),
    progress: progressSchema.nullable(),
    createdAt: instant,
    startedAt: instant.nullable(),
    endedAt: instant.nullable(),
  })
  .openapi("Task");

/** What a route answers that starts a task, and may refuse with these codes. */
export function startedAnswers(...codes: ErrorCode[]) {
  return {
    200: jsonAnswer(taskSchema, "It was started by an earlier request with the same key"),
    202: jsonAnswer(taskSchema, "It is started"),
    ...refusals("IdempotencyKeyReused", ...codes),
  };
}

/** What people may see of a task. */
export function shownTask(task: Task): z.infer<typeof taskSchema> {
  const { id, kind, environment, input, status, requestedBy, attempt, outcome, error, progress } = task;
  return {
    id,
    kind,
    environment,
    backup: task.kind === "back-up" ? task.input.backup : task.backup,
    input,
    status,
    requestedBy,
    attempt,
    outcome,
    error,
    progress,
    createdAt: task.createdAt.toISOString(),
    startedAt: task.startedAt?.toISOString() ?? null,
    endedAt: task.endedAt?.toISOString() ?? null,
  };
}

/** Who asks, and by which key. */
export function askerOf(c: ApiContext, header: { "idempotency-key"?: string | undefined }) {
  return { person: c.var.person, key: header["idempotency-key"] };
}

/** The answer to a request that starts a task. */
export function answerStarted(c: ApiContext, { task, repeated }: Started) {
  return c.json(shownTask(task), repeated ? 200 : 202);
}
