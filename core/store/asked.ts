/** What a list of a store is asked by, parsed once at its door. */
import { RehearsalError } from "../errors.ts";
import type { StoreModel } from "./definition.ts";
import { parseBy, parseKey, put } from "./rows.ts";
import { type By, MOST_LISTED, type Page, type Row } from "./store.ts";

/** What a list is asked by. */
export interface Asked {
  /** The columns that have a value, NULL included; none is every row. */
  by: Row;
  /** The key behind which it begins. */
  after?: Row;
  limit: number;
}

/** Throws `StoreIndexMissing` when nothing declared finds rows by these columns, and `StoreRowInvalid`. */
export function parseAsked(model: StoreModel, by: By, { after, limit = MOST_LISTED }: Page = {}): Asked {
  const given = Object.entries(by).filter(([, value]) => value !== undefined);
  const columns = given.map(([name]) => name);
  if (!isDeclared(model, columns))
    throw new RehearsalError("StoreIndexMissing", { model: model.name, columns: columns.join(", ") });
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= MOST_LISTED))
    throw new RehearsalError("StoreRowInvalid", {
      model: model.name,
      problems: `limit: a page holds 1 to ${MOST_LISTED} rows`,
    });
  const values = {};
  for (const [name, value] of given) put(values, name, value ?? null);
  return {
    by: parseBy(model, values),
    limit,
    ...(after !== undefined && { after: parseKey(model, after) }),
  };
}

function isDeclared({ key, unique, indexes, relations }: StoreModel, columns: readonly string[]): boolean {
  const same = (others: readonly string[]) =>
    others.length === columns.length && others.every((name) => columns.includes(name));
  return (
    same(key.slice(0, columns.length)) ||
    [...unique, ...indexes, ...relations].some((one) => same(one.columns))
  );
}
