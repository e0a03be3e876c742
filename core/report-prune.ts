/** What a prune did, or would do, for people, as Markdown: short enough to be read before saying yes. */
import type { CandidateCounts, PruneCounts, PruneMode, PruneTotals, RecordStatus } from "./prunes.ts";
import { bytes, code } from "./report-words.ts";

interface ToldPrune {
  id: string;
  environment: string;
  policy: string;
  release: string;
  mode: PruneMode;
  modeReason: string | null;
  requestedBy: string;
}

interface ToldRecord {
  record: string;
  status: RecordStatus;
  candidates: CandidateCounts | null;
  deleted: PruneCounts | null;
  error: { code: string; message: string } | null;
}

/** GitHub-flavoured Markdown; what comes from the database stands in code spans, so that nothing in it becomes markup. */
export function pruneMarkdown(prune: ToldPrune, totals: PruneTotals, records: readonly ToldRecord[]): string {
  const all = Object.values(totals.records).reduce((sum, count) => sum + count, 0);
  const states = Object.entries(totals.records).map(([status, count]) => `${count} ${status}`);
  return [
    `# Prune ${prune.id}`,
    "",
    prune.mode === "report"
      ? `**Nothing was deleted.** ${prune.modeReason === null ? "It was asked to report only." : code(prune.modeReason)}`
      : prune.mode === "restore"
        ? "**It brought back what a prune had deleted.**"
        : "**What it deleted lies sealed in its bundles, and can be brought back.**",
    "",
    `- environment: ${prune.environment}; policy: ${prune.policy} of release \`${prune.release.slice(0, 12)}\``,
    `- records: ${all} (${states.join(", ") || "none"})`,
    `- ${prune.mode === "restore" ? "brought back" : "deleted"}: ${totals.rows} rows, ${totals.objects} objects, ${bytes(totals.bytes)}`,
    "",
    ...table(records),
    ...(all > records.length
      ? [`${all - records.length} more records stand in the JSON beside this.`, ""]
      : []),
  ].join("\n");
}

function table(records: readonly ToldRecord[]): string[] {
  if (records.length === 0) return [];
  return [
    "| Record | How it stands | Goes | Stays | Why it was left |",
    "| --- | --- | --- | --- | --- |",
    ...records.map(({ record, status, candidates, deleted, error }) => {
      const goes = deleted ?? candidates;
      return `| ${code(record)} | ${status} | ${counted(goes?.rows, goes?.objects)} | ${counted(candidates?.kept)} | ${code(error?.message ?? "")} |`;
    }),
    "",
  ];
}

function counted(rows: Record<string, number> | undefined, objects = 0): string {
  const parts = Object.entries(rows ?? {}).map(([name, count]) => `${count} ${code(name)}`);
  return [...parts, ...(objects > 0 ? [`${objects} objects`] : [])].join(", ");
}
