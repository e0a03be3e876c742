/** The data plans and what is lost under them, as a section of the report in Markdown. */
import type { MeasuredLoss, PlanReport } from "./plan-report.ts";
import { code, list } from "./report-words.ts";

/** Empty when the report does not tell of any. */
export function plansSection(plans: readonly PlanReport[] | undefined): string[] {
  return (plans ?? []).flatMap((plan) => [
    `## Data plan ${code(plan.path)} for ${code(plan.migration)}`,
    "",
    code(plan.why),
    "",
    "| line | statement | loses | measured | deterministic |",
    "|---:|---|---|---|---|",
    ...plan.statements.map(({ line, summary, loses, losses, deterministic }) =>
      row([
        String(line),
        code(summary),
        code(loses ?? ""),
        losses.map((loss) => code(lossWords(loss))).join("<br>"),
        deterministic === "proved" ? "proved" : "",
      ]),
    ),
    "",
    ...list("What will be noticed", plan.notes),
    ...list("To be built anew afterwards", plan.rebuild),
    ...list("The way back", [plan.back]),
    ...list("Who may approve", plan.approvers),
  ]);
}

/** `table public.files: 20 rows, planned all rows`. */
export function lossWords({ object, measured, planned }: MeasuredLoss): string {
  const noun = object.startsWith("column ") ? "values" : "rows";
  const count = measured === null ? "not counted" : `${measured} ${noun}`;
  const bound = typeof planned === "number" ? `at most ${planned}` : planned;
  return `${object}: ${count}${bound === undefined ? "" : `, planned ${bound}`}`;
}

const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
