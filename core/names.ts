/** Names inside Postgres: how they are quoted, and what the databases that Rehearsal makes are called. */
import { sha256 } from "./digest.ts";

/** Postgres keeps 63 bytes of a name (NAMEDATALEN - 1) and cuts the rest without an error. */
export const NAME_BYTES = 63;

/** `name` as an SQL identifier, always quoted. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `schema.name` as an SQL identifier, each part quoted. */
export function quoteQualified(schema: string, name: string): string {
  return `${quoteName(schema)}.${quoteName(name)}`;
}

/** `text` as an SQL string literal that reads the same whatever standard_conforming_strings says. */
export function quoteLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll("\\", "\\\\")}'`;
  return text.includes("\\") ? ` E${quoted}` : quoted;
}

export type DatabaseUse = "pristine" | "rehearsed" | "fenced" | "failed" | "scratch" | "replaced";

/**
 * The name of a database that a promotion or a task makes beside `database`: `NAME__USE_ID`, at most 63 bytes.
 * A name too long is cut at a character and marked with eight digits of its hash, so that two long names stay two.
 */
export function databaseName(database: string, use: DatabaseUse, id: string): string {
  const suffix = `__${use}_${id}`;
  const room = NAME_BYTES - Buffer.byteLength(suffix);
  if (Buffer.byteLength(database) <= room) return database + suffix;
  let cut = database;
  while (Buffer.byteLength(cut) > room - 9) cut = [...cut].slice(0, -1).join("");
  return `${cut}_${sha256(database).slice(0, 8)}${suffix}`;
}
