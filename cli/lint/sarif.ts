/** Findings as SARIF 2.1.0, which editors and code scanning read. */
import type { Finding } from "../../core/lint/lint.ts";
import { whyAllowed } from "../../core/lint/planned.ts";
import { RULES } from "../../core/lint/rules.ts";

/** Pages of the rules, from the root of this tool's own sources. */
const PAGES = "docs/rules/";

/** A SARIF log with one run; the rules that found something stand in it with their pages. */
export function sarifLog(findings: readonly Finding[]) {
  const named = new Set(findings.map(({ rule }) => rule));
  const rules = RULES.filter(({ id }) => named.has(id));
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "rehearsal",
            rules: rules.map(({ id, title, why, mend, severity }) => ({
              id,
              shortDescription: { text: `${title}.` },
              fullDescription: { text: why },
              help: { text: mend },
              helpUri: `${PAGES}${id}.md`,
              defaultConfiguration: { level: severity },
            })),
          },
        },
        columnKind: "utf16CodeUnits",
        results: findings.map((finding) =>
          result(
            finding,
            rules.findIndex(({ id }) => id === finding.rule),
          ),
        ),
      },
    ],
  };
}

function result({ rule, severity, path, line, message, hint, suppressed }: Finding, ruleIndex: number) {
  return {
    ruleId: rule,
    ruleIndex,
    level: severity,
    message: { text: `${message}; ${hint}` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: path.split("/").map(encodeURIComponent).join("/") },
          region: { startLine: line },
        },
      },
    ],
    ...(suppressed !== undefined && {
      suppressions: [
        {
          kind: suppressed.by === undefined ? "inSource" : "external",
          justification: whyAllowed(suppressed),
        },
      ],
    }),
  };
}
