/** `-- rehearsal: allow RULE: reason`: what was found is kept, with the reason it is let through, and an allowance that does nothing is found itself. */
import { nearest } from "../did-you-mean.ts";
import type { Allowance } from "../directives.ts";
import type { Finding } from "./rule.ts";
import { allowanceRule } from "./rules/allowance.ts";
import { RULES } from "./rules.ts";

/** A finding that would stand if the release met the tables that it makes itself: it only keeps an allowance from being idle. */
export type MaybeDormant = Finding & { dormant?: true };

interface Allowed {
  path: string;
  statements: readonly { index: number; line: number }[];
  allowed: readonly Allowance[];
}

/** The file's findings, those that are allowed marked, and what is wrong with its allowances. */
export function settleAllowances(file: Allowed, findings: readonly MaybeDormant[]): Finding[] {
  const used = new Set<Allowance>();
  const settled = findings.flatMap(({ dormant, ...found }): Finding[] => {
    const allowance = file.allowed.find(
      (one) =>
        one.reason !== "" && one.rule === found.rule && statementBelow(file, one)?.index === found.statement,
    );
    if (allowance !== undefined) used.add(allowance);
    if (dormant === true) return [];
    // What Rehearsal refuses to run nobody can allow.
    if (allowance === undefined || UNALLOWABLE.has(found.rule)) return [found];
    return [{ ...found, suppressed: { reason: allowance.reason } }];
  });
  const wrong = file.allowed.flatMap((allowance) => {
    const problem = problemOf(allowance, used);
    return problem === undefined ? [] : [{ ...placeOf(file, allowance), ...problem }];
  });
  return [...settled, ...wrong];
}

const UNALLOWABLE = new Set([
  "transaction-control",
  "refused-statement",
  "concurrently-without-no-transaction",
  "allowance",
]);

/** The first statement that begins below the allowance. */
function statementBelow({ statements }: Allowed, { line }: Allowance) {
  return statements.find((statement) => statement.line > line);
}

function placeOf(file: Allowed, allowance: Allowance) {
  return {
    rule: allowanceRule.id,
    path: file.path,
    line: allowance.line,
    statement: statementBelow(file, allowance)?.index ?? Math.max(0, file.statements.length - 1),
    blocks: allowanceRule.blocks,
  };
}

function problemOf(
  allowance: Allowance,
  used: ReadonlySet<Allowance>,
): Pick<Finding, "severity" | "message" | "hint"> | undefined {
  const { rule, reason } = allowance;
  const known = RULES.map(({ id }) => id);
  if (!known.includes(rule)) {
    const guess = nearest(rule, known);
    return {
      severity: "error",
      message: `there is no rule "${rule}" to allow`,
      hint: guess === undefined ? "docs/rules/README.md lists the rules" : `did you mean "${guess}"?`,
    };
  }
  if (UNALLOWABLE.has(rule))
    return {
      severity: "error",
      message: `"${rule}" cannot be allowed`,
      hint: "Rehearsal does not run such a file; change the statement",
    };
  if (reason === "")
    return {
      severity: "error",
      message: `the allowance of "${rule}" gives no reason, and allows nothing`,
      hint: `write why: "-- rehearsal: allow ${rule}: the table is read by nobody since March"`,
    };
  return used.has(allowance) ? undefined : unused(rule);
}

function unused(rule: string): Pick<Finding, "severity" | "message" | "hint"> {
  return {
    severity: "warning",
    message: `the statement below has no finding of "${rule}" that could be allowed`,
    hint: allowanceRule.mend,
  };
}
