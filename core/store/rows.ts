/** Whole rows of a model: between the server's texts and a store, and checked when somebody gives them. */
import * as z from "zod";
import type { Json } from "../canonical-json.ts";
import { RehearsalError } from "../errors.ts";
import type { StoreModel } from "./definition.ts";
import { codecsOf, type ModelColumn } from "./model-codecs.ts";
import type { Row } from "./store.ts";
import { type StoreValue, Unfit } from "./values.ts";

/** A row of the server's texts, in the order of the model's columns. */
export function rowOfTexts(model: StoreModel, texts: readonly (string | null)[]): Row {
  const row: Record<string, StoreValue> = {};
  let at = 0;
  for (const { name, codec } of codecsOf(model).columns) {
    const text = texts[at++] ?? null;
    put(row, name, text === null ? null : codec.read(text));
  }
  return row;
}

/** The texts from which the server makes the row, in the order of the model's columns. What lies as a file of its own is to be put in before. */
export function textsOfRow(model: StoreModel, row: Row): (string | null)[] {
  return codecsOf(model).columns.map(({ name, codec }) => {
    const value = cell(row, name);
    return value === null ? null : codec.write(value);
  });
}

/** The schema of a row that somebody gives: all columns, no others; what it gives back is as Postgres would keep it. */
export function rowSchema(model: StoreModel): z.ZodType<Row> {
  return z.unknown().transform((given, context) => {
    const found = understood(model, given, codecsOf(model).columns);
    for (const { column, problem } of found.problems)
      context.issues.push({ code: "custom", message: problem, path: [column], input: given });
    return found.row;
  });
}

/** A row that somebody gave, as Postgres would keep it; throws `StoreRowInvalid` with every problem. */
export function parseRow(model: StoreModel, given: unknown): Row {
  return orRefused(model, understood(model, given, codecsOf(model).columns));
}

/** The same for a key: the key's columns and no others. */
export function parseKey(model: StoreModel, given: unknown): Row {
  return orRefused(model, understood(model, given, codecsOf(model).key));
}

/** The same for values to find rows by: any of the model's columns. */
export function parseBy(model: StoreModel, given: unknown): Row {
  const { columns } = codecsOf(model);
  const named = typeof given === "object" && given !== null ? given : {};
  return orRefused(
    model,
    understood(
      model,
      given,
      columns.filter(({ name }) => Object.hasOwn(named, name)).map((one) => ({ ...one, nullable: true })),
    ),
  );
}

/** A column's value, whatever it is called; NULL where the row has no such column. */
export function cell(row: Row, name: string): StoreValue {
  const value = row[name];
  // What every object inherits is no value.
  if (value === undefined || typeof value === "function") return null;
  return name === "__proto__" && !Object.hasOwn(row, name) ? null : value;
}

/** Puts a value into a row that is being made; not by assignment where a column has the name of the prototype. */
export function put(row: Record<string, Json>, name: string, value: StoreValue): void {
  if (name !== "__proto__") row[name] = value;
  else Object.defineProperty(row, name, { value, enumerable: true, writable: true, configurable: true });
}

interface Understood {
  row: Row;
  problems: { column: string; problem: string }[];
}

function understood(model: StoreModel, given: unknown, columns: readonly ModelColumn[]): Understood {
  const row: Record<string, StoreValue> = {};
  const problems: Understood["problems"] = [];
  if (typeof given !== "object" || given === null || Array.isArray(given))
    return { row, problems: [{ column: "", problem: "it is no object of columns" }] };
  const values = given as { [column: string]: unknown };
  const wanted = new Set(columns.map(({ name }) => name));
  for (const name of Object.keys(values))
    if (!wanted.has(name))
      problems.push({
        column: name,
        problem: codecsOf(model).byName.has(name) ? "it is not asked for" : "there is no such column",
      });
  for (const { name, codec, nullable } of columns) {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === null) {
      if (nullable) put(row, name, null);
      else problems.push({ column: name, problem: "it is NULL, which its column does not hold" });
      continue;
    }
    try {
      if (value === undefined) throw new Unfit("it is left out");
      put(row, name, codec.normal(value));
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      problems.push({ column: name, problem: error.message });
    }
  }
  return { row, problems };
}

function orRefused(model: StoreModel, { row, problems }: Understood): Row {
  if (problems.length === 0) return row;
  const told = problems
    .slice(0, 10)
    .map(({ column, problem }) => (column === "" ? problem : `${column}: ${problem}`));
  if (problems.length > told.length) told.push(`and ${problems.length - told.length} more`);
  throw new RehearsalError("StoreRowInvalid", { model: model.name, problems: told.join("; ") });
}
