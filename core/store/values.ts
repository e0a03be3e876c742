/** A value of a column between the server's text, a store's files, and whoever gives it. */
import type { Json } from "../canonical-json.ts";
import type { ColumnType } from "./column-type.ts";

/** A value as a store has it; FORMATS.md tells it for each type. NULL is null. */
export type StoreValue = Json;

/** How the values of one column are read, written, checked and ordered. None of it takes null. */
export interface Codec {
  /** The value of the server's text, which was written under the settings of a session of ours. */
  read(text: string): StoreValue;
  /** The text that the server reads as exactly this value. */
  write(value: StoreValue): string;
  /** The text that a row's digest covers: equal for equal values, the server's own but for floats. */
  canonical(value: StoreValue): string;
  /** What somebody gave, as Postgres would keep it; throws `Unfit`. */
  normal(given: unknown): StoreValue;
  /** The order of keys: what ORDER BY says with COLLATE "C". */
  compare(one: StoreValue, other: StoreValue): number;
}

/** Why a value cannot be kept, in words that go behind its column's name. */
export class Unfit extends Error {
  override readonly name = "Unfit";
}

/** The codec of a type; the same one for the same type object. */
export function codecOf(_type: ColumnType): Codec {
  throw new Unfit("not yet");
}
