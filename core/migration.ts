/** A migration: one immutable, numbered file of SQL, cut into statements that are understood before anything runs. */
import { type BatchSettings, planBatch } from "./batch.ts";
import { readDirectives } from "./directives.ts";
import { RehearsalError } from "./errors.ts";
import { refuseForbidden } from "./forbidden.ts";
import { parseMigrationName } from "./migration-name.ts";
import { parseSql } from "./sql-parser.ts";
import { readSqlSource } from "./sql-source.ts";
import { describeStatement, type Statement } from "./statement.ts";

export type { Statement } from "./statement.ts";

export interface Migration {
  /** From 1. */
  version: number;
  /** What it does: "add_speakers". */
  name: string;
  /** "migrations/0001_add_speakers.sql" */
  path: string;
  /** sha256 of the raw bytes: what makes an applied file immutable. */
  sha256: string;
  /** The text without byte-order mark; line ends as they are. */
  sql: string;
  /** False after `-- rehearsal: no-transaction`, where each statement runs alone, and after `-- rehearsal: batch …`. */
  transactional: boolean;
  /** True after `-- rehearsal: idempotent`: the rehearsal proves that a second run changes nothing. */
  idempotent: boolean;
  /** After `-- rehearsal: batch …`: how its one statement is cut into slices. */
  batch?: BatchSettings;
  statements: Statement[];
}

/** Reads one migration; throws a coded error with file and line for everything that a migration may not hold. */
export async function parseMigration(path: string, bytes: Uint8Array): Promise<Migration> {
  const { version, name } = parseMigrationName(path);
  const source = readSqlSource(path, bytes);
  const parsed = await parseSql(source);
  const first = parsed[0];
  const directives = readDirectives(source, first?.start ?? source.sql.length);
  if (first === undefined) throw new RehearsalError("SqlEmpty", { path });
  const batch = directives.batch && planBatch(path, parsed, directives.batch);
  const transactional = !directives.noTransaction && batch === undefined;
  refuseForbidden(source, parsed, { transactional });
  return {
    version,
    name,
    path,
    sha256: source.sha256,
    sql: source.sql,
    transactional,
    idempotent: directives.idempotent,
    ...(batch && { batch }),
    statements: parsed.map(describeStatement),
  };
}
