/** The test of a retention policy on a restored copy: what it has to show, and what its report says. */
import { type Baseline, type BaselineDifference, compareBaselines, type TableBaseline } from "./baseline.ts";

/** Records that are tested when nobody says how many. */
export const TESTED_RECORDS = 500;

/** What a test writes as `prune-test.json`, and the ledger keeps. */
export interface PolicyTestReport {
  format: "rehearsal-prune-test/1";
  environment: string;
  policy: string;
  release: string;
  /** Of the policy. */
  digest: string;
  /** Of the copy's shape. */
  fingerprint: string;
  backup: string;
  passed: boolean;
  /** In words for people, the first hundred; none when it passed. */
  problems: string[];
  records: {
    /** Archived, their grace over, in the backup. */
    due: number;
    /** Of these, spread evenly over all. */
    tested: number;
    /** Of these, left alone: what has to stay of them was not intact. */
    left: number;
  };
  /** What went and came back. */
  rows: Record<string, number>;
  objects: number;
  bytes: number;
  /** Rows that the policy would have go, and that stayed, by table. */
  kept: Record<string, number>;
  /** Rows that came beside: what the database's own triggers tell of a deletion, in the table of the policy's note. */
  told: number;
  seconds: { restore: number; prune: number; compare: number; putBack: number };
}

/** Rows and the sum of their hashes, by the table or partition that holds them, quoted and qualified. */
export type Sums = Record<string, { rows: number; checksum: string }>;

/** A baseline without these rows: what has to be there when exactly they are gone. */
export function without(before: Baseline, gone: Sums): Baseline {
  const tables: Record<string, TableBaseline> = { ...before.tables };
  for (const [name, sum] of Object.entries(gone)) {
    const table = tables[name];
    if (table === undefined) throw new Error(`${name} is in no baseline`);
    const checksum = String(BigInt(table.checksum) - BigInt(sum.checksum));
    tables[name] = { ...table, rows: table.rows - sum.rows, checksum };
  }
  return { ...before, tables };
}

/** Where two states of a copy differ; that sequences went on is no difference, for a number that was drawn is no content. */
export function differencesOf(expected: Baseline, actual: Baseline): BaselineDifference[] {
  return compareBaselines({ ...expected, sequences: {} }, { ...actual, sequences: {} });
}

/** Adds sums to sums. */
export function addSums(to: Sums, more: Sums): void {
  for (const [name, { rows, checksum }] of Object.entries(more)) {
    const had = to[name] ?? { rows: 0, checksum: "0" };
    to[name] = { rows: had.rows + rows, checksum: String(BigInt(had.checksum) + BigInt(checksum)) };
  }
}

/** Which of the entries a sample takes: as many as wanted, spread evenly. */
export function isSampled(place: number, of: number, wanted: number): boolean {
  if (of <= wanted) return true;
  return Math.floor(((place + 1) * wanted) / of) > Math.floor((place * wanted) / of);
}
