/** The policy's budgets beside what the rehearsal measured, as a section of the report in Markdown. */
import { isTime, type Judged } from "./budgets.ts";
import { bytes, code, duration } from "./report-words.ts";

/** Empty when the policy sets none. */
export function budgetSection(judged: readonly Judged[] | undefined): string[] {
  if (judged === undefined || judged.length === 0) return [];
  return [
    "## Budgets",
    "",
    "| budget | allowed | measured | most of it for |",
    "|---|---:|---:|---|",
    ...judged.map(
      (one) => `| ${[one.budget, said(one, one.limit), verdictOf(one), place(one)].join(" | ")} |`,
    ),
    "",
  ];
}

/** An amount of a budget in its own unit. */
export function said({ budget }: Judged, amount: number): string {
  return isTime(budget) ? duration(amount) : bytes(amount);
}

/** What was measured, and whether it is too much. */
export function verdictOf(one: Judged): string {
  return said(one, one.measured) + (one.exceeded ? ", too much" : "");
}

function place({ statement }: Judged): string {
  return statement === undefined ? "" : code(`${statement.path}:${statement.line} ${statement.summary}`);
}
