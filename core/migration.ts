/** A migration: one immutable file of SQL at its place in a sequence, cut into statements that are understood before anything runs. */
import { type BatchSettings, planBatch } from "./batch.ts";
import { type Allowance, readDirectives } from "./directives.ts";
import { RehearsalError } from "./errors.ts";
import { refuseForbidden, type Tell } from "./forbidden.ts";
import type { FormatName, FoundMigration, TransactionHabit } from "./formats/format.ts";
import { FORMATS } from "./formats/formats.ts";
import { numberText, parseMigrationName } from "./migration-name.ts";
import { cannotRunInTransaction } from "./non-transactional.ts";
import { withoutOwnTransaction } from "./own-transaction.ts";
import { type ParsedStatement, parseSql } from "./sql-parser.ts";
import { readSqlSource } from "./sql-source.ts";
import type { Squashed } from "./squash.ts";
import { describeStatement, type Statement } from "./statement.ts";

export type { Statement } from "./statement.ts";

export interface Migration {
  /** Its place in the sequence, from 1 and without gaps, whatever its file is called. */
  version: number;
  /** Its version as its tool writes it: "20240101120000"; "0007" in the native format. */
  key: string;
  /** What it does: "add_speakers". */
  name: string;
  /** "migrations/0001_add_speakers.sql" */
  path: string;
  /** sha256 of the raw bytes: what makes an applied file immutable. */
  sha256: string;
  /** The text without byte-order mark; line ends as they are. What of a tool's file is not run is blank. */
  sql: string;
  /** False after `-- rehearsal: no-transaction`, where each statement runs alone, and after `-- rehearsal: batch …`. */
  transactional: boolean;
  /** True after `-- rehearsal: idempotent`: the rehearsal proves that a second run changes nothing. */
  idempotent: boolean;
  /** After `-- rehearsal: batch …`: how its one statement is cut into slices. */
  batch?: BatchSettings;
  /** The migrations of an earlier release that it stands for, in order; the native format alone has it. */
  squashes?: Squashed[];
  /** Findings of the safety analysis that it lets through. */
  allowed: Allowance[];
  statements: Statement[];
}

/** Reads one migration of the native format; throws a coded error with file and line for everything that a migration may not hold. */
export async function parseMigration(path: string, bytes: Uint8Array): Promise<Migration> {
  const { version, name } = parseMigrationName(path);
  const source = readSqlSource(path, bytes);
  const found = { key: numberText(version), name, source, transaction: "one" as const };
  const migration = await understand(found, version, "native");
  if (migration.statements.length === 0) throw new RehearsalError("SqlEmpty", { path });
  return migration;
}

/**
 * Reads what its format has found at a place of the sequence. A file of another tool's may hold no statement, for it
 * cannot be removed once it is applied. Throws as `parseMigration` does; `tell` gets what it may not hold instead.
 */
export async function understand(
  { key, name, source: file, transaction }: FoundMigration,
  version: number,
  format: FormatName,
  tell?: Tell,
): Promise<Migration> {
  const { path } = file;
  const all = await parseSql(file);
  const hasOwn = transaction === "alone" || transaction === "autocommit";
  const unwrapped = hasOwn ? withoutOwnTransaction(file, all) : { source: file, parsed: all, own: false };
  const { source, parsed } = unwrapped;
  const directives = readDirectives(source, parsed[0]?.start ?? source.sql.length);
  if (directives.squashes !== undefined && format !== "native")
    throw new RehearsalError("SquashRefused", {
      reason: `${path} is not of the native format, which alone has squashes`,
    });
  const batch = directives.batch && planBatch(path, parsed, directives.batch);
  const outside = !unwrapped.own && runsOutside(transaction, parsed);
  const transactional = !directives.noTransaction && !outside && batch === undefined;
  refuseForbidden(source, parsed, { transactional, outside: FORMATS[format].outside }, tell);
  return {
    version,
    key,
    name,
    path,
    sha256: source.sha256,
    sql: source.sql,
    transactional,
    idempotent: directives.idempotent,
    ...(batch && { batch }),
    ...(directives.squashes && { squashes: directives.squashes }),
    allowed: directives.allowed,
    statements: parsed.map(describeStatement),
  };
}

function runsOutside(transaction: TransactionHabit, parsed: readonly ParsedStatement[]): boolean {
  const cannot = (statement: ParsedStatement) => cannotRunInTransaction(statement) !== undefined;
  if (transaction === "alone") return parsed.length > 0 && parsed.every(cannot);
  if (transaction === "autocommit") return parsed.some(cannot);
  return transaction === "none";
}
