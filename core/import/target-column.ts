/** A column of Postgres that an import fills. */

export interface TargetColumn {
  name: string;
  /** The type without its length, of a domain the one that it rests on: `int8`, `numeric`, `varchar`; qualified unless it is Postgres's own. */
  type: string;
  /** As Postgres shows it: `numeric(10,3)`. */
  shown: string;
  /** Characters of varchar(n) and character(n); digits behind the second of times; null where none is said. */
  length: number | null;
  /** Of numeric(p,s). */
  precision: number | null;
  scale: number | null;
  nullable: boolean;
  /** It has a value of its own where none is given: a default, or an identity. */
  filled: boolean;
  /** Computed by Postgres from other columns. */
  generated: boolean;
}

export interface TargetTable {
  schema: string;
  name: string;
  columns: TargetColumn[];
}
