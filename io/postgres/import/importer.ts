/** Writes records into the database in batches: one transaction each, only what differs; a record that cannot be written takes nobody with it. */
import type { DatabaseAddress } from "../../../core/database-url.ts";
import { RehearsalError } from "../../../core/errors.ts";
import type { SetLayout } from "../../../core/import/layout.ts";
import type { Refusal } from "../../../core/import/refused.ts";
import type { StagedRecord } from "../../../core/import/staged.ts";
import { type CopySession, openCopySession } from "../copy.ts";
import { pinnedSettings } from "../session.ts";
import { type ActOf, beginAct, noteDone, readDone } from "./batch-acts.ts";
import { claimRecords, MAKE_CLAIMS_STAGE } from "./claims.ts";
import { copyRow, once, queryRows } from "./copy-row.ts";
import { type SetStatements, statementsOf } from "./statements.ts";
import type { ImportTables } from "./tables.ts";

interface Disagreed {
  record: StagedRecord;
  set: SetLayout;
  columns: { name: string; record: string | null; database: string | null }[];
}

interface Written {
  /** By the layout's sets. */
  inserted: number[];
  updated: number[];
  refused: Map<StagedRecord, Refusal>;
  disagreed: Disagreed[];
}

export interface ImporterOptions {
  application: string;
  /** The task, for acts and claims. */
  task: string;
  attempt: number;
  layout: readonly SetLayout[];
  tables: ImportTables;
  /** Milliseconds. */
  lockTimeout: number;
  statementTimeout: number;
  /** Everything is tried, and nothing stays. */
  dryRun: boolean;
  signal?: AbortSignal;
}

/** Refuses some of a batch's records while it is under way; the others are tried again. */
export class SomeRefused extends Error {
  override readonly name = "SomeRefused";
  readonly refused: ReadonlyMap<StagedRecord, Refusal>;

  constructor(refused: ReadonlyMap<StagedRecord, Refusal>) {
    super("some records are refused");
    this.refused = refused;
  }
}

/** Between the rows and their COMMIT, of the records whose rows hold, some of which may be new; what it throws takes them back. */
type BeforeCommit = (records: readonly StagedRecord[], areNew: boolean) => Promise<void>;

/** SQLSTATEs of a quarrel over locks, which a second try may win. */
const QUARREL = new Set(["40001", "40P01", "55P03"]);
const TRIES = 4;

/**
 * Staged rows are few, and what they are compared with is found by its index: tables that were just filled have no statistics yet.
 * What reads the staged ones nevertheless looks so costly then that each statement would be compiled, for longer than it runs.
 */
const PLANS = "set enable_seqscan = off; set jit = off";

export class Importer {
  readonly #session: CopySession;
  readonly #options: ImporterOptions;
  readonly #sets: SetStatements[];

  static async open(address: DatabaseAddress, options: ImporterOptions): Promise<Importer> {
    const { application, lockTimeout, statementTimeout, signal } = options;
    const session = await openCopySession(address, { application, ...(signal && { signal }) });
    const pinned = pinnedSettings({ application, lockTimeout, statementTimeout });
    await session.execute(
      `${Object.entries(pinned)
        .map(([name, value]) => `select set_config('${name}', '${value}', false)`)
        .join("; ")}; ${PLANS}`,
    );
    const importer = new Importer(session, options);
    await session.execute(MAKE_CLAIMS_STAGE);
    for (const { make } of importer.#sets) await session.execute(make);
    return importer;
  }

  private constructor(session: CopySession, options: ImporterOptions) {
    this.#session = session;
    this.#options = options;
    this.#sets = statementsOf(options.layout, options.tables);
  }

  /** Writes the records that can be, and tells why the others cannot; throws what is no record's fault. */
  async write(records: readonly StagedRecord[], beforeCommit: BeforeCommit): Promise<Written> {
    const written: Written = {
      inserted: this.#sets.map(() => 0),
      updated: this.#sets.map(() => 0),
      refused: await claimRecords(this.#session, this.#options.task, records),
      disagreed: [],
    };
    await this.#writeAll(
      records.filter((record) => !written.refused.has(record)),
      beforeCommit,
      written,
    );
    return written;
  }

  /** What this task's acts tell of rows that were inserted and updated, by the names of the sets: every attempt's. */
  readDone(): Promise<Map<string, { inserted: number; updated: number }>> {
    return readDone(this.#session, this.#options.task, this.#options.layout);
  }

  async close(): Promise<void> {
    await this.#session.close();
  }

  async #writeAll(
    records: readonly StagedRecord[],
    beforeCommit: BeforeCommit,
    written: Written,
  ): Promise<void> {
    let rest = records;
    for (let tries = 1; rest.length > 0; ) {
      try {
        const done = await this.#transaction(rest, beforeCommit);
        for (const [index] of this.#sets.entries()) {
          written.inserted[index] = (written.inserted[index] ?? 0) + (done.inserted[index] ?? 0);
          written.updated[index] = (written.updated[index] ?? 0) + (done.updated[index] ?? 0);
        }
        written.disagreed.push(...done.disagreed);
        return;
      } catch (error) {
        if (error instanceof SomeRefused) {
          for (const [record, refusal] of error.refused) written.refused.set(record, refusal);
          rest = rest.filter((record) => !error.refused.has(record));
          continue;
        }
        if (!(error instanceof RehearsalError) || error.code !== "StatementFailed") throw error;
        const { sqlstate, reason } = error.facts as { sqlstate: string; reason: string };
        const [first, second] = rest;
        // Alone, once more: what it collided with may have been written meanwhile, and is found now.
        const again = QUARREL.has(sqlstate) || (second === undefined && sqlstate === "23505");
        if (again && tries++ < (QUARREL.has(sqlstate) ? TRIES : 2)) continue;
        if (QUARREL.has(sqlstate)) throw error;
        if (second === undefined && first !== undefined) {
          const at = this.#options.layout[this.#at]?.rows.table ?? "COMMIT";
          written.refused.set(first, {
            ...{ code: "ImportRowRefused", path: first.folder, at },
            reason: `${reason} (${sqlstate})`,
          });
          return;
        }
        const half = Math.ceil(rest.length / 2);
        await this.#writeAll(rest.slice(0, half), beforeCommit, written);
        await this.#writeAll(rest.slice(half), beforeCommit, written);
        return;
      }
    }
  }

  /** The set that is being written, for a refusal. */
  #at = 0;

  async #transaction(
    records: readonly StagedRecord[],
    beforeCommit: BeforeCommit,
  ): Promise<Omit<Written, "refused">> {
    const session = this.#session;
    const done: Omit<Written, "refused"> = { inserted: [], updated: [], disagreed: [] };
    const places = placesOf(this.#options.layout, records);
    await session.execute("begin");
    try {
      let acting = false;
      for (const [index, set] of this.#options.layout.entries()) {
        this.#at = index;
        const statements = this.#sets[index];
        if (statements === undefined) throw new Error("a set has no statements");
        if ((await this.#stage(index, records, places)) === 0) {
          done.inserted.push(0);
          done.updated.push(0);
          continue;
        }
        const told = await session.readRow(statements.tellApart);
        const [inserted = 0, differ = 0, unfounded = 0, fresh = 0] = told.map(Number);
        if (unfounded > 0) throw new SomeRefused(await this.#unfounded(statements, set, records));
        const updated = set.rows.existing === "update" ? differ : 0;
        if (!acting && inserted + updated > 0) {
          await beginAct(session, this.#actName(records));
          acting = true;
        }
        if (inserted > 0) await session.execute(statements.insert);
        if (updated > 0) await session.execute(statements.update);
        if (fresh > 0 && statements.findAgain !== undefined) await session.execute(statements.findAgain);
        if (set.rows.existing === "keep" && (differ > 0 || fresh > inserted))
          done.disagreed.push(...(await this.#disagreements(statements, set, records)));
        done.inserted.push(inserted);
        done.updated.push(updated);
      }
      this.#at = this.#options.layout.length;
      if (acting) await noteDone(session, this.#actName(records), this.#options.layout, done);
      await beforeCommit(
        records,
        done.inserted.some((count) => count > 0),
      );
      await session.execute(this.#options.dryRun ? "rollback" : "commit");
      return done;
    } catch (error) {
      // A session that cannot roll back is gone, and then the server does; the failure that matters is the first.
      await session.execute("rollback").catch(() => undefined);
      throw error;
    }
  }

  /** How many rows of the set there are. */
  async #stage(
    index: number,
    records: readonly StagedRecord[],
    places: readonly number[][],
  ): Promise<number> {
    const { parents: above = [] } = this.#options.layout[index] ?? {};
    let lines = "";
    let count = 0;
    for (const [number, record] of records.entries())
      for (const { texts, parents } of record.rows[index] ?? []) {
        const leaning = parents.map((parent, place) =>
          parent === null ? null : String((places[above[place]?.set ?? 0]?.[number] ?? 0) + parent),
        );
        lines += copyRow([String(count++), String(number), ...texts, ...leaning]);
      }
    if (count > 0) await this.#session.copyIn(this.#sets[index]?.copyIn ?? "", once(Buffer.from(lines)));
    return count;
  }

  #actName([first]: readonly StagedRecord[]): ActOf {
    const { task, attempt } = this.#options;
    return { task, record: `${attempt}/${first?.folder ?? ""}` };
  }

  async #unfounded(
    { unfounded }: SetStatements,
    { name, rows, slots }: SetLayout,
    records: readonly StagedRecord[],
  ): Promise<Map<StagedRecord, Refusal>> {
    const refused = new Map<StagedRecord, Refusal>();
    const wanted = slots.flatMap((slot) => (slot.from === "lookup" && !slot.optional ? [slot.table] : []));
    for (const [number] of await queryRows(this.#session, unfounded)) {
      const record = records[Number(number)];
      const reason = `a row of "${name}" ${wanted.length > 0 ? `names a row of ${wanted.join(" or ")} that is not there` : "has no key"}`;
      if (record !== undefined)
        refused.set(record, { code: "ImportValueRefused", path: record.folder, at: rows.table, reason });
    }
    return refused;
  }

  async #disagreements(
    { disagreements }: SetStatements,
    set: SetLayout,
    records: readonly StagedRecord[],
  ): Promise<Disagreed[]> {
    return (await queryRows(this.#session, disagreements)).flatMap(([number, columns]) => {
      const record = records[Number(number)];
      if (record === undefined || columns === undefined) return [];
      const told = JSON.parse(columns ?? "[]") as [
        name: string,
        record: string | null,
        database: string | null,
      ][];
      return [
        {
          record,
          set,
          columns: told.map(([name, theirs, ours]) => ({ name, record: theirs, database: ours })),
        },
      ];
    });
  }
}

/** Of each set and record: how many rows of the set stand before the record's own. */
function placesOf(layout: readonly SetLayout[], records: readonly StagedRecord[]): number[][] {
  return layout.map((_, index) => {
    let before = 0;
    return records.map(({ rows }) => {
      const place = before;
      before += rows[index]?.length ?? 0;
      return place;
    });
  });
}
