/** What may go of some records, and what stays and why: read in one statement, whatever the number of rows. */
import { RehearsalError } from "../../../core/errors.ts";
import { quoteName } from "../../../core/names.ts";
import {
  type Because,
  closeOver,
  nameOf,
  type RecordRows,
  type RowName,
  type TiedRow,
} from "../../../core/prune/closure.ts";
import type { PrunePlan } from "../../../core/prune/plan.ts";
import { recordKey } from "../../../core/prune/policy.ts";
import type { Session } from "../session.ts";
import { type Prepared, prepare } from "./prepared.ts";
import { keyOf, MARK, NAMED_BY_PAYLOAD, POINTED, rowsOfRecords, TIED } from "./statements.ts";

/** So many rows of the records that are taken together are held in memory. */
const MOST_ROWS = 500_000;

export interface RecordCandidates {
  record: string;
  /** The primary keys' texts, by table, quoted and qualified. */
  going: { table: string; keys: (readonly string[])[] }[];
  kept: { table: string; key: readonly string[]; because: string }[];
}

export interface Candidates {
  /** In the order that was asked; a record that is not there has no rows. */
  records: RecordCandidates[];
  /** Objects that only rows which go name. */
  objects: GoingObject[];
  /** Objects that rows which go name, and rows that stay as well. */
  shared: { key: string; because: string }[];
  /** Where and before which transaction's number this was so. */
  mark: Mark;
}

interface GoingObject {
  key: string;
  /** As the rows say; null where none does. */
  sha256: string | null;
  /** 0 where no row says. */
  bytes: number;
  records: string[];
}

interface Mark {
  place: string;
  xid: string;
}

/** Reads what may go of the records; nothing is locked, and a deletion proves it anew. Throws `PruneTooLarge`. */
export async function readCandidates(
  session: Session,
  plan: PrunePlan,
  records: readonly string[],
): Promise<Candidates> {
  const prepared = await prepare(session, plan);
  const { rows, xid } = await readRows(session, plan, prepared, records, null);
  const going = new Map<string, TiedRow[]>();
  const found = records.map((record, index): RecordCandidates => {
    const closed = closeOver(rows[index] ?? NO_ROWS, goesWithOf(plan));
    const { kept } = closed;
    going.set(record, closed.going);
    return {
      record,
      going: plan.prune.flatMap(({ table }, at) => {
        const keys = closed.going.flatMap((row) => (row.table === at ? [row.key] : []));
        return keys.length === 0 ? [] : [{ table: table.quoted, keys }];
      }),
      kept: kept.map(({ row, because }) => ({
        table: plan.prune[row.table]?.table.quoted ?? "",
        key: row.key,
        because: sayWhy(plan, because),
      })),
    };
  });
  return { records: found, ...(await objectsOf(session, plan, going)), mark: { place: prepared.place, xid } };
}

export const NO_ROWS: RecordRows = { rows: [], pointers: [], references: [] };

export const goesWithOf = (plan: PrunePlan) => plan.prune.map(({ goesWith }) => goesWith?.table);

interface RowOfRecords {
  kind: number;
  n: number;
  at: number;
  key: string[];
  other: string[] | null;
  sha: string;
  okey: string | null;
  osha: string | null;
  obytes: string | null;
}

/** The rows of each record, in the records' order; `since` as `rowsOfRecords` takes it. */
export async function readRows(
  session: Session,
  plan: PrunePlan,
  prepared: Prepared,
  records: readonly string[],
  since: string | null,
): Promise<{ rows: RecordRows[]; xid: string }> {
  const keys = keysOf(plan, records);
  const text = () => rowsOfRecords(plan, prepared.operators);
  const read = await session.query<RowOfRecords>(await prepared.call("rows", text, [...keys, since]));
  if (read.length > MOST_ROWS)
    throw new RehearsalError("PruneTooLarge", { rows: read.length, most: MOST_ROWS });
  const found = records.map(() => ({
    rows: [] as TiedRow[],
    pointers: [] as RecordRows["pointers"][number][],
    references: [] as RecordRows["references"][number][],
  }));
  let xid = "";
  for (const row of read) {
    const into = found[row.at - 1];
    if (row.kind === MARK) xid = row.key[0] ?? "";
    else if (into === undefined) continue;
    else if (row.kind === TIED) into.rows.push(tiedRow(plan, row));
    else if (row.kind === POINTED) into.pointers.push(pointer(plan, row));
    else if (row.kind === NAMED_BY_PAYLOAD)
      into.references.push({ to: { table: plan.references[row.n]?.to ?? 0, key: row.key }, by: row.n });
  }
  return { rows: found, xid };
}

/** For each column of the root's primary key the texts of all records; what is no name is no record either. */
export function keysOf({ root }: PrunePlan, records: readonly string[]): (string | null)[][] {
  const keys = records.map((record) =>
    record.includes("\0") ? undefined : recordKey(record, root.primaryKey.length),
  );
  return root.primaryKey.map((_, column) => keys.map((key) => key?.[column] ?? null));
}

function tiedRow(plan: PrunePlan, { n, key, other, sha, okey, osha, obytes }: RowOfRecords): TiedRow {
  const stays = okey === null ? undefined : whyObjectStays(plan, n, okey);
  return {
    ...{ table: n, key, sha256: sha, goesWith: other },
    ...(okey !== null && {
      object: { key: okey, sha256: osha, bytes: obytes === null ? null : Number(obytes) },
    }),
    ...(stays !== undefined && { stays }),
  };
}

function whyObjectStays(plan: PrunePlan, table: number, key: string): string | undefined {
  const prefix = plan.prune[table]?.object?.prefix;
  const never = plan.never.find((one) => key.startsWith(one));
  if (never !== undefined) return `its object lies below "${never}", where nothing is deleted`;
  if (prefix !== undefined && !key.startsWith(prefix)) return `its object does not lie below "${prefix}"`;
  return undefined;
}

function pointer(plan: PrunePlan, { n, key, other }: RowOfRecords): RecordRows["pointers"][number] {
  const { to = 0, from } = plan.pointers[n] ?? {};
  return {
    to: { table: to, key },
    by: n,
    ...(from !== undefined && other !== null && { from: { table: from, key: other } }),
  };
}

/** The reason for people. */
export function sayWhy(plan: PrunePlan, because: Because): string {
  if ("says" in because) return because.says;
  const named = ({ table, key }: RowName) => `${plan.prune[table]?.table.quoted} ${key.join(", ")}`;
  if ("with" in because)
    return because.with === null
      ? "the row that it belongs to does not go"
      : `it goes with ${named(because.with)}, which stays`;
  if ("reference" in because) {
    const { snapshot = 0, path = "" } = plan.references[because.reference] ?? {};
    return `a snapshot of ${plan.snapshots[snapshot]?.table.quoted} names it at ${path}`;
  }
  const { key } = plan.pointers[because.pointer] ?? {};
  const where = because.from ? named(because.from) : `a row of "${key?.on.schema}"."${key?.on.name}"`;
  return `${where}, which stays, points at it (${key?.constraint})`;
}

async function objectsOf(
  session: Session,
  plan: PrunePlan,
  records: ReadonlyMap<string, readonly TiedRow[]>,
): Promise<Pick<Candidates, "objects" | "shared">> {
  const objects = new Map<string, GoingObject>();
  const going = new Set<string>();
  for (const [record, rows] of records)
    for (const row of rows) {
      going.add(nameOf(row));
      if (row.object === undefined) continue;
      const { key, sha256, bytes } = row.object;
      const known = objects.get(key);
      if (known === undefined) objects.set(key, { key, sha256, bytes: bytes ?? 0, records: [record] });
      else {
        known.sha256 ??= sha256;
        known.bytes ||= bytes ?? 0;
        if (!known.records.includes(record)) known.records.push(record);
      }
    }
  const named = await namedElsewhere(session, plan, [...objects.keys()], going);
  return {
    objects: [...objects.values()].filter(({ key }) => !named.has(key)),
    shared: [...named].map(([key, because]) => ({ key, because })),
  };
}

/** Which of the keys rows name that are not among those that go, and which rows. */
export async function namedElsewhere(
  session: Session,
  plan: PrunePlan,
  keys: readonly string[],
  going: ReadonlySet<string> = new Set(),
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  if (keys.length === 0) return found;
  for (const { table, column, prune } of plan.keyColumns) {
    const name = `t.${quoteName(column)}`;
    const own = prune === undefined ? "null::text[]" : keyOf("t", table);
    const rows = await session.query<{ key: string; own: string[] | null }>(
      `select ${name}::text as key, ${own} as own from ${table.quoted} t where ${name} = any ($1::text[])`,
      [keys],
    );
    for (const row of rows)
      if (prune === undefined || row.own === null || !going.has(nameOf({ table: prune, key: row.own })))
        found.set(row.key, `a row of ${table.quoted}, which stays, names it`);
  }
  return found;
}
