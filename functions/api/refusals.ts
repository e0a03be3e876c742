/** What a route may refuse with, told by the catalogue's codes: one answer of the document for each status among them. */
import { ERRORS, type ErrorCode } from "../../core/errors.ts";
import { refused } from "./answer.ts";
import { problemSchema } from "./problem.ts";

/** The responses of a route that may refuse with these codes, beside what every route may. */
export function refusals(...codes: ErrorCode[]): typeof refused {
  const byStatus = Map.groupBy(codes, (code) => ERRORS[code].status);
  const told = [...byStatus].map(([status, some]) => [String(status), refusalOf(some)] as const);
  // Every refusal has the shape that `default` promises; the statuses are for readers of the document.
  return { ...Object.fromEntries(told), ...refused };
}

/** Problem details with one of these codes. */
function refusalOf(codes: readonly ErrorCode[]) {
  return {
    description: codes.map((code) => `\`${code}\``).join(", "),
    content: { "application/problem+json": { schema: problemSchema } },
    "x-codes": [...codes],
  };
}
