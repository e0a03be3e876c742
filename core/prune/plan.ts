/** A retention policy fitted to a schema: which rows belong to a record, what may point at them, and in which order they go. */
import type { Condition, NoteRule, ObjectRule, RetentionPolicy } from "./policy.ts";
import type { PrunableTable, TableKey } from "./tables.ts";

/** How a table's rows belong to a record: foreign keys from it to the root, one after the other. */
export interface Tie {
  hops: { key: TableKey; to: PrunableTable }[];
}

export interface PlannedPrune {
  table: PrunableTable;
  tie: Tie;
  where: readonly Condition[];
  /** Rows that meet one of these stay. */
  stays: readonly (readonly Condition[])[];
  /** The pruned table that the tie leads through, as an index, and after how many hops: a row goes only with its row there. */
  goesWith?: { table: number; hop: number };
  object?: ObjectRule;
}

/** A foreign key onto a pruned table, from wherever. */
interface Pointer {
  key: TableKey;
  /** Which pruned table it points at, as an index. */
  to: number;
  /** Which pruned table has it, as an index; rows of any other stay. */
  from?: number;
}

/** Rows that the payloads of snapshots name. */
export interface PlannedReference {
  /** Of `snapshots`. */
  snapshot: number;
  path: string;
  to: number;
  column: string;
  type: string;
  /** True when only payloads of the row's own record can name it. */
  within: boolean;
}

export interface PlannedSnapshot {
  table: PrunableTable;
  tie: Tie;
  payload: string;
  sha256: string;
  where: readonly Condition[];
  required?: readonly Condition[];
  /** What its payloads name, pruned or not: it has to be there. */
  names: {
    path: string;
    table: PrunableTable;
    column: string;
    type: string;
    /** What rows of the table say of an object. */
    object?: ObjectRule;
  }[];
}

/** Kept rows whose objects have to be there. */
interface PlannedObject {
  table: PrunableTable;
  tie: Tie;
  where: readonly Condition[];
  object: ObjectRule;
}

export interface PrunePlan {
  policy: RetentionPolicy;
  root: PrunableTable;
  prune: PlannedPrune[];
  pointers: Pointer[];
  snapshots: PlannedSnapshot[];
  references: PlannedReference[];
  kept: PlannedObject[];
  /** Every column in which an object's key may stand: of this policy and of the inventory's others. */
  keyColumns: { table: PrunableTable; column: string; prune?: number }[];
  /** Indexes of `prune`, what points before what it points at; those that point at each other together. */
  order: number[][];
  note?: NoteRule & { at: PrunableTable };
  /** Prefixes below which nothing is deleted, whatever a row says. */
  never: string[];
}
