/** The rehearsal's report for people, as Markdown: short enough to be read before saying yes. */
import type { Comparison } from "./comparison.ts";
import {
  type ItemMeasure,
  type RehearsalReport,
  type RunMeasure,
  type StatementMeasure,
  strongestLocks,
} from "./report.ts";
import { batchSection } from "./report-batches.ts";
import { blockedSection } from "./report-blocked.ts";
import { budgetSection } from "./report-budgets.ts";
import { comparisonSection } from "./report-comparison.ts";
import { hintBlock, hintParts } from "./report-hint.ts";
import { lintSection } from "./report-lint.ts";
import { NOTES_TITLE, noteLines } from "./report-notes.ts";
import { plansSection } from "./report-plans.ts";
import { rollbackSentence } from "./report-rollback.ts";
import { bytes, code, duration, list } from "./report-words.ts";

/** GitHub-flavoured Markdown; names and SQL stand in code spans, so that nothing in them becomes markup. */
export function reportMarkdown(report: RehearsalReport, comparison?: Comparison): string {
  return [
    `# Rehearsal ${report.promotion}`,
    "",
    report.failure
      ? `**Refused.** ${code(report.failure.message)}\n\nHint: ${code(hintParts(report.failure.hint).sentence)}${hintBlock(report.failure.hint)}`
      : "**It went well.** Every file ran on a restored copy of production.",
    "",
    `- environment: ${report.environment} (Postgres ${report.server})`,
    `- release: \`${report.release}\``,
    `- shape: \`${report.fingerprintBefore.slice(0, 12)}\` → \`${report.fingerprintAfter.slice(0, 12) || "not reached"}\``,
    `- time: ${duration(report.milliseconds)}; size: ${bytes(report.bytesBefore)} → ${bytes(report.bytesAfter)}; WAL: ${bytes(report.walBytes)}`,
    "",
    ...comparisonSection(comparison),
    ...plansSection(report.plans),
    ...list("Not additive, and without a data plan", report.unplanned ?? []),
    ...[rollbackSentence(report.rollback)].filter(Boolean).flatMap((sentence) => [sentence, ""]),
    ...blockedSection(report.blocked),
    ...budgetSection(report.budgets),
    ...lintSection(report.findings),
    ...report.runs.flatMap(runSection),
    ...batchSection(report.batches),
    ...list(NOTES_TITLE, noteLines(report.notes)),
    ...list("Differences of shape", report.differences),
    ...list("Tables whose kept columns changed", report.changedTables),
    report.unchangedTables.length > 0
      ? `${report.unchangedTables.length} tables hold in their kept columns exactly what they held before.\n`
      : "",
    ...list(
      "Broken checks",
      report.brokenChecks.map(({ path, rows, sample }) => `${path}: ${rows} rows, the first: ${sample}`),
    ),
  ].join("\n");
}

function runSection(run: RunMeasure, index: number): string[] {
  const kind = run.transactional ? "one transaction" : "outside a transaction";
  const changed = Object.entries(run.changed).map(
    ([table, { inserted, updated, deleted }]) =>
      `${table}: ${inserted} inserted, ${updated} updated, ${deleted} deleted`,
  );
  return [
    `## Run ${index + 1}: ${kind}, ${duration(run.milliseconds)}`,
    "",
    ...run.items.flatMap(itemSection),
    ...list("Rows changed", changed),
  ];
}

function itemSection(item: ItemMeasure): string[] {
  return [
    `### ${code(item.path)}: ${duration(item.milliseconds)}${item.idempotent === "proved" ? ", idempotent (proved)" : ""}`,
    "",
    "| line | statement | time | rows | locks newly held | rewritten | WAL |",
    "|---:|---|---:|---:|---|---|---:|",
    ...item.statements.map(statementRow),
    "",
  ];
}

function statementRow(statement: StatementMeasure): string {
  const locks = strongestLocks(statement.locks).map(({ relation, mode }) => code(`${mode} on ${relation}`));
  const cells = [
    String(statement.line),
    code(statement.summary),
    duration(statement.milliseconds),
    statement.rows === null ? "" : String(statement.rows),
    locks.join("<br>"),
    statement.rewritten.map(code).join("<br>"),
    bytes(statement.walBytes),
  ];
  return `| ${cells.join(" | ")} |`;
}
