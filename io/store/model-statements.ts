/** What a store says to Postgres of one model: its statements, with the columns in the definition's order. */

import { quoteName, quoteQualified } from "../../core/names.ts";
import type { Asked } from "../../core/store/asked.ts";
import type { StoreDefinition, StoreModel } from "../../core/store/definition.ts";
import { orderOf } from "../../core/store/keys.ts";
import { textsOfRow } from "../../core/store/rows.ts";
import type { Row } from "../../core/store/store.ts";
import { codecOf } from "../../core/store/values.ts";

export interface Statement {
  text: string;
  values: (string | null)[];
}

/** The row of a key. */
export function selectRow(model: StoreModel, key: Row): Statement {
  return selectRows(model, [key]);
}

/** The rows of keys, in no order; as many keys as a statement has parameters for, 65,535. */
export function selectRows(model: StoreModel, keys: readonly Row[]): Statement {
  const { text, values } = whereKeys(model, keys);
  return { text: `select ${columnsOf(model)} from ${tableOf(model)} where ${text}`, values };
}

/** One more than the page holds, so that it is known whether there are more. */
export function selectPage(model: StoreModel, { by, after, limit }: Asked): Statement {
  const values: (string | null)[] = [];
  const given = (name: string, row: Row) => {
    values.push(textOf(model, name, row));
    return `$${values.length}`;
  };
  const conditions = Object.keys(by).map((name) =>
    by[name] === null ? `${quoteName(name)} is null` : `${quoteName(name)} = ${given(name, by)}`,
  );
  const order = orderOf(model);
  if (after !== undefined)
    conditions.push(`(${order}) > (${model.key.map((name) => given(name, after)).join(", ")})`);
  return {
    text: `select ${columnsOf(model)} from ${tableOf(model)}${conditions.length > 0 ? ` where ${conditions.join(" and ")}` : ""}
      order by ${order} limit ${limit + 1}`,
    values,
  };
}

export function countRows(model: StoreModel): Statement {
  return { text: `select count(*) from ${tableOf(model)}`, values: [] };
}

/** Inserts the row, in place of the one of its key when that may be; gives back what became of it, for the database's own triggers may have changed it, and behind its columns whether the transaction does not see what the constraints saw. */
export function insertRow(
  definition: StoreDefinition,
  model: StoreModel,
  row: Row,
  replace: boolean,
): Statement {
  const others = model.columns.map(({ name }) => name).filter((name) => !model.key.includes(name));
  // What is the key and nothing else is there already as it should be; set once more, it is given back as well.
  const set = (others.length > 0 ? others : model.key).map(
    (name) => `${quoteName(name)} = excluded.${quoteName(name)}`,
  );
  const conflict = replace
    ? ` on conflict (${model.key.map(quoteName).join(", ")}) do update set ${set.join(", ")}`
    : "";
  return {
    text: `insert into ${tableOf(model)} as t (${columnsOf(model)}) overriding system value
      values (${model.columns.map((_, index) => `$${index + 1}`).join(", ")})${conflict}
      returning ${columnsOf(model, "t.")}, ${staleView(definition, model)}`,
    values: textsOfRow(model, row),
  };
}

/** Deletes the row of a key, and gives a row back when it was there. */
export function deleteRow(model: StoreModel, key: Row): Statement {
  const { text, values } = whereKeys(model, [key]);
  return { text: `delete from ${tableOf(model)} where ${text} returning 1`, values };
}

function whereKeys(model: StoreModel, keys: readonly Row[]): Statement {
  const values: (string | null)[] = [];
  const places = keys.map((key) => {
    const place = model.key.map((name) => `$${values.push(textOf(model, name, key))}`);
    return `(${place.join(", ")})`;
  });
  return { text: `(${model.key.map(quoteName).join(", ")}) in (${places.join(", ")})`, values };
}

function textOf({ columns, name: model }: StoreModel, name: string, row: Row): string | null {
  const column = columns.find((one) => one.name === name);
  if (column === undefined) throw new Error(`"${model}" has no column ${name}`);
  const value = Object.hasOwn(row, name) ? (row[name] ?? null) : null;
  return value === null ? null : codecOf(column.of).write(value);
}

/** A model's columns, quoted; `of` stands before each. */
export function columnsOf({ columns }: StoreModel, of = ""): string {
  return columns.map(({ name }) => `${of}${quoteName(name)}`).join(", ");
}

/**
 * Constraints look at what is committed by now, and a transaction at what was when it began. True when a row that it sees has
 * the same unique columns, or when it does not see the row that is referred to: then no order of transactions explains both.
 */
function staleView({ models }: StoreDefinition, model: StoreModel): string {
  const tuple = (names: readonly string[], of: string) =>
    `(${names.map((name) => `${of}.${quoteName(name)}`).join(", ")})`;
  const twins = model.unique.map(
    ({ columns }) =>
      `exists (select from ${tableOf(model)} o where ${tuple(columns, "o")} = ${tuple(columns, "t")} and ${tuple(model.key, "o")} <> ${tuple(model.key, "t")})`,
  );
  const parents = model.relations.flatMap(({ columns, references, referencedColumns }) => {
    const parent = models.find(({ name }) => name === references);
    if (parent === undefined) return [];
    const own = parent === model ? ` and ${tuple(columns, "t")} <> ${tuple(referencedColumns, "t")}` : "";
    return [
      `(${columns.map((name) => `t.${quoteName(name)} is not null`).join(" and ")}${own}
        and not exists (select from ${tableOf(parent)} o where ${tuple(referencedColumns, "o")} = ${tuple(columns, "t")}))`,
    ];
  });
  return [...twins, ...parents].join(" or ") || "false";
}

/** A model's table, quoted and qualified. */
export function tableOf({ schema, table }: StoreModel): string {
  return quoteQualified(schema, table);
}
