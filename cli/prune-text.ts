/** Prunes in words: what would go or went of each record, what stayed and why, and how it ended. */
import { count, number } from "../core/counts.ts";
import { type Hold, type Policy, type Prune, type PruneRecord, policyTest } from "./prune-answers.ts";
import { bytes, columns, duration, facts, plain, rows, when } from "./text.ts";

const MODES: Record<Prune["mode"], string> = { report: "tell", prune: "delete", restore: "bring back" };

/** A line for each. */
export function pruneTable(prunes: readonly Prune[]): string {
  const head = [
    "PRUNE",
    "ENVIRONMENT",
    "POLICY",
    "DOES",
    "STATUS",
    "STARTED",
    "BY",
    "RECORDS",
    "ROWS",
    "OBJECTS",
    "REASON",
  ];
  const lines = prunes.map((one) => [
    ...[
      one.id,
      one.environment,
      one.policy,
      MODES[one.mode],
      one.status,
      when(one.createdAt),
      one.requestedBy,
    ],
    ...[one.counts.records, one.counts.rows, one.counts.objects].map(number),
    one.error?.code ?? one.modeReason ?? "",
  ]);
  return columns([head, ...lines]);
}

/** A line for each. */
export function holdTable(holds: readonly Hold[]): string {
  const head = ["HOLD", "ENVIRONMENT", "POLICY", "RECORD", "PLACED", "BY", "REASON", "RELEASED"];
  const lines = holds.map((one) => [
    ...[one.id, one.environment, one.policy, one.record ?? "every record", when(one.placedAt), one.placedBy],
    one.reason,
    one.releasedAt === null ? "" : `${when(one.releasedAt)} by ${one.releasedBy}: ${one.releaseReason}`,
  ]);
  return columns([head, ...lines]);
}

/** A line for each. */
export function policyTable(policies: readonly Policy[]): string {
  const head = ["POLICY", "OF", "PRUNES", "GRACE", "MODE", "TESTED"];
  const lines = policies.map((one) => [
    ...[one.name, one.root, one.prune.join(", "), duration(one.graceSeconds * 1_000)],
    one.automate ? "deletes by itself" : "tells only",
    testWords(one),
  ]);
  return columns([head, ...lines]);
}

function testWords({ test }: Policy): string {
  if (test === null) return "never";
  const how = test.passed ? "passed" : "refused";
  return `${how}, ${when(test.testedAt)}${test.current ? "" : ", of another wording"}`;
}

/** One with all that is known of it, and its records. */
export function describePrune(one: Prune, records: readonly PruneRecord[]): string {
  return [pruneFacts(one), recordLines(one, records), endOf(one)].filter((part) => part !== "").join("\n\n");
}

function pruneFacts(one: Prune): string {
  const { counts, mode } = one;
  const of = count(counts.records, "record");
  const byStatus = Object.entries(counts.byStatus).map(([status, count]) => `${count} ${status}`);
  return facts({
    prune: one.id,
    environment: one.environment,
    policy: one.policy,
    does: `${MODES[mode]}${one.modeReason === null ? "" : `, for ${one.modeReason}`}`,
    "brings back": one.restores,
    status: one.status,
    started: `${when(one.createdAt)} by ${one.requestedBy}`,
    ended: one.endedAt && when(one.endedAt),
    records: byStatus.length === 0 ? of : `${of}: ${byStatus.join(", ")}`,
    [mode === "restore" ? "came back" : "went"]:
      mode === "report" ? null : `${rows(counts.rows)}, ${objects(counts)}`,
  });
}

/** Lines of a table: a sweep of thousands of records is not read in a terminal. */
const LINES = 50;

/** Those that came to grief first. */
function recordLines({ id, mode }: Prune, records: readonly PruneRecord[]): string {
  if (records.length === 0) return "";
  const head = ["RECORD", "STATUS", mode === "report" ? "WOULD GO" : "WENT", "STAYS", "BUNDLE", "REASON"];
  const failedFirst = [...records].sort((one, other) => Number(!one.error) - Number(!other.error));
  const lines = failedFirst
    .slice(0, LINES)
    .map((one) => [
      one.record,
      one.restoredAt === null ? one.status : `${one.status}, brought back`,
      goes(one.deleted ?? one.candidates),
      one.candidates === null ? "" : byTable(one.candidates.kept),
      one.bundle?.sha256.slice(0, 12) ?? "",
      one.error === null ? "" : `${one.error.message} (${one.error.hint})`,
    ]);
  const told = columns([head, ...lines]) + moreThan(records.length, "record", id);
  return [told, whyLines(id, failedFirst)].filter((part) => part !== "").join("\n\n");
}

/** What stays although the policy would have it go, and why. */
function whyLines(id: string, records: readonly PruneRecord[]): string {
  const lines = records.flatMap(({ record, stays }) =>
    stays.map(({ table, rows, why }) => [record, table, number(rows), why]),
  );
  if (lines.length === 0) return "";
  const head = ["RECORD", "TABLE", "ROWS", "STAYS, FOR"];
  return columns([head, ...lines.slice(0, LINES)]) + moreThan(lines.length, "line", id);
}

/** The sentence below a table that was cut; empty below a whole one. */
function moreThan(many: number, what: string, id: string): string {
  const left = many - LINES;
  if (left <= 0) return "";
  const said = count(left, `more ${what}`);
  return `\n${said}; see all of them with: rehearsal prune show ${id} --json`;
}

function goes(counted: PruneRecord["deleted"]): string {
  if (counted === null) return "";
  const told = [byTable(counted.rows), counted.objects === 0 ? "" : objects(counted)].filter(
    (part) => part !== "",
  );
  return told.length === 0 ? "nothing" : told.join(", ");
}

function byTable(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([table, count]) => `${count} ${table}`)
    .join(", ");
}

const objects = (counted: { objects: number; bytes: number }) =>
  `${counted.objects} ${counted.objects === 1 ? "object" : "objects"} (${bytes(counted.bytes)})`;

/** How it ended, and what to do next; empty while it runs. */
function endOf(one: Prune): string {
  const { id, environment, status, mode, counts, error } = one;
  const said: Partial<Record<Prune["status"], string>> = {
    reported: `${id}: told; nothing was deleted`,
    pruned: `${id}: pruned; bring it back with: rehearsal prune restore ${id}`,
    restored: `${id}: brought back: ${rows(counts.rows)}, ${objects(counts)}`,
    "nothing-to-do": `${id}: there was nothing to do`,
    refused: `${id}: refused; nothing was deleted of what was refused`,
    failed: `${id}: failed`,
  };
  const end = said[status];
  if (end === undefined) return "";
  return [
    end,
    ...(one.more
      ? [`records of the backlog are left: rehearsal prune sweep --environment ${environment}`]
      : []),
    facts({
      reason: error?.message,
      hint: error?.hint,
      code: error?.code,
      "deleted nothing because": status === "reported" && mode === "report" ? one.modeReason : null,
    }),
  ]
    .filter((part) => part !== "")
    .map(plain)
    .join("\n");
}

/** What a policy's test on a copy came to. */
export function describePruneTest(outcome: Record<string, unknown>): string {
  const told = policyTest.parse(outcome);
  const { records } = told;
  const went = Object.values(told.rows).reduce((sum, count) => sum + count, 0);
  const all = records.tested + records.left === records.due ? "all" : `of ${records.due}`;
  return [
    plain(`${told.policy}: passed on a copy of ${told.backup}`),
    `${records.tested} records were tested, ${all}${records.left === 0 ? "" : `; ${records.left} were left, for not all that has to stay of them is intact`}`,
    `${rows(went)} and ${objects(told)} went and came back; all else was as before`,
    `restored in ${duration(told.seconds.restore * 1_000)}, pruned in ${duration(told.seconds.prune * 1_000)}, brought back in ${duration(told.seconds.putBack * 1_000)}`,
  ].join("\n");
}
