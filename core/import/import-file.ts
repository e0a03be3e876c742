/** A file of `imports/`: what it is read from stands in it, and decides what else does. */
import { parseYamlFile } from "../yaml-file.ts";
import { type ImportMapping, parseImportMapping } from "./mapping.ts";
import { parseSqliteMapping, type SqliteMapping } from "./sqlite-mapping.ts";

/** Reads one; without `from` it is of files. Throws `ConfigInvalid`. */
export function parseImportFile(path: string, bytes: Uint8Array): ImportMapping | SqliteMapping {
  const value = parseYamlFile(path, bytes) as { from?: unknown } | null | undefined;
  return value?.from === "sqlite" ? parseSqliteMapping(path, bytes) : parseImportMapping(path, bytes);
}
