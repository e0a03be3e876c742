/** The copying itself: sessions that take unit after unit under one snapshot, each counted and hashed by the server, or taken over from a base. */
import type { BackupManifest, CopiedObject, DataObject } from "../../core/backup-manifest.ts";
import type { Baseline } from "../../core/baseline.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { OnProgress } from "../../core/progress.ts";
import { writeObject } from "../backup-objects.ts";
import type { ObjectStore } from "../object-store.ts";
import { selectYoung } from "./base.ts";
import { type HashedTable, selectSums, tableBaseline } from "./baseline.ts";
import { type CopySession, openCopySession } from "./copy.ts";
import type { CopiedTable, CopyUnit, PageRange } from "./copy-plan.ts";
import { PINNED } from "./reading.ts";

/** What came of a unit. */
export interface Copied {
  rows: number;
  /** Of the rows' hashes; null where no baseline speaks of the table. */
  checksum: string | null;
  /** Null when the COPY had no bytes. */
  object: CopiedObject | null;
}

/** A unit with what came of it. */
export interface CopiedUnit extends Copied {
  unit: CopyUnit;
}

/** Where sessions get their units from, and leave what came of them. */
export interface Units {
  /** Undefined when there is nothing to copy any more. */
  next(): Promise<CopyUnit | undefined>;
  record(unit: CopyUnit, copied: Copied): Promise<void>;
  /** So much more is done. */
  tell(unit: CopyUnit, amount: { bytes: number; rows: number }): void;
}

/** The units not yet begun, the results, and how far it is. */
export class CopyQueue implements Units {
  #copied: CopiedUnit[] = [];
  #units: CopyUnit[];
  #onProgress: OnProgress | undefined;
  #done = { bytes: 0, rows: 0 };
  #others = { bytes: 0, rows: 0 };
  #total: { bytes: number; rows: number };

  constructor(units: CopyUnit[], onProgress: OnProgress | undefined) {
    this.#units = [...units];
    this.#onProgress = onProgress;
    this.#total = {
      bytes: units.reduce((sum, unit) => sum + unit.bytes, 0),
      rows: units.reduce((sum, unit) => sum + unit.rows, 0),
    };
  }

  async next(): Promise<CopyUnit | undefined> {
    return this.#units.shift();
  }

  async record(unit: CopyUnit, copied: Copied): Promise<void> {
    this.#copied.push({ unit, ...copied });
  }

  /** Every unit, once all sessions have ended well. */
  async all(): Promise<CopiedUnit[]> {
    return this.#copied;
  }

  tell(unit: CopyUnit, amount: { bytes: number; rows: number }): void {
    this.#done.bytes += amount.bytes;
    this.#done.rows += amount.rows;
    this.#show(unit.table?.name ?? "large objects");
  }

  /** So much others have done, in all. */
  tellOthers(amount: { bytes: number; rows: number }): void {
    if (amount.bytes === this.#others.bytes && amount.rows === this.#others.rows) return;
    this.#others = amount;
    this.#show(undefined);
  }

  #show(now: string | undefined): void {
    const done = { bytes: this.#done.bytes + this.#others.bytes, rows: this.#done.rows + this.#others.rows };
    this.#onProgress?.({ done, total: this.#total, ...(now !== undefined && { now }) });
  }
}

/** What the sessions that copy have in common. */
export interface Copying {
  source: DatabaseAddress;
  application: string;
  store: ObjectStore;
  stallSeconds?: number;
  /** Of every key; ends with a slash. */
  folder: string;
  /** As it was exported. */
  snapshot: string;
  /** Which server and database exported it, as `PLACE` tells; asked where another process did. */
  place?: string;
  /** SET statements for each session. */
  settings: string;
  signal: AbortSignal;
  /** Gathers what is written, for the case that it has to be removed. */
  keys: string[];
  /** By name, what the baseline speaks of. */
  hashed: Map<string, HashedTable>;
  /** The oldest transaction that the base did not see the end of. */
  since: string | undefined;
}

/** One session that copies unit after unit under the snapshot. */
export async function copyUnits(queue: Units, copying: Copying): Promise<void> {
  const { stallSeconds } = copying;
  const session = await openCopySession(copying.source, {
    ...{ application: copying.application, signal: copying.signal },
    ...(stallSeconds === undefined ? {} : { stallSeconds }),
  });
  try {
    if (copying.place !== undefined) await assertPlace(session, copying.place);
    await session.execute(copying.settings);
    // A range of pages must be read as one, whatever the planner thinks of it; and the sessions are parallel enough.
    await session.execute("set enable_seqscan = off; set max_parallel_workers_per_gather = 0; set jit = off");
    await session.execute(
      `begin isolation level repeatable read, read only; set transaction snapshot '${copying.snapshot}'`,
    );
    for (let unit = await queue.next(); unit !== undefined; unit = await queue.next())
      await queue.record(
        unit,
        (await findUnchanged(session, unit, queue, copying)) ??
          (await copyUnit(session, unit, queue, copying)),
      );
  } finally {
    await session.close();
  }
}

/** Selects what tells this server's process and this database from any other, a standby's and a restored one's too. */
export const PLACE = `select system_identifier || ' ' || (select oid from pg_database where datname = current_database())
    || ' ' || extract(epoch from pg_postmaster_start_time()) || ' ' || pg_is_in_recovery() as place
  from pg_control_system()`;

/** A snapshot's name is good on its own server only, and another's may have the same. */
async function assertPlace(session: CopySession, place: string): Promise<void> {
  const [here = ""] = await session.readRow(PLACE);
  if (here !== place) throw new RehearsalError("SnapshotElsewhere", { expected: place, found: here });
}

/** What the base holds of the unit, when no row of it was written since and none is gone; undefined when there is something to copy. */
async function findUnchanged(
  session: CopySession,
  unit: CopyUnit,
  queue: Units,
  { since, hashed }: Copying,
): Promise<Copied | undefined> {
  const { earlier, table, range } = unit;
  if (since === undefined || earlier === undefined || table === undefined) return undefined;
  // The baseline speaks of the table now, and did not then.
  if (earlier.checksum === null && table.whole && hashed.has(table.name)) return undefined;
  const [rows, young] = await session.readRow(selectYoung(table.name, since, range?.condition));
  if (Number(rows) !== earlier.rows || young !== "0") return undefined;
  queue.tell(unit, { bytes: earlier.object?.rawBytes ?? 0, rows: earlier.rows });
  return { rows: earlier.rows, checksum: earlier.checksum, object: earlier.object ?? null };
}

async function copyUnit(
  session: CopySession,
  unit: CopyUnit,
  queue: Units,
  { store, folder, keys, hashed }: Copying,
): Promise<Copied> {
  const table = unit.table?.whole ? hashed.get(unit.table.name) : undefined;
  const sums = table && (await readSums(session, table, unit));
  const key = folder + unit.name;
  keys.push(key);
  const source = session.copyOut(unit.copyOut, { reuse: true });
  const written = await writeObject(store, key, source, (bytes) => queue.tell(unit, { bytes, rows: 0 }));
  queue.tell(unit, { bytes: 0, rows: unit.table ? source.rows : 0 });
  // Two ways of counting the same rows under the same snapshot have to agree.
  if (table && sums && sums.rows !== source.rows)
    throw new RehearsalError("BackupInconsistent", {
      table: table.name,
      copied: source.rows,
      counted: sums.rows,
    });
  const object = written === undefined ? null : { ...written, rows: source.rows };
  return { rows: source.rows, checksum: sums?.checksum ?? null, object };
}

/** The settings that pin how a value reads are not those a COPY is to be written with. */
async function readSums(session: CopySession, table: HashedTable, unit: CopyUnit) {
  await session.execute(`savepoint sums; ${PINNED}`);
  const [rows = "", checksum = ""] = await session.readRow(selectSums(table, unit.range?.condition));
  await session.execute("rollback to savepoint sums; release savepoint sums");
  return { rows: Number(rows), checksum };
}

/** A table's rows are those of its units. */
export function sumTables(
  copied: readonly CopiedUnit[],
  hashed: Map<string, HashedTable>,
): Baseline["tables"] {
  const tables: Baseline["tables"] = {};
  for (const { unit, rows, checksum } of copied) {
    const table = unit.table?.whole ? hashed.get(unit.table.name) : undefined;
    if (table === undefined || checksum === null) continue;
    const sum = tables[table.name];
    tables[table.name] = tableBaseline(
      table,
      rows + (sum?.rows ?? 0),
      String(BigInt(checksum) + BigInt(sum?.checksum ?? 0)),
    );
  }
  return tables;
}

/** In the order of the table of contents and of the pages, whatever the order of the work was. */
export function listCopied(
  copied: readonly CopiedUnit[],
  inherited: BackupManifest["largeObjects"] | undefined,
): Pick<BackupManifest, "tables" | "data" | "emptyTables" | "largeObjects"> {
  const units = copied
    .flatMap(({ unit, ...rest }) => (unit.table ? [{ ...unit, table: unit.table, ...rest }] : []))
    .sort((one, other) => one.table.tocId - other.table.tocId || (one.name < other.name ? -1 : 1));
  const data = units.flatMap(({ table, object, checksum, range }) =>
    object ? [dataObject(table, object, checksum, range)] : [],
  );
  const filled = new Set(data.map(({ tocId }) => tocId));
  const tables = new Map(units.map(({ table }) => [table.tocId, table]));
  return {
    tables: [...tables.values()].map(({ tocId, name, copyOut, heap }) => ({ tocId, name, copyOut, heap })),
    data,
    emptyTables: [...tables.keys()].filter((tocId) => !filled.has(tocId)),
    largeObjects:
      inherited ??
      copied
        .flatMap(({ unit, object }) => (unit.table || !object ? [] : [object]))
        .sort((one, other) => (one.key < other.key ? -1 : 1)),
  };
}

function dataObject(
  { tocId, name, copyInto }: CopiedTable,
  { key, size, sha256, rows, rawBytes }: CopiedObject,
  checksum: string | null,
  range: PageRange | undefined,
): DataObject {
  return {
    ...{ tocId, table: name, copyInto, key, size, sha256, rows, rawBytes, checksum },
    pages: range === undefined ? null : { from: range.from, to: range.to },
  };
}
