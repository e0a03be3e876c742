/** Tables as SQL: made, and altered column by column. */
import { quoteName } from "../names.ts";
import {
  type ColumnFacts,
  equal,
  type Facts,
  type Item,
  optionList,
  qualified,
  shownFact,
  untold,
} from "./item.ts";

/** What decides how a column is written: which of them a named NOT NULL covers, and how its identity counts. */
export interface TableContext {
  /** Columns for which a named NOT NULL constraint is made or dropped by itself. */
  namedNotNull: ReadonlySet<string>;
  /** By column: name and options of the sequence behind an identity. */
  identities: ReadonlyMap<string, string>;
}

/** CREATE TABLE and what has to follow before constraints can. */
export function createTable(item: Item, context: TableContext): string[] {
  const { facts } = item;
  const name = qualified(item.name);
  const columns = facts.columns ?? {};
  const order = facts.order ?? Object.keys(columns);
  const own = order.filter((column) => columnOf(columns, column)?.inherited !== true);
  const list = own.map((column) => columnText(column, columnOf(columns, column), context)).join(",\n  ");
  const kind = facts.unlogged ? "unlogged table" : "table";
  const body = facts.partitionOf
    ? ` partition of ${facts.partitionOf} ${String(facts.partitionBound ?? "")}`
    : facts.ofType
      ? ` of ${String(facts.ofType)}`
      : ` (\n  ${list}\n)`;
  const parts = [
    `create ${kind} ${name}${body}`,
    facts.inherits ? ` inherits (${facts.inherits.join(", ")})` : "",
    facts.partitionBy ? ` partition by ${String(facts.partitionBy)}` : "",
    facts.accessMethod ? ` using ${quoteName(String(facts.accessMethod))}` : "",
    facts.options ? ` with (${optionList(facts.options)})` : "",
    facts.tablespace ? ` tablespace ${quoteName(String(facts.tablespace))}` : "",
  ];
  const settings = order.flatMap((column) =>
    columnSettings(name, column, { type: "" }, columnOf(columns, column) ?? { type: "" }),
  );
  return [`${parts.join("")};`, ...settings];
}

/** Statements after which the table's columns are those of `to`. */
export function alterColumns(from: Item, to: Item, context: TableContext): string[] {
  const name = qualified(to.name);
  const [before, after] = [from.facts.columns ?? {}, to.facts.columns ?? {}];
  // A partition's columns come and go with its parent's.
  const partition = to.facts.partitionOf !== undefined;
  const order = to.facts.order ?? Object.keys(after);
  const alter = (column: string, what: string) =>
    `alter table ${name} alter column ${quoteName(column)} ${what};`;
  const statements: string[] = [];
  for (const column of Object.keys(before))
    if (!Object.hasOwn(after, column) && !partition && columnOf(before, column)?.inherited !== true)
      statements.push(`alter table ${name} drop column ${quoteName(column)};`);
  for (const column of order) {
    const [was, is] = [columnOf(before, column), columnOf(after, column)];
    if (is === undefined) continue;
    if (was === undefined) {
      if (partition || is.inherited === true) continue;
      statements.push(`alter table ${name} add column ${columnText(column, is, context)};`);
      statements.push(...columnSettings(name, column, { type: "" }, is));
      continue;
    }
    if (equal(was, is)) continue;
    if (was.generated !== is.generated || (is.generated && was.default !== is.default)) {
      if (was.generated && !is.generated) statements.push(alter(column, "drop expression"));
      else
        statements.push(
          untold(to.address, `column ${column} is to be generated: ${shownFact(is)}; make it anew`),
        );
    }
    const retyped = (was.type !== is.type || was.collation !== is.collation) && !partition;
    if (retyped && was.default !== undefined && !was.generated)
      statements.push(alter(column, "drop default"));
    if (retyped)
      statements.push(alter(column, `type ${is.type}${collate(is)} using ${quoteName(column)}::${is.type}`));
    if (was.identity !== undefined && is.identity === undefined)
      statements.push(alter(column, "drop identity"));
    if (!is.generated && !was.generated && (retyped ? is.default !== undefined : was.default !== is.default))
      statements.push(alter(column, is.default === undefined ? "drop default" : `set default ${is.default}`));
    if ((was.notNull === true) !== (is.notNull === true) && !context.namedNotNull.has(column))
      statements.push(alter(column, is.notNull ? "set not null" : "drop not null"));
    if (was.identity !== undefined && is.identity !== undefined && was.identity !== is.identity)
      statements.push(alter(column, `set generated ${is.identity}`));
    if (was.inherited !== is.inherited)
      statements.push(untold(to.address, `column ${column} is to be ${is.inherited ? "" : "not "}inherited`));
    statements.push(...columnSettings(name, column, was, is));
  }
  const kept = (from.facts.order ?? []).filter((column) => Object.hasOwn(after, column));
  const reached = [...kept, ...order.filter((column) => !Object.hasOwn(before, column))];
  if (to.facts.order !== undefined && !equal(reached, to.facts.order))
    statements.push(
      untold(
        to.address,
        `its columns stand in the order ${reached.join(", ")}, and ${to.facts.order.join(", ")} was promised; only a new table can have it`,
      ),
    );
  return statements;
}

/** ADD GENERATED for the identities that are new: behind NOT NULL, which it asks for. */
export function addIdentities(from: Facts | undefined, to: Item, context: TableContext): string[] {
  return Object.entries(to.facts.columns ?? {}).flatMap(([column, { identity }]) => {
    const was = from?.columns === undefined ? undefined : columnOf(from.columns, column);
    if (identity === undefined || was?.identity !== undefined || to.facts.partitionOf !== undefined)
      return [];
    return [
      `alter table ${qualified(to.name)} alter column ${quoteName(column)} add generated ${identity} as identity${context.identities.get(column) ?? ""};`,
    ];
  });
}

function columnText(column: string, facts: ColumnFacts | undefined, { namedNotNull }: TableContext): string {
  const { type, default: expression, generated, notNull } = facts ?? { type: "" };
  return [
    `${quoteName(column)} ${type}${facts === undefined ? "" : collate(facts)}`,
    expression === undefined
      ? ""
      : generated === undefined
        ? ` default ${expression}`
        : ` generated always as (${expression}) ${generated}`,
    notNull && !namedNotNull.has(column) ? " not null" : "",
  ].join("");
}

function collate({ collation }: ColumnFacts): string {
  return collation === undefined ? "" : ` collate ${collation}`;
}

/** What is set of a column apart from its definition. */
function columnSettings(table: string, column: string, was: ColumnFacts, is: ColumnFacts): string[] {
  const alter = (what: string) => `alter table ${table} alter column ${quoteName(column)} ${what};`;
  const gone = (was.options ?? []).filter(
    (option) => !(is.options ?? []).some((other) => nameOf(other) === nameOf(option)),
  );
  return [
    ...(was.storage === is.storage ? [] : [alter(`set storage ${is.storage ?? "default"}`)]),
    ...(was.compression === is.compression ? [] : [alter(`set compression ${is.compression ?? "default"}`)]),
    ...(was.statistics === is.statistics ? [] : [alter(`set statistics ${is.statistics ?? -1}`)]),
    ...(gone.length > 0
      ? [alter(`reset (${gone.map((option) => quoteName(nameOf(option))).join(", ")})`)]
      : []),
    ...(is.options && !equal(was.options, is.options) ? [alter(`set (${optionList(is.options)})`)] : []),
  ];
}

function nameOf(option: string): string {
  return option.slice(0, option.indexOf("="));
}

/** A member of its own: a column may be called `__proto__`. */
function columnOf(columns: Record<string, ColumnFacts>, name: string): ColumnFacts | undefined {
  return Object.hasOwn(columns, name) ? columns[name] : undefined;
}
