/** Whole rows of a model: between the server's texts and a store, and checked when somebody gives them. */
import type * as z from "zod";
import type { StoreModel } from "./definition.ts";
import type { Row } from "./store.ts";

/** A row of the server's texts, in the order of the model's columns. */
export function rowOfTexts(_model: StoreModel, _texts: readonly (string | null)[]): Row {
  throw new Error("not yet");
}

/** The texts from which the server makes the row, in the order of the model's columns. Columns whose content lies in files of its own are to be put in before. */
export function textsOfRow(_model: StoreModel, _row: Row): (string | null)[] {
  throw new Error("not yet");
}

/** The schema of a row that somebody gives: all columns, no others; what it gives back is as Postgres would keep it. */
export function rowSchema(_model: StoreModel): z.ZodType<Row> {
  throw new Error("not yet");
}

/** A row that somebody gave, as Postgres would keep it; throws `StoreRowInvalid` with every problem. */
export function parseRow(_model: StoreModel, _given: unknown): Row {
  throw new Error("not yet");
}
