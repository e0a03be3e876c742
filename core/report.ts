/** The rehearsal's report: everything measured while the pending files ran on the copy. */
import type { Blocked } from "./blocked.ts";
import type { Judged } from "./budgets.ts";
import type { ChangeNote } from "./change-notes.ts";
import type { BrokenCheck } from "./checks.ts";
import type { ErrorRecord } from "./errors.ts";
import type { Finding } from "./lint/rule.ts";
import { LOCK_MODES } from "./lock-modes.ts";
import type { PlanReport } from "./plan-report.ts";
import type { BatchMeasure } from "./report-batches.ts";

export interface LockTaken {
  /** Quoted qualified name of a relation that stood before the run. */
  relation: string;
  mode: string;
}

export interface StatementMeasure {
  line: number;
  summary: string;
  sql: string;
  milliseconds: number;
  /** Rows the command tag counts; null where it counts none. */
  rows: number | null;
  /** Locks newly held after this statement, on relations that stood before. */
  locks: LockTaken[];
  /** Relations whose file on disk was replaced. */
  rewritten: string[];
  walBytes: number;
}

export interface ItemMeasure {
  kind: "migration" | "view" | "seed";
  path: string;
  milliseconds: number;
  idempotent: "proved" | "not claimed";
  statements: StatementMeasure[];
}

export interface RunMeasure {
  transactional: boolean;
  milliseconds: number;
  items: ItemMeasure[];
  /** Rows inserted, updated and deleted per table, quoted qualified names. */
  changed: Record<string, { inserted: number; updated: number; deleted: number }>;
  /** The shape after this run. */
  fingerprint: string;
}

export interface RollbackReport {
  /** By a swap with the copy that waits, or with one that is restored first. */
  path: "swap" | "restore";
  /** For how long production would be away, as it was played. */
  milliseconds: number;
  /** True: what came back has the shape that production has; else the release is refused. */
  shapeEqual: boolean;
  /** The settings, access rights, limit and comment of the database came with it. */
  settingsEqual: boolean;
  /** Tables that hold what production's held when it was backed up. */
  tables: number;
  /** The copy is as it was, by the server's counts. */
  untouched: boolean;
}

export interface RehearsalReport {
  format: "rehearsal-report/1";
  promotion: string;
  environment: string;
  release: string;
  server: string;
  milliseconds: number;
  runs: RunMeasure[];
  fingerprintBefore: string;
  /** Empty when the rehearsal did not get that far. */
  fingerprintAfter: string;
  /** People's words for each difference of shape. */
  differences: string[];
  bytesBefore: number;
  bytesAfter: number;
  walBytes: number;
  /** Tables whose kept columns hold after what they held before. */
  unchangedTables: string[];
  /** Tables whose kept columns changed, in people's words. */
  changedTables: string[];
  brokenChecks: BrokenCheck[];
  /** The data plans of what ran, with what was measured of each. */
  plans?: PlanReport[];
  /** Statements that are not additive and have no plan, where plans are optional, in people's words. */
  unplanned?: string[];
  /** Backfills in slices, where there are any. */
  batches?: BatchMeasure[];
  /** What the files say of tables whose every change asks for a note; absent where none is changed. */
  notes?: ChangeNote[];
  /** For how long readers and writers wait for the release, by what probes waited on the copy; the longest first. */
  blocked?: Blocked[];
  /** The policy's budgets, and what was measured of each. */
  budgets?: Judged[];
  /** What the safety analysis found in the pending files, the allowed with their reasons. */
  findings?: Finding[];
  /** How going back went, which was played when everything else had gone well. */
  rollback?: RollbackReport;
  /** Why the rehearsal refuses the release; absent when it went well. */
  failure?: ErrorRecord;
}

/** One lock per relation, the strongest: what others wait for. */
export function strongestLocks(locks: readonly LockTaken[]): LockTaken[] {
  const strongest = new Map<string, LockTaken>();
  for (const lock of locks) {
    const known = strongest.get(lock.relation);
    if (known === undefined || strengthOf(lock) > strengthOf(known)) strongest.set(lock.relation, lock);
  }
  return [...strongest.values()];
}

const strengthOf = ({ mode }: LockTaken) => (LOCK_MODES as readonly string[]).indexOf(mode);
