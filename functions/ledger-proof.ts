/** Proves that the ledger could be rebuilt from its copy in the bucket, exactly as it is: asked by an operator, and by the clock. */
import { RehearsalError } from "../core/errors.ts";
import { newestMigration, readCopyState } from "../io/ledger/copies.ts";
import { compareCopy, type Difference } from "../io/ledger/copy-comparison.ts";
import type { ObjectStore } from "../io/object-store.ts";
import type { Session } from "../io/postgres/session.ts";

export interface LedgerProof {
  /** The first and the last object that a rebuild would read; both 0 while the rows are copied for the first time. */
  from: number;
  to: number;
  /** Rows that the ledger has, of all tables that have a copy. */
  rows: number;
  /** Of them and of those that are gone: changed since they were copied last. */
  waiting: number;
  /** The first that are not as in the copy; none when it holds. */
  differences: Difference[];
  /** The object at which the copy does not hold, and why. */
  broken?: { key: string; reason: string };
}

/** Reads the whole copy and holds the ledger against it, both as of one instant. What is broken is told, not thrown. */
export async function proveLedgerCopy(ledger: Session, store: ObjectStore): Promise<LedgerProof> {
  return ledger.transaction(async () => {
    const { number, hash, wholeFrom, migration } = await readCopyState(ledger);
    if (wholeFrom === null) return { from: 0, to: 0, rows: 0, waiting: 0, differences: [] };
    const range = { from: wholeFrom, to: number };
    try {
      const compared = await compareCopy(ledger, store, range, hash);
      // The next copy begins with all rows, in the shape that they have had since a migration.
      return (await newestMigration(ledger)) === migration
        ? { ...range, ...compared }
        : { ...range, ...compared, waiting: compared.rows, differences: [] };
    } catch (error) {
      if (!(error instanceof RehearsalError) || error.code !== "LedgerCopyBroken") throw error;
      const { key, reason } = error.facts as { key: string; reason: string };
      return { ...range, rows: 0, waiting: 0, differences: [], broken: { key, reason } };
    }
  }, "begin isolation level repeatable read");
}
