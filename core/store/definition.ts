/** What a store keeps, and how: each model with its table, key, columns, relations and files. Plain JSON, made of store.yaml and the schema lock. */
import type { ColumnType } from "./column-type.ts";

export interface StoreDefinition {
  format: "rehearsal-store-models/1";
  /** The fingerprint of the schema lock that it was made from. */
  schema: string;
  /** By name. */
  models: StoreModel[];
}

export interface StoreModel {
  name: string;
  /** Schema and name of its table, as the catalog has them. */
  schema: string;
  table: string;
  /** The primary key's columns. */
  key: string[];
  /** In the table's order, without generated ones. */
  columns: StoreColumn[];
  /** The foreign keys of its table. */
  relations: StoreRelation[];
  /** Unique constraints and indexes on plain columns, but for the key. */
  unique: StoreUnique[];
  /** Other indexes on plain columns. */
  indexes: StoreIndex[];
  /** Where its rows lie: `characters/{id}.json`, `chats/{chat_id}.jsonl`. */
  file: string;
  /** By column: where its values lie as files of their own, `binaries/{sha256}`. */
  content: Record<string, string>;
  /** What of its table a store does not do, in words. */
  notCarried: string[];
}

export interface StoreColumn {
  name: string;
  /** As the lock has it, for casts. */
  type: string;
  of: ColumnType;
  nullable: boolean;
  encrypted?: true;
  /** The value that SET DEFAULT means, where the default is a constant. */
  default?: string | number | boolean;
}

export interface StoreRelation {
  /** The constraint's name. */
  name: string;
  columns: string[];
  /** A model. */
  references: string;
  referencedColumns: string[];
  onDelete: ReferentialAction;
  onUpdate: ReferentialAction;
  /** Of SET NULL and SET DEFAULT on delete, when not all of them. */
  onDeleteColumns?: string[];
}

export type ReferentialAction = "no action" | "restrict" | "cascade" | "set null" | "set default";

export interface StoreUnique {
  name: string;
  columns: string[];
  /** NULLs are equal to each other. */
  nullsNotDistinct?: true;
}

export interface StoreIndex {
  name: string;
  columns: string[];
}
