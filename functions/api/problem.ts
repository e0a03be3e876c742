/** How the API refuses: RFC 9457 problem details made from the catalogue, and nothing of what was not foreseen. */
import { randomUUID } from "node:crypto";
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { RehearsalError } from "../../core/errors.ts";
import { log } from "../../io/telemetry/log.ts";
import { measure } from "../../io/telemetry/measure.ts";

export const problemSchema = z
  .object({
    /** `urn:rehearsal:error:CODE` */
    type: z.string(),
    title: z.string(),
    status: z.int().min(400).max(599),
    code: z.string().openapi({ description: "Of the catalogue: docs/errors.md" }),
    /** A fact. */
    detail: z.string().min(1),
    hint: z.string().min(1).openapi({ description: "The mend" }),
    facts: z.record(z.string(), z.unknown()),
  })
  .openapi("Problem", { description: "Problem details (RFC 9457)" });

type Problem = z.infer<typeof problemSchema>;

/** The one place where what was thrown becomes an answer. */
export function onError(thrown: Error, c: Context): Response {
  const refusal = refusalOf(thrown);
  const problem: Problem = {
    type: `urn:rehearsal:error:${refusal.code}`,
    title: refusal.code.replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase(),
    status: refusal.status,
    code: refusal.code,
    detail: refusal.message,
    hint: refusal.hint,
    facts: refusal.facts,
  };
  return c.body(JSON.stringify(problem), refusal.status as ContentfulStatusCode, {
    "content-type": "application/problem+json",
    ...(refusal.status === 401 && { "www-authenticate": "Bearer" }),
    ...(refusal.status === 429 &&
      "seconds" in refusal.facts && { "retry-after": String(refusal.facts.seconds) }),
  });
}

/** Answers a path that no route has. */
export function notFound(c: Context): never {
  throw new RehearsalError("NotFound", { what: "route", name: `${c.req.method} ${c.req.path}` });
}

/** A door's hook: what does not fit is refused with every problem named by its path. */
export function refuseInvalid(result: {
  success: boolean;
  target: string;
  error?: { issues: readonly z.core.$ZodIssue[] };
}): void {
  if (result.success || result.error === undefined) return;
  throw new RehearsalError("InputInvalid", {
    what: DOORS[result.target] ?? "the request",
    problems: result.error.issues.map(describeIssue).join("; "),
  });
}

const DOORS: Record<string, string> = {
  json: "the request's body",
  query: "the query",
  param: "the path",
  header: "a header",
};

/** One problem of a value, with its path in front; also for values that are read from elsewhere than a body. */
export function describeIssue(issue: z.core.$ZodIssue): string {
  return [issue.path.join("."), issue.message].filter((part) => part !== "").join(": ");
}

/** What was thrown as an error of the catalogue; what was not foreseen becomes `Internal` with a number, under which the log has the matter. */
export function refusalOf(thrown: Error): RehearsalError {
  if (thrown instanceof RehearsalError && thrown.code !== "Internal") return thrown;
  if (thrown instanceof HTTPException && thrown.status < 500)
    return new RehearsalError("InputInvalid", {
      what: "the request",
      problems: thrown.status === 415 ? "its body must be sent as application/json" : thrown.message,
    });
  // What was not foreseen may hold anything, so the caller gets a number, and the function's log the matter.
  const number = randomUUID();
  log.error("a request failed", { number, error: thrown });
  // The invocation waits for it.
  void measure({ name: "RequestFailed", value: 1 });
  return new RehearsalError("Internal", { reason: `see ${number} in the function's log` });
}
