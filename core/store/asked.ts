/** What is asked of a store, parsed once at its door: keys, the columns of a list, and its pages. */
import { RehearsalError } from "../errors.ts";
import type { StoreColumn, StoreModel } from "./definition.ts";
import { type By, type Key, MOST_LISTED, type Page, type Row } from "./store.ts";
import { codecOf, type StoreValue, Unfit } from "./values.ts";

/** The key's columns in their order, as Postgres would keep them; throws `StoreRowInvalid` when a column lacks, or is none of the key. */
export function parseKey(model: StoreModel, given: Key): Row {
  const problems = Object.keys(given)
    .filter((name) => !model.key.includes(name))
    .map((name) => `${name} is not of the key, which is ${model.key.join(", ")}`);
  const key = normalised(model, model.key, given, problems);
  if (problems.length > 0) throw invalid(model, problems);
  return key;
}

/** What a list is asked by. */
export interface Asked {
  /** The columns that have a value, NULL included, in the model's order; none is every row. */
  by: Row;
  /** The key behind which it begins. */
  after?: Row;
  limit: number;
}

/** Throws `StoreIndexMissing` when nothing declared finds rows by these columns, and `StoreRowInvalid`. */
export function parseAsked(model: StoreModel, by: By, { after, limit = MOST_LISTED }: Page = {}): Asked {
  const columns = Object.keys(by).filter((name) => by[name] !== undefined);
  if (!isDeclared(model, columns))
    throw new RehearsalError("StoreIndexMissing", { model: model.name, columns: columns.join(", ") });
  const problems =
    Number.isInteger(limit) && limit >= 1 && limit <= MOST_LISTED
      ? []
      : [`a page holds 1 to ${MOST_LISTED} rows`];
  const values = normalised(
    model,
    model.columns.map(({ name }) => name).filter((name) => columns.includes(name)),
    by,
    problems,
  );
  if (problems.length > 0) throw invalid(model, problems);
  return { by: values, limit, ...(after !== undefined && { after: parseKey(model, after) }) };
}

/** The key of a row, apart. */
export function keyRow(model: StoreModel, row: Row): Row {
  return Object.fromEntries(model.key.map((name) => [name, row[name] ?? null]));
}

function isDeclared({ key, unique, indexes, relations }: StoreModel, columns: readonly string[]): boolean {
  const same = (others: readonly string[]) =>
    others.length === columns.length && others.every((name) => columns.includes(name));
  return (
    same(key.slice(0, columns.length)) ||
    [...unique, ...indexes, ...relations].some((one) => same(one.columns))
  );
}

function normalised(model: StoreModel, names: readonly string[], given: Key, problems: string[]): Row {
  return Object.fromEntries(
    names.map((name) => {
      const column = model.columns.find((one) => one.name === name);
      if (column === undefined) throw new Error(`"${model.name}" is declared by ${name}, which it has not`);
      return [name, normal(model, column, Object.hasOwn(given, name) ? given[name] : undefined, problems)];
    }),
  );
}

function normal(
  model: StoreModel,
  { name, of }: StoreColumn,
  value: StoreValue | undefined,
  problems: string[],
): StoreValue {
  if (value === null && !model.key.includes(name)) return null;
  try {
    if (value === undefined || value === null) throw new Unfit("lacks");
    return codecOf(of).normal(value);
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    problems.push(`${name} ${error.message}`);
    return null;
  }
}

function invalid(model: StoreModel, problems: readonly string[]): RehearsalError {
  return new RehearsalError("StoreRowInvalid", { model: model.name, problems: problems.join("; ") });
}
