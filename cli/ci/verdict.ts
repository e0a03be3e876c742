/** What came of a pipeline's run: everything that its summary, its note and its exit code are made of. */
import * as z from "zod";
import type { Finding } from "../../core/lint/lint.ts";
import type { RehearsalReport } from "../../core/report.ts";
import type { Status } from "../../core/steps.ts";
import type { Detail } from "../answers.ts";
import { counts } from "../lint/human.ts";
import type { Refusal } from "../refusal.ts";

export interface Verdict {
  environment: string;
  /** What the pipeline asked for. */
  wanted: "rehearsal" | "promotion";
  /** `linted`: nothing was asked of the service; `failed`: it never came to a promotion. */
  status: Status | "linted" | "failed";
  promotion: string | null;
  release: string | null;
  commit: string | null;
  /** Why it was not rehearsed, or was refused. */
  outside: string | null;
  refusal: Refusal | null;
  /** Of what is pending, as admission found it: data plans, and statements that would need one; null where it did not get so far. */
  plans: { named: number; unplanned: number } | null;
  /** Null where the rehearsal did not get so far. */
  report: RehearsalReport | null;
  /** Of what is pending and with production's sizes where there is a report, else of the whole folder. */
  findings: readonly Finding[];
  /** Pages: of the run, and of the promotion in the console. */
  pages: { run: string | null; console: string | null };
  exit: number;
}

const read = z.looseObject({
  format: z.literal("rehearsal-report/1"),
  milliseconds: z.number(),
  bytesBefore: z.number(),
  bytesAfter: z.number(),
  walBytes: z.number(),
  runs: z.array(
    z.looseObject({ milliseconds: z.number(), items: z.array(z.looseObject({ path: z.string() })) }),
  ),
  differences: z.array(z.string()),
});

/** The service's report, as far as it is read here. */
export const rehearsalReport = z.custom<RehearsalReport>(
  (value) => read.safeParse(value).success,
  "it is no rehearsal's report of a version that is known here",
);

/** Codes of refusals that are about data plans. */
const ABOUT_PLANS = /^(Plan[A-Z]|LossBeyondPlan$|ChangeUnplanned$)/;

/** Whether the release needs a data plan, and has it, in one sentence. */
export function planWords({ refusal, plans }: Pick<Verdict, "refusal" | "plans">): string {
  if (refusal !== null && ABOUT_PLANS.test(refusal.code))
    return "needed, and what there is does not do: see above";
  if (plans === null) return "not known";
  const { named, unplanned } = plans;
  if (named > 0) return `needed, and there: ${named === 1 ? "one plan" : `${named} plans`}`;
  if (unplanned > 0)
    return `${unplanned === 1 ? "one statement does" : `${unplanned} statements do`} more than add, and the policy asks for no plan`;
  return "not needed: it only adds";
}

/** From a promotion's detail. */
export function plansOf({ plans, steps }: Pick<Detail, "plans" | "steps">): Verdict["plans"] {
  const admitted = steps.find(({ step, status }) => step === "admit" && status === "succeeded");
  if (admitted === undefined) return null;
  const { unplanned = 0 } = z.looseObject({ unplanned: z.number().optional() }).parse(admitted.outcome);
  return { named: plans.length, unplanned };
}

/** `1 error, 2 warnings, 1 allowed`, or `nothing found`. */
export function findingWords(findings: readonly Finding[]): string {
  const { errors, warnings, suppressed } = counts(findings);
  const said = [
    errors > 0 && (errors === 1 ? "1 error" : `${errors} errors`),
    warnings > 0 && (warnings === 1 ? "1 warning" : `${warnings} warnings`),
    suppressed > 0 && `${suppressed} allowed`,
  ].filter((part) => part !== false);
  return said.length === 0 ? "nothing found" : said.join(", ");
}
