/** What is worked out once of a model: its columns by name, and how each is read and written. */
import type { StoreColumn, StoreModel } from "./definition.ts";
import { compareTexts } from "./text-order.ts";
import { type Codec, codecOf } from "./values.ts";

export interface ModelColumn {
  name: string;
  /** Its place among the model's columns. */
  at: number;
  codec: Codec;
  nullable: boolean;
  column: StoreColumn;
  /** Its values lie as files of their own. */
  content: boolean;
}

interface ModelCodecs {
  columns: readonly ModelColumn[];
  byName: ReadonlyMap<string, ModelColumn>;
  /** By the bytes of their names. */
  sorted: readonly ModelColumn[];
  key: readonly ModelColumn[];
}

/** Of the model; kept as long as the model is. */
export function codecsOf(model: StoreModel): ModelCodecs {
  const known = KNOWN.get(model);
  if (known !== undefined) return known;
  const columns = model.columns.map((column, at) => ({
    name: column.name,
    at,
    codec: codecOf(column.of),
    nullable: column.nullable,
    column,
    content: Object.hasOwn(model.content, column.name),
  }));
  const byName = new Map(columns.map((one) => [one.name, one]));
  const made = {
    columns,
    byName,
    sorted: [...columns].sort((one, other) => compareTexts(one.name, other.name)),
    key: model.key.flatMap((name) => byName.get(name) ?? []),
  };
  KNOWN.set(model, made);
  return made;
}

const KNOWN = new WeakMap<StoreModel, ModelCodecs>();
