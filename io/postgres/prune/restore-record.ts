/** The way back of what was pruned: a record's rows as they were, to the bit, in one transaction whose act tells that it was committed. */
import { RehearsalError } from "../../../core/errors.ts";
import { quoteLiteral, quoteName, quoteQualified } from "../../../core/names.ts";
import type { BundledTable, BundleManifest } from "../../../core/prune/bundle.ts";
import type { ObjectStore } from "../../object-store.ts";
import { bundledBytes, type PruneBundle, textArray } from "../../prune-bundle.ts";
import { readAct } from "../acts.ts";
import { type CopySession, openCopySession } from "../copy.ts";
import { copyLines, leadingFields } from "../copy-lines.ts";
import type { Session } from "../session.ts";
import { ensureLife, LOCK_IDENTITY } from "../target-schema.ts";
import { prepare } from "./prepared.ts";
import { LIMITS, type Limits, limiting, sqlstateOf, withRetries } from "./retries.ts";
import type { Operators } from "./statements.ts";

interface RestoreOptions {
  /** On the database; rows go in over a connection of their own. */
  session: Session;
  bundle: PruneBundle;
  /** Where the bundle is. */
  store: ObjectStore;
  record: string;
  /** The id of what restores: what it has brought back it does not bring back again. */
  act: string;
  limits?: Limits;
  /** Asked inside the transaction, as the last thing before COMMIT. */
  mayRestore?: () => Promise<void>;
}

interface Restored {
  /** Rows that came back, by table, quoted and qualified. */
  rows: Record<string, number>;
  /** Rows that stood there as they were bundled. */
  there: number;
  /** True when an earlier call had done it. */
  already: boolean;
}

/**
 * Brings a record's rows back; triggers fire, and may write elsewhere. Throws `RestoreDiffers` unless each row then is what it was,
 * where something else has its key, and where what it points at is gone; then nothing was changed.
 */
export async function restoreRecord(options: RestoreOptions): Promise<Restored> {
  const { session, record, limits = LIMITS } = options;
  const done = await committed(options);
  if (done !== undefined) return { ...done, already: true };
  await ensureLife(session);
  const { operators } = await prepare(session, options.bundle);
  const into = await openCopySession(session.address, { application: "rehearsal prune restore" });
  try {
    return await withRetries(`the restoring of ${record}`, limits, async () => {
      await into.execute(`begin; ${limiting(limits)}`);
      try {
        await into.readRow(LOCK_IDENTITY);
        const restored = await putBack(options, operators, into);
        if (restored !== undefined) await options.mayRestore?.();
        await into.execute("commit");
        return restored ?? { ...NOTHING, ...(await committed(options)), already: true };
      } catch (error) {
        // The failure that matters is the first one; a connection that is gone has rolled back.
        await into.execute("rollback").catch(() => undefined);
        throw error;
      }
    });
  } finally {
    await into.close();
  }
}

/** What an earlier call has brought back, when there was one. */
async function committed({ session, record, act }: RestoreOptions): Promise<Restored | undefined> {
  const done = await readAct(session, { kind: "prune-restore", id: act, record });
  return done?.facts as unknown as Restored | undefined;
}

const NOTHING: Restored = { rows: {}, there: 0, already: false };

/** Undefined when another call has committed the same meanwhile. */
async function putBack(
  options: RestoreOptions,
  operators: Operators,
  into: CopySession,
): Promise<Restored | undefined> {
  const { bundle, record, act } = options;
  const { manifest } = bundle;
  const restored: Restored = { ...NOTHING, rows: {} };
  const name = `${quoteLiteral(act)}, ${quoteLiteral(record)}`;
  // First, for it is what lets triggers know; what it says follows at the end.
  const [begun] = await into.readRow(
    `with begun as (insert into rehearsal.acts (kind, id, record) values ('prune-restore', ${name})
      on conflict do nothing returning 1) select count(*) from begun`,
  );
  if (begun === "0") return undefined;
  for (const group of manifest.order.toReversed())
    await guarded(record, quotedOf(manifest.tables[group[0] ?? 0]), () =>
      putGroup(options, operators, into, group, restored),
    );
  await guarded(record, "the database", () => into.execute("set constraints all immediate"));
  for (const [number, table] of manifest.tables.entries()) {
    const wanted = rowsIn(bundle, record, number);
    if (wanted.size === 0) continue;
    const found = await standing(into, operators, table, [...wanted.keys()]);
    for (const [key, sha256] of wanted) {
      if (found.get(key) === sha256) continue;
      const problem = found.has(key)
        ? `${told(key)} was changed by a trigger, or is generated in another way now`
        : `${told(key)} is not there afterwards: a trigger or a rule kept it out`;
      throw new RehearsalError("RestoreDiffers", { record, table: quotedOf(table), problem });
    }
  }
  await into.execute(
    `update rehearsal.acts set facts = ${quoteLiteral(JSON.stringify(restored))}::jsonb
      where kind = 'prune-restore' and (id, record) = (${name})`,
  );
  return restored;
}

/** Tables that point at each other go in by one statement, at whose end foreign keys are checked; each other one by its COPY. */
async function putGroup(
  { bundle, store, record }: RestoreOptions,
  operators: Operators,
  into: CopySession,
  group: readonly number[],
  restored: Restored,
): Promise<void> {
  const { manifest } = bundle;
  const staged: string[] = [];
  for (const number of group) {
    const table = manifest.tables[number];
    if (table === undefined) continue;
    const wanted = rowsIn(bundle, record, number);
    if (wanted.size === 0) continue;
    const there = await standing(into, operators, table, [...wanted.keys()]);
    for (const [key, sha256] of there)
      if (wanted.get(key) !== sha256)
        throw new RehearsalError("RestoreDiffers", {
          ...{ record, table: quotedOf(table) },
          problem: `has another row ${told(key)}`,
        });
    restored.there += there.size;
    if (there.size === wanted.size) continue;
    const keys = [...wanted.keys()];
    const columns = table.columns.filter(({ generated }) => !generated).map(({ name }) => quoteName(name));
    const target = group.length === 1 ? quotedOf(table) : `pg_temp.${quoteName(`rehearsal_${number}`)}`;
    if (group.length > 1) {
      await into.execute(
        `create temporary table ${target} on commit drop as select ${columns.join(", ")} from ${quotedOf(table)} with no data`,
      );
      staged.push(
        `insert into ${quotedOf(table)} (${columns.join(", ")}) overriding system value select ${columns.join(", ")} from ${target}`,
      );
    }
    const lines = linesOf(store, manifest, number, record, (at) => !there.has(keys[at] ?? ""));
    const rows = await into.copyIn(`copy ${target} (${columns.join(", ")}) from stdin`, lines);
    restored.rows[quotedOf(table)] = rows;
  }
  if (staged.length > 0)
    await into.execute(`with ${staged.map((one, at) => `i${at} as (${one})`).join(", ")} select`);
}

/** The rows of a record in a table: key as JSON, with the sha256 of its values, in the order of the file. */
function rowsIn(bundle: PruneBundle, record: string, number: number): Map<string, string> {
  return new Map(
    bundle
      .rowsOf(record)
      .filter(({ table }) => table === number)
      .map(({ key, sha256 }) => [JSON.stringify(key), sha256]),
  );
}

/** Which of the rows stand in the table now, and the sha256 of their values. */
async function standing(
  into: CopySession,
  operators: Operators,
  table: BundledTable,
  keys: readonly string[],
): Promise<Map<string, string>> {
  const parts = keys.map((key) => JSON.parse(key) as string[]);
  const arrays = table.primaryKey.map((_, at) => textArray(parts.map((key) => key[at] ?? ""))).join(", ");
  const names = table.primaryKey.map((_, at) => `k${at}`).join(", ");
  const compared = operators.ofTable({ quoted: quotedOf(table) });
  const same = table.primaryKey.map((name, at) => {
    const type = table.columns.find((column) => column.name === name)?.type ?? "text";
    return `t.${quoteName(name)} ${compared[at] ?? "="} k.k${at}::${type}`;
  });
  const key = table.primaryKey.map((name) => `t.${quoteName(name)}::text`).join(", ");
  const columns = table.columns.map(({ name }) => `t.${quoteName(name)}`).join(", ");
  const found = new Map<string, string>();
  const text = `copy (select to_json(array[${key}]), encode(sha256(convert_to(row(${columns})::text, 'UTF8')), 'hex')
    from ${quotedOf(table)} t join unnest(${arrays}) as k (${names}) on ${same.join(" and ")}) to stdout`;
  for await (const lines of copyLines(into.copyOut(text)))
    for (const line of lines) {
      const [own = "[]", sha256 = ""] = leadingFields(line, 2).fields;
      found.set(JSON.stringify(JSON.parse(own)), sha256);
    }
  return found;
}

/** The lines of a record in a table's file, of those that are wanted by their place. */
async function* linesOf(
  store: ObjectStore,
  { tables, records }: BundleManifest,
  number: number,
  record: string,
  wanted: (at: number) => boolean,
): AsyncGenerator<Uint8Array> {
  const file = tables[number]?.rows;
  const part = records.find((one) => one.record === record)?.parts.find(({ table }) => table === number);
  if (file === undefined || part === undefined) return;
  let offset = 0;
  let at = 0;
  // Read to its end, for only there it is known that it was what was written.
  for await (const lines of copyLines(bundledBytes(store, file)))
    for (const line of lines) {
      if (offset >= part.offset && offset < part.offset + part.bytes && wanted(at++)) yield Buffer.from(line);
      offset += line.length;
    }
}

/** What the database says against it, in the bundle's words. */
async function guarded(record: string, table: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const sqlstate = sqlstateOf(error) ?? "";
    // Integrity, data, a missing table or column, and whatever a trigger raises.
    if (!/^(22|23|42|P0|428)/.test(sqlstate)) throw error;
    const reason = (error as RehearsalError).facts as { reason?: string };
    throw new RehearsalError(
      "RestoreDiffers",
      { record, table, problem: `is refused by the database: ${reason.reason}` },
      { cause: error },
    );
  }
}

const quotedOf = (table: { schema: string; name: string } | undefined) =>
  quoteQualified(table?.schema ?? "", table?.name ?? "");

const told = (key: string) => (JSON.parse(key) as string[]).join(", ");
