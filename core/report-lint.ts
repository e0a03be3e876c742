/** What the safety analysis found, and what of it was allowed and why, as a section of the report in Markdown. */
import { whyAllowed } from "./lint/planned.ts";
import type { Finding } from "./lint/rule.ts";
import { code } from "./report-words.ts";

/** Empty when nothing was found. */
export function lintSection(findings: readonly Finding[] | undefined): string[] {
  if (findings === undefined || findings.length === 0) return [];
  return [
    "## Safety analysis",
    "",
    "| where | rule | finding | |",
    "|---|---|---|---|",
    ...worstFirst(findings).map(
      (one) =>
        `| ${[code(`${one.path}:${one.line}`), code(one.rule), code(one.message), verdict(one)].join(" | ")} |`,
    ),
    "",
  ];
}

/** Errors that nothing allows, warnings, then what is allowed. */
export function worstFirst(findings: readonly Finding[]): Finding[] {
  const rank = ({ severity, suppressed }: Finding) =>
    suppressed !== undefined ? 2 : severity === "error" ? 0 : 1;
  return [...findings].sort((a, b) => rank(a) - rank(b));
}

function verdict({ severity, suppressed }: Finding): string {
  return suppressed === undefined ? severity : `allowed: ${code(whyAllowed(suppressed))}`;
}
