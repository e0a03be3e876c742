/** Files of SQL that run again when they change: views and seeds. */
import { type Allowance, readDirectives } from "./directives.ts";
import { RehearsalError } from "./errors.ts";
import { refuseForbidden, type Tell } from "./forbidden.ts";
import { quotedParts, relationName } from "./relation-name.ts";
import { type ParsedStatement, parseSql } from "./sql-parser.ts";
import { readSqlSource } from "./sql-source.ts";
import { asList } from "./sql-tree.ts";
import { describeStatement, type Statement } from "./statement.ts";
import { objectWord, summarize } from "./statement-summary.ts";

export interface SqlFile {
  /** The file's name without folder and ending. */
  name: string;
  path: string;
  sha256: string;
  sql: string;
  statements: Statement[];
  /** Findings of the safety analysis that it lets through. */
  allowed: Allowance[];
}

/** Reads a seed or a view's file; the same refusals as for a migration, and of directives only `allow`: it always runs in a transaction. */
export async function parseSqlFile(path: string, bytes: Uint8Array, tell?: Tell): Promise<SqlFile> {
  return (await parse(path, bytes, tell)).file;
}

/** Reads a view's file; throws `ViewFileRefused` for anything but replacing views, comments and rights on them. */
export async function parseView(path: string, bytes: Uint8Array, tell?: Tell): Promise<SqlFile> {
  const { file, parsed } = await parse(path, bytes, tell);
  const dropped = new Set<string | undefined>();
  for (const statement of parsed) {
    if (!belongsToView(statement, dropped))
      throw new RehearsalError("ViewFileRefused", {
        path,
        line: statement.line,
        statement: summarize(statement),
      });
  }
  return file;
}

async function parse(
  path: string,
  bytes: Uint8Array,
  tell?: Tell,
): Promise<{ file: SqlFile; parsed: ParsedStatement[] }> {
  const source = readSqlSource(path, bytes);
  const parsed = await parseSql(source);
  const first = parsed[0];
  const directives = readDirectives(source, first?.start ?? source.sql.length);
  const directive = directives.noTransaction
    ? "no-transaction"
    : directives.batch
      ? "batch"
      : directives.idempotent && "idempotent";
  if (directive)
    throw new RehearsalError("DirectiveUnknown", {
      path,
      line: 1,
      directive,
      known: "only migrations take directives; move it into a migration",
    });
  if (first === undefined) throw new RehearsalError("SqlEmpty", { path });
  refuseForbidden(source, parsed, { transactional: true }, tell);
  const name = path.slice(path.lastIndexOf("/") + 1).replace(/\.sql$/, "");
  const statements = parsed.map(describeStatement);
  const { allowed } = directives;
  return { file: { name, path, sha256: source.sha256, sql: source.sql, statements, allowed }, parsed };
}

/** Views that this file has dropped may be created anew; others must be replaced, so that running the file again is no error. */
function belongsToView({ kind, fields }: ParsedStatement, dropped: Set<string | undefined>): boolean {
  switch (kind) {
    case "ViewStmt":
      return fields.replace === true || dropped.has(relationName(fields.view));
    case "DropStmt": {
      if (fields.removeType !== "OBJECT_VIEW" || fields.missing_ok !== true) return false;
      for (const object of asList(fields.objects)) dropped.add(quotedParts(object));
      return true;
    }
    case "CommentStmt":
      return objectWord(fields.objtype) === "view" || fields.objtype === "OBJECT_COLUMN";
    case "GrantStmt":
      return fields.objtype === "OBJECT_TABLE" && fields.is_grant === true;
    default:
      return false;
  }
}
