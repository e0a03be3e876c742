/** The rehearsal's report for people, as Markdown: short enough to be read before saying yes. */
import {
  type ItemMeasure,
  type RehearsalReport,
  type RunMeasure,
  type StatementMeasure,
  strongestLocks,
} from "./report.ts";
import { NOTES_TITLE, noteLines } from "./report-notes.ts";

/** GitHub-flavoured Markdown; names and SQL stand in code spans, so that nothing in them becomes markup. */
export function reportMarkdown(report: RehearsalReport): string {
  return [
    `# Rehearsal ${report.promotion}`,
    "",
    report.failure
      ? `**Refused.** ${code(report.failure.message)}\n\nHint: ${code(report.failure.hint)}`
      : "**It went well.** Every file ran on a restored copy of production.",
    "",
    `- environment: ${report.environment} (Postgres ${report.server})`,
    `- release: \`${report.release}\``,
    `- shape: \`${report.fingerprintBefore.slice(0, 12)}\` → \`${report.fingerprintAfter.slice(0, 12) || "not reached"}\``,
    `- time: ${duration(report.milliseconds)}; size: ${bytes(report.bytesBefore)} → ${bytes(report.bytesAfter)}; WAL: ${bytes(report.walBytes)}`,
    "",
    ...report.runs.flatMap(runSection),
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

function list(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  return [`**${title}**`, "", ...lines.map((line) => `- ${code(line)}`), ""];
}

/** A code span: nothing in it is markup, and a bar does not end a table's cell. Line ends become spaces. */
function code(text: string): string {
  const line = text.replace(/\s+/g, " ").trim().replaceAll("|", "\\|");
  if (line === "") return "";
  const longest = Math.max(0, ...(line.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  return longest === 0 ? `${fence}${line}${fence}` : `${fence} ${line} ${fence}`;
}

/** Milliseconds as people say them: `0.4 ms`, `12 ms`, `3.1 s`, `4 min 10 s`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 10) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1_000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Bytes as people say them, in powers of 1024: `512 B`, `1.4 KiB`, `20 MiB`. */
export function bytes(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = count;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || Math.abs(value) >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
