/** The tables that an import writes and looks into, as they are: whether the mapping fits is known before the first record is read. */
import { didYouMean } from "../../../core/did-you-mean.ts";
import { RehearsalError } from "../../../core/errors.ts";
import type { SetLayout } from "../../../core/import/layout.ts";
import type { ImportMapping } from "../../../core/import/mapping.ts";
import { quoteQualified } from "../../../core/names.ts";
import { readName } from "../../../core/plain-name.ts";
import type { Session } from "../session.ts";

interface ImportColumn {
  /** What a text is cast to: without a length, which a cast would cut to and an assignment refuses. */
  cast: string;
  /** What has no equality of its own, or one that is not of the value, is compared as text. */
  asText: boolean;
  /** Nobody writes it. */
  generated: boolean;
}

export interface ImportTable {
  /** Quoted and qualified. */
  name: string;
  columns: Map<string, ImportColumn>;
  /** The columns of each index that keeps them unique, sorted. */
  unique: string[][];
}

export type ImportTables = ReadonlyMap<string, ImportTable>;

/** By the names in the mapping; throws `ImportMappingUnfit` with every problem. */
export async function readImportTables(
  session: Session,
  mapping: ImportMapping,
  layout: readonly SetLayout[],
  searchPath: readonly string[],
): Promise<ImportTables> {
  const tables = new Map<string, ImportTable>();
  const problems: string[] = [];
  const names = layout.flatMap(({ rows, slots }) => [
    rows.table,
    ...slots.flatMap((slot) => (slot.from === "lookup" ? [slot.table] : [])),
  ]);
  for (const name of new Set(names)) {
    const table = await readTable(session, name, searchPath);
    if (table === undefined) problems.push(`there is no table "${name}"`);
    else tables.set(name, table);
  }
  for (const set of layout) problems.push(...problemsOf(set, layout, tables));
  for (const zone of zonesOf(mapping)) {
    const known = await session.query("select from pg_timezone_names where lower(name) = lower($1)", [zone]);
    if (known.length === 0) problems.push(`"${zone}" is no time zone that the server knows`);
  }
  if (problems.length > 0)
    throw new RehearsalError("ImportMappingUnfit", { import: mapping.name, problems: problems.join("; ") });
  return tables;
}

function problemsOf(
  { name, rows, slots, key }: SetLayout,
  layout: readonly SetLayout[],
  tables: ImportTables,
): string[] {
  const table = tables.get(rows.table);
  if (table === undefined) return [];
  const problems: string[] = [];
  const wants = (of: ImportTable, column: string, place: string) => {
    if (!of.columns.has(column))
      problems.push(
        `${place}: ${of.name} has no column "${column}", ${didYouMean(column, [...of.columns.keys()])}`,
      );
  };
  for (const slot of slots) {
    const place = `rows.${name}.columns.${slot.column}`;
    wants(table, slot.column, place);
    if (table.columns.get(slot.column)?.generated)
      problems.push(`${place}: the database makes its value, and takes no other`);
    const parent = slot.from === "parent" ? tables.get(layout[slot.set]?.rows.table ?? "") : undefined;
    if (parent !== undefined && slot.from === "parent") wants(parent, slot.of, place);
    if (slot.from !== "lookup") continue;
    const looked = tables.get(slot.table);
    if (looked === undefined) continue;
    for (const column of [slot.of, ...slot.by.map(({ column }) => column)]) wants(looked, column, place);
    if (
      !isUnique(
        looked,
        slot.by.map(({ column }) => column),
      )
    )
      problems.push(
        `${place}: no unique index of ${looked.name} is on exactly ${slot.by.map((one) => one.column).join(", ")}`,
      );
  }
  if (!isUnique(table, key))
    problems.push(`rows.${name}.key: no unique index of ${table.name} is on exactly ${key.join(", ")}`);
  return problems;
}

function isUnique({ unique }: ImportTable, columns: readonly string[]): boolean {
  const wanted = JSON.stringify([...columns].sort());
  return unique.some((index) => JSON.stringify(index) === wanted);
}

function zonesOf(mapping: ImportMapping): Set<string> {
  const values = Object.values(mapping.rows).flatMap(({ columns }) => Object.values(columns));
  return new Set(values.flatMap((value) => (value.form === "path" && value.zone ? [value.zone] : [])));
}

interface FoundColumn {
  schema: string;
  table: string;
  column: string;
  type: string;
  typed: string;
  generated: boolean;
}

/** Types whose equality is none, or is about their area. */
const AS_TEXT = new Set(["json", "xml", "point", "line", "lseg", "box", "path", "polygon", "circle"]);

const WITHOUT_LENGTH: Record<string, string> = {
  character: "pg_catalog.bpchar",
  "character varying": "pg_catalog.varchar",
  bit: "pg_catalog.varbit",
  "bit varying": "pg_catalog.varbit",
};

async function readTable(
  session: Session,
  name: string,
  searchPath: readonly string[],
): Promise<ImportTable | undefined> {
  const parts = readName(name) ?? [];
  const table = parts.at(-1);
  const schemas = parts.length === 2 ? parts.slice(0, 1) : searchPath;
  // The service's own are written by nobody else.
  const schema = schemas.includes("rehearsal") ? undefined : await firstWith(session, schemas, table);
  if (schema === undefined || table === undefined) return undefined;
  const columns = await session.query<FoundColumn>(
    `select a.attname::text as column, format_type(a.atttypid, null) as type, format_type(a.atttypid, a.atttypmod) as typed,
        a.attgenerated <> '' or a.attidentity = 'a' as generated
      from pg_attribute a where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped order by a.attnum`,
    [quoteQualified(schema, table)],
  );
  const unique = await session.query<{ columns: string[] }>(
    `select array(select a.attname::text from unnest(i.indkey::int2[]) with ordinality k (attnum, place)
          join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
          where k.place <= i.indnkeyatts order by a.attname::text collate "C") as columns
      from pg_index i where i.indrelid = to_regclass($1) and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null`,
    [quoteQualified(schema, table)],
  );
  return {
    name: quoteQualified(schema, table),
    columns: new Map(
      columns.map(({ column, type, typed, generated }) => [
        column,
        { cast: WITHOUT_LENGTH[type] ?? typed, asText: AS_TEXT.has(type), generated },
      ]),
    ),
    unique: unique.map((index) => index.columns),
  };
}

async function firstWith(
  session: Session,
  schemas: readonly string[],
  table: string | undefined,
): Promise<string | undefined> {
  for (const schema of schemas) {
    const found = await session.query(
      `select from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p') and n.nspname !~ '^pg_'`,
      [schema, table],
    );
    if (found.length > 0) return schema;
  }
  return undefined;
}
