/** What a column's type is to a store: the kind by which its values are written, checked and ordered. */

/** Types whose values have a form of their own; every other one is the text that the server writes. */
export type Kind =
  | "int2"
  | "int4"
  | "int8"
  | "numeric"
  | "float4"
  | "float8"
  | "bool"
  | "text"
  | "bpchar"
  | "uuid"
  | "bytea"
  | "json"
  | "jsonb"
  | "date"
  | "time"
  | "timestamp"
  | "timestamptz"
  | "enum"
  | "other";

export interface ColumnType {
  kind: Kind;
  /** Of an array, which is of any number of dimensions: `kind` is its elements'. */
  array?: true;
  /** Characters of varchar(n) and character(n). */
  length?: number;
  /** Of numeric(p, s). */
  precision?: number;
  scale?: number;
  /** Digits behind the second that a time keeps, when not six. */
  digits?: number;
  /** Of an enum, in their order. */
  labels?: string[];
}
