/**
 * Random graphs of records with random policies: tables that hang on a root and on each other over foreign keys of every action, with
 * rows that are shared between records, named by payloads, or have objects in a bucket.
 * Long because what is drawn, the SQL that makes it and the policy that is about it have to agree.
 */
import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { quoteLiteral, quoteName } from "../../core/names.ts";

const ACTIONS = ["no action", "restrict", "cascade", "set null", "set default"] as const;

interface DrawnKey {
  /** Of all tables; -1 is the root. */
  to: number;
  action: (typeof ACTIONS)[number];
  deferred: boolean;
}

interface DrawnTable {
  role: "prune" | "keep" | "both" | "unlisted";
  /** The primary key has a second column. */
  wide: boolean;
  /** The first leads to the root, or to an earlier table. */
  keys: DrawnKey[];
  where: boolean;
  object: boolean;
  partitioned: boolean;
}

interface DrawnRow {
  table: number;
  /** Which row of the target each key points at, counted around; one behind the last is null. */
  targets: number[];
  flag: boolean;
  retained: boolean;
  text: string | null;
  number: string | null;
  bytes: Uint8Array;
  object: number;
}

interface DrawnSnapshot {
  job: number;
  /** What it names: a table and the place of a row. */
  names: { table: number; row: number }[];
}

export interface DrawnRecords {
  tables: DrawnTable[];
  jobs: { archived: boolean; old: boolean }[];
  rows: DrawnRow[];
  snapshots: DrawnSnapshot[];
  /** Payloads name rows of their own record alone, and the policy says so. */
  within: boolean;
  batch: number;
}

const value = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }).map((text) => text.replaceAll("\0", "")),
  fc.constantFrom("\\N", "\\.", "a\tb\nc\r\\d", "", "NULL", '{"a":1}'),
);

const often = fc.constantFrom(true, true, true, false);

const table = (index: number): fc.Arbitrary<DrawnTable> =>
  fc.record({
    role: fc.constantFrom("prune", "prune", "prune", "keep", "both", "unlisted"),
    wide: fc.boolean(),
    keys: fc
      .tuple(
        fc.integer({ min: -1, max: index - 1 }),
        fc.array(fc.integer({ min: -1, max: 5 }), { maxLength: 3 }),
        fc.array(fc.record({ action: fc.constantFrom(...ACTIONS), deferred: fc.boolean() }), {
          minLength: 4,
          maxLength: 4,
        }),
      )
      .map(([first, more, ways]) =>
        [first, ...more].map((to, at) => ({ to, ...(ways[at] ?? { action: "no action", deferred: false }) })),
      ),
    where: fc.boolean(),
    object: fc.boolean(),
    partitioned: often.map((one) => !one),
  });

export const drawnRecords: fc.Arbitrary<DrawnRecords> = fc
  .integer({ min: 1, max: 5 })
  .chain((count) =>
    fc.record({
      tables: fc.tuple(...Array.from({ length: count }, (_, index) => table(index))),
      jobs: fc.array(fc.record({ archived: often, old: often }), { minLength: 1, maxLength: 4 }),
      rows: fc.array(
        fc.record({
          table: fc.nat(count - 1),
          targets: fc.array(fc.nat(14), { minLength: 4, maxLength: 4 }),
          flag: fc.boolean(),
          retained: fc.boolean(),
          text: fc.option(value),
          number: fc.option(fc.constantFrom("0", "-0.50", "12345678901234567890.10", "NaN", "1e3")),
          bytes: fc.uint8Array({ maxLength: 8 }),
          object: fc.nat(9),
        }),
        { minLength: 6, maxLength: 40, size: "max" },
      ),
      snapshots: fc.array(
        fc.record({
          job: fc.nat(4),
          names: fc.array(fc.record({ table: fc.nat(count - 1), row: fc.nat(14) }), { maxLength: 3 }),
        }),
        { maxLength: 4 },
      ),
      within: fc.boolean(),
      batch: fc.integer({ min: 1, max: 3 }),
    }),
  )
  .map(settled);

/** What no policy may be is taken out: targets that are not there, and tables that nobody lists whose keys would change with what goes. */
function settled(drawn: DrawnRecords): DrawnRecords {
  const count = drawn.tables.length;
  const tables = drawn.tables.map((drawnTable, index): DrawnTable => {
    // A way may only lead over what says which of its keys is meant.
    const passed = drawn.tables.some(({ keys }) => keys[0]?.to === index);
    const one =
      passed && drawnTable.role === "unlisted" ? { ...drawnTable, role: "keep" as const } : drawnTable;
    const keys = one.keys
      .map(
        ({ to, action, deferred }): DrawnKey => ({
          to: to < count ? to : -1,
          action: one.role === "unlisted" && action !== "restrict" ? "no action" : action,
          // Only what is checked at the end can be put off.
          deferred: deferred && action !== "restrict",
        }),
      )
      .filter((key, at, all) => at === 0 || all.findIndex(({ to }) => to === key.to) === at);
    return { ...one, keys };
  });
  if (!tables.some(({ role }) => role === "prune" || role === "both")) {
    const [first] = tables;
    if (first !== undefined) tables[0] = { ...first, role: "prune" };
  }
  return { ...drawn, tables };
}

export const isPruned = ({ role }: DrawnTable) => role === "prune" || role === "both";

/** Names that have to be quoted, one with a dot. */
export const tableName = (index: number) => (index === -1 ? "jobs" : `T ${index}."`);

const column = (at: number) => `key ${at}`;

/** The SQL that makes the tables with their rows, in a schema that stands empty. */
export function sqlOf(schema: string, drawn: DrawnRecords): string[] {
  const { tables, jobs, rows, snapshots, within } = drawn;
  const inSchema = (name: string) => `${quoteName(schema)}.${quoteName(name)}`;
  const statements = [
    `create table ${inSchema("jobs")} (id int primary key, status text not null, done_at timestamptz)`,
    ...jobs.map(
      ({ archived, old }, index) =>
        `insert into ${inSchema("jobs")} values (${index}, '${archived ? "archived" : "open"}', now() - interval '${old ? 9 : 1} days')`,
    ),
    `create table ${inSchema("finals")} (id int primary key, job int not null references ${inSchema("jobs")}, payload jsonb, sha text)`,
    `create table ${inSchema("notes")} (id int generated always as identity primary key, job int not null, what text, detail jsonb)`,
  ];
  const placed = placesOf({ tables, rows });
  for (const [index, one] of tables.entries()) {
    const keys = one.keys.map(({ to }, at) => {
      const wide = to !== -1 && tables[to]?.wide === true;
      return `${quoteName(column(at))} int${wide ? `, ${quoteName(`${column(at)} part`)} text` : ""}`;
    });
    const own = [
      // Servers before 17 have no identity on a table of partitions.
      one.partitioned ? "id int" : "id int generated by default as identity",
      ...(one.wide ? ["part text not null default 'a'"] : []),
      ...keys,
      "flag boolean not null, retained boolean not null",
      '"te xt" text, number numeric, bytes bytea, doubled int generated always as (id * 2) stored',
      "object text, sha bytea, size int",
      `primary key (id${one.wide ? ", part" : ""})`,
    ];
    const by = one.partitioned ? " partition by hash (id)" : "";
    statements.push(`create table ${inSchema(tableName(index))} (${own.join(", ")})${by}`);
    for (const part of one.partitioned ? [0, 1] : [])
      statements.push(
        `create table ${inSchema(`part ${index} ${part}`)} partition of ${inSchema(tableName(index))}
          for values with (modulus 2, remainder ${part})`,
      );
  }
  for (const [at, row] of rows.entries()) statements.push(insertOf(inSchema, drawn, placed, row, at));
  for (const [index, one] of tables.entries())
    for (const [at, { to, action, deferred }] of one.keys.entries()) {
      const wide = to !== -1 && tables[to]?.wide === true;
      const columns = [quoteName(column(at)), ...(wide ? [quoteName(`${column(at)} part`)] : [])].join(", ");
      statements.push(
        `alter table ${inSchema(tableName(index))} add foreign key (${columns})
          references ${inSchema(tableName(to))} (id${wide ? ", part" : ""}) on delete ${action}${deferred ? " deferrable initially deferred" : ""}`,
      );
    }
  for (const [at, { job, names }] of snapshots.entries()) {
    const payload = JSON.stringify({
      names: namedBy({ tables, rows }, within ? names.filter(ownOf(drawn, job % jobs.length)) : names),
    });
    statements.push(
      `insert into ${inSchema("finals")} (id, job, payload) values (${at}, ${job % jobs.length}, ${quoteLiteral(payload)})`,
    );
  }
  statements.push(
    `update ${inSchema("finals")} set sha = encode(sha256(convert_to(payload::text, 'UTF8')), 'hex')`,
  );
  return statements;
}

/** Whether a named row belongs to the job: where payloads may name no others, none does. */
function ownOf({ tables, jobs, rows }: DrawnRecords, job: number) {
  const placed = placesOf({ tables, rows });
  const jobOf = (table: number, at: number | undefined): number | undefined => {
    const to = tables[table]?.keys[0]?.to ?? -1;
    const wanted = at === undefined ? undefined : rows[at]?.targets[0];
    if (wanted === undefined) return undefined;
    if (to === -1)
      return pointedAt(
        wanted,
        jobs.map((_, place) => place),
      );
    return jobOf(to, pointedAt(wanted, placed[to] ?? []));
  };
  return ({ table, row }: DrawnSnapshot["names"][number]) =>
    jobOf(table, pointedAt(row, placed[table] ?? [])) === job;
}

/** One of the ids, or now and then none. */
const pointedAt = (wanted: number, ids: readonly number[]): number | undefined =>
  ids[wanted % (ids.length + 1)];

/** Of each table, the numbers that its rows have as ids. */
function placesOf({ tables, rows }: Pick<DrawnRecords, "tables" | "rows">): number[][] {
  return tables.map((_, index) => rows.flatMap((row, at) => (row.table === index ? [at] : [])));
}

function insertOf(
  inSchema: (name: string) => string,
  { tables, jobs }: DrawnRecords,
  placed: number[][],
  row: DrawnRow,
  at: number,
): string {
  const one = tables[row.table];
  const columns = ["id"];
  const values = [String(at)];
  if (one?.wide) {
    columns.push("part");
    values.push(`'p${at % 2}'`);
  }
  for (const [key, { to }] of (one?.keys ?? []).entries()) {
    const wanted = row.targets[key] ?? 0;
    const id = pointedAt(wanted, to === -1 ? jobs.map((_, job) => job) : (placed[to] ?? []));
    columns.push(quoteName(column(key)));
    values.push(id === undefined ? "null" : String(id));
    if (to !== -1 && tables[to]?.wide) {
      columns.push(quoteName(`${column(key)} part`));
      values.push(id === undefined ? "null" : `'p${id % 2}'`);
    }
  }
  columns.push("flag", "retained", '"te xt"', "number", "bytes");
  values.push(String(row.flag), String(row.retained));
  values.push(row.text === null ? "null" : quoteLiteral(row.text));
  values.push(row.number === null ? "null" : `'${row.number}'`);
  values.push(`'\\x${Buffer.from(row.bytes).toString("hex")}'`);
  if (one?.object && row.object < 8) {
    const bytes = objectBytes(row.object);
    columns.push("object", "sha", "size");
    values.push(
      `'media/${row.object}'`,
      `'\\x${createHash("sha256").update(bytes).digest("hex")}'`,
      String(bytes.length),
    );
  }
  return `insert into ${inSchema(tableName(row.table))} (${columns.join(", ")}) values (${values.join(", ")})`;
}

/** Of so many objects there is one each; several rows may name one. */
export const OBJECTS = 8;

export const objectBytes = (object: number): Buffer => Buffer.from(`object ${object}`.repeat(object + 1));

/** The values by which payloads name rows: some as numbers, some as texts. */
function namedBy({ tables, rows }: Pick<DrawnRecords, "tables" | "rows">, names: DrawnSnapshot["names"]) {
  const placed = placesOf({ tables, rows });
  const said: Record<string, unknown[]> = {};
  for (const { table, row } of names) {
    const id = pointedAt(row, placed[table] ?? []);
    if (id === undefined) continue;
    said[`t${table}`] ??= [];
    said[`t${table}`]?.push(id % 2 === 0 ? id : String(id));
  }
  return said;
}

/** The policy that is drawn with them, as it would stand in the inventory. */
export function policyOf(schema: string, { tables, within }: DrawnRecords) {
  const named = (index: number) => `${schema}.${quoteName(tableName(index))}`;
  const object = { key: "object", sha256: "sha", bytes: "size" };
  const by = (one: DrawnTable) => {
    const first = one.keys[0]?.to ?? -1;
    const wide = first !== -1 && tables[first]?.wide;
    return [column(0), ...(wide ? [`${column(0)} part`] : [])];
  };
  return {
    root: `${schema}.jobs`,
    archived: { status: "archived" },
    since: "done_at",
    grace: "2 days",
    keep: [
      {
        table: `${schema}.finals`,
        snapshot: { payload: "payload", sha256: "sha" },
        references: tables.map((_, index) => ({
          ...{ path: `$.names.t${index}[*]`, table: named(index), column: "id" },
          ...(within && { within: "record" as const }),
        })),
      },
      { table: `${schema}.notes` },
      ...tables.flatMap((one, index) => {
        if (one.role === "keep") return [{ table: named(index), by: by(one), ...(one.object && { object }) }];
        return one.role === "both"
          ? [{ table: named(index), by: by(one), where: { retained: true }, ...(one.object && { object }) }]
          : [];
      }),
    ],
    prune: tables.flatMap((one, index) => {
      if (!isPruned(one)) return [];
      return [
        {
          table: named(index),
          by: by(one),
          ...(one.where && { where: { flag: true } }),
          ...(one.object && { object }),
        },
      ];
    }),
    note: {
      table: `${schema}.notes`,
      columns: { job: "record" as const, what: { text: "pruned" }, detail: "summary" as const },
    },
  };
}

type Row = Record<string, unknown>;

/** All rows of a graph, by table's index; read from the database. */
export type RowsByTable = Row[][];

/**
 * What may go of a record, computed in the plainest way from the rows alone: begin with all that may, and take out what anything
 * else points at, until nothing more has to be taken out.
 */
export function naivelyGoing(
  drawn: DrawnRecords,
  rows: RowsByTable,
  finals: readonly Row[],
  job: number,
): Set<string> {
  const { tables, within } = drawn;
  const name = (index: number, id: unknown) => `${index} ${id}`;
  const target = (index: number, row: Row, key: number): Row | undefined => {
    const to = tables[index]?.keys[key]?.to ?? -1;
    const id = row[column(key)];
    return to === -1 || id === null ? undefined : rows[to]?.find((one) => one.id === id);
  };
  /** Nobody hangs on itself: the first key leads to an earlier table. */
  const jobOf = (index: number, row: Row): unknown => {
    const to = tables[index]?.keys[0]?.to ?? -1;
    if (to === -1) return row[column(0)];
    const parent = target(index, row, 0);
    return parent && jobOf(to, parent);
  };
  const going = new Set<string>();
  for (const [index, one] of tables.entries())
    for (const row of rows[index] ?? []) {
      const meets = isPruned(one) && (!one.where || row.flag) && !(one.role === "both" && row.retained);
      if (meets && jobOf(index, row) === job) going.add(name(index, row.id));
    }
  const named = new Set<string>();
  for (const final of finals) {
    const { names = {} } = (final.payload ?? {}) as { names?: Record<string, unknown[]> };
    if (within && final.job !== job) continue;
    for (const [key, ids] of Object.entries(names))
      for (const id of ids) named.add(name(Number(key.slice(1)), Number(id)));
  }
  const nearest = (index: number, row: Row): string | undefined => {
    const to = tables[index]?.keys[0]?.to ?? -1;
    const parent = target(index, row, 0);
    if (to === -1 || parent === undefined) return undefined;
    const table = tables[to];
    return table && isPruned(table) ? name(to, parent.id) : nearest(to, parent);
  };
  for (let changed = true; changed; ) {
    changed = false;
    const take = (one: string) => {
      if (going.delete(one)) changed = true;
    };
    for (const one of named) take(one);
    for (const [index, table] of tables.entries())
      for (const row of rows[index] ?? []) {
        const own = name(index, row.id);
        const with_ = nearest(index, row);
        if (with_ !== undefined && !going.has(with_)) take(own);
        if (going.has(own)) continue;
        for (const [key, { to }] of table.keys.entries()) {
          const pointed = target(index, row, key);
          if (pointed !== undefined) take(name(to, pointed.id));
        }
      }
  }
  return going;
}
