/** The SQL inside functions, procedures and DO blocks, which the outer parse tree holds only as a string. */
import { parsePlPgSQLSync } from "libpg-query";
import { quoteLiteral } from "./names.ts";
import { parseFragment } from "./sql-parser.ts";
import {
  asText,
  fieldsOf,
  isTree,
  nameParts,
  optionsOf,
  stringConstant,
  type Tree,
  walk,
} from "./sql-tree.ts";

/** A statement; its source is known unless it stands inside another one. */
export interface SqlNode {
  kind: string;
  fields: Tree;
  sql?: string;
}

interface FunctionBodies {
  /** The statements and expressions (as SELECT) that could be read. */
  statements: SqlNode[];
  /** Texts that could not be read as a tree: other languages, and what the parser of PL/pgSQL does not take. */
  opaque: string[];
  /** True when some SQL is only put together when it runs. */
  dynamic: boolean;
  /** Transaction control in PL/pgSQL: "COMMIT", "ROLLBACK". */
  transactionControl: string | undefined;
}

/** Reads what a CREATE FUNCTION, CREATE PROCEDURE or DO holds as text; empty for other statements. */
export function functionBodies({ kind, fields, sql }: SqlNode): FunctionBodies {
  const bodies: FunctionBodies = {
    statements: [],
    opaque: [],
    dynamic: false,
    transactionControl: undefined,
  };
  if (kind !== "CreateFunctionStmt" && kind !== "DoStmt") return bodies;
  const options = optionsOf(kind === "DoStmt" ? fields.args : fields.options);
  const language = (nameParts(options.get("language"))[0] ?? "plpgsql").toLowerCase();
  const body = nameParts(options.get("as"))[0];
  if (body === undefined) return bodies;
  if (language === "sql") readSql(body, bodies);
  else if (language === "plpgsql") readPlpgsql(body, sql, bodies);
  else bodies.opaque.push(body);
  return bodies;
}

function readSql(body: string, into: FunctionBodies): void {
  const statements = parseFragment(body);
  if (statements === undefined) into.opaque.push(body);
  else into.statements.push(...statements);
}

/** How an expression of PL/pgSQL becomes SQL, by its parseMode: a statement stands alone, an expression is selected, an assignment loses its target. */
function asSql(query: string, mode: number): string {
  if (mode === 0) return query;
  if (mode === 2) return `select ${query}`;
  return `select ${query.replace(/^[^=]*?:?=/, "")}`;
}

function readPlpgsql(body: string, sql: string | undefined, into: FunctionBodies): void {
  // The parser wants whole statements: parameters and the return type decide what the body may say.
  const tree = parsePlpgsql(sql ?? `do ${quoteLiteral(body)}`);
  if (tree === undefined) {
    into.opaque.push(body);
    return;
  }
  walk(tree, (fields, kind) => {
    if (kind === "PLpgSQL_stmt_commit") into.transactionControl = "COMMIT";
    if (kind === "PLpgSQL_stmt_rollback") into.transactionControl = "ROLLBACK";
    if (kind === "PLpgSQL_stmt_dynexecute" || kind === "PLpgSQL_stmt_dynfors")
      readDynamic(fields.query, into);
    if (kind === "PLpgSQL_stmt_open" && fields.dynquery !== undefined) readDynamic(fields.dynquery, into);
    if (kind === "PLpgSQL_stmt_return_query" && fields.dynquery !== undefined)
      readDynamic(fields.dynquery, into);
    if (kind === "PLpgSQL_expr")
      readSql(asSql(asText(fields.query) ?? "", Number(fields.parseMode ?? 0)), into);
  });
}

/** EXECUTE of a constant is read like any statement; anything else is only known when it runs. */
function readDynamic(expression: unknown, into: FunctionBodies): void {
  const query = asText(fieldsOf(expression, "PLpgSQL_expr")?.query);
  const select = query === undefined ? undefined : parseFragment(`select ${query}`)?.[0]?.fields;
  const target = Array.isArray(select?.targetList)
    ? fieldsOf(select.targetList[0], "ResTarget")?.val
    : undefined;
  const constant = stringConstant(target);
  if (constant === undefined) into.dynamic = true;
  else readSql(constant, into);
}

function parsePlpgsql(sql: string): Tree | undefined {
  try {
    const result: unknown = parsePlPgSQLSync(sql);
    return isTree(result) ? result : undefined;
  } catch {
    return undefined;
  }
}
