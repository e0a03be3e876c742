/** A query preset's file: one statement that only reads, what it is for, and the parameters that it takes. */
import { didYouMean } from "../did-you-mean.ts";
import { RehearsalError } from "../errors.ts";
import { refuseForbidden } from "../forbidden.ts";
import { lexemes } from "../sql-lexer.ts";
import { parseSql } from "../sql-parser.ts";
import { lineAt, readSqlSource, type SqlSource } from "../sql-source.ts";
import { walk } from "../sql-tree.ts";
import { type QueryParameter, readParameter } from "./parameter.ts";
import { findPlaceholders, type Placeholder, replacePlaceholders } from "./placeholders.ts";
import { refusedCall } from "./refused-calls.ts";
import { QUERY_ROWS } from "./request.ts";
import { sqlType } from "./value.ts";

export interface Query {
  /** The file's name without folder and ending. */
  name: string;
  path: string;
  /** The first comment; empty when there is none. */
  description: string;
  /** In the order in which they are declared; the first is `$1`. */
  parameters: QueryParameter[];
  /** Rows that are returned when nobody says how many. */
  limit: number;
  /** The file's text, for people. */
  text: string;
  /** The statement to run, its parameters as `($1::type)`. */
  sql: string;
}

const FOLDER = "queries/";
const DIRECTIVE = /^--[ \t]*rehearsal:(.*)$/i;
const KNOWN = ["parameter", "limit"];

/** Reads a query; throws `QueryFileRefused` unless it is exactly one statement that only reads and takes the parameters that it declares, or `DirectiveUnknown`, `DirectiveMisplaced`. */
export async function parseQuery(path: string, bytes: Uint8Array): Promise<Query> {
  const source = readSqlSource(path, bytes);
  const { placeholders, numbered } = findPlaceholders(source.sql);
  if (numbered !== undefined)
    throw refusal(source, lineAt(source.sql, numbered), 'parameters have names: write ":name"');
  // Of the same length, so that what the parser has to say is said of the right place.
  const plain = replacePlaceholders(source.sql, placeholders, ({ start, end }) => "$1".padEnd(end - start));
  const parsed = await parseSql({ ...source, sql: plain });
  const [only, second] = parsed;
  if (only === undefined) throw new RehearsalError("SqlEmpty", { path });
  if (second !== undefined) throw refusal(source, second.line, "it holds more than one statement");
  if (only.kind !== "SelectStmt") throw refusal(source, only.line, "it is neither SELECT, VALUES nor WITH");
  walk(only.fields, (fields, kind) => {
    const refuse = (reason: string) => refusal(source, only.line, reason);
    if (/^(Insert|Update|Delete|Merge)Stmt$/.test(kind ?? "")) throw refuse("it writes in WITH");
    if (fields.intoClause !== undefined) throw refuse("it makes a table with INTO");
    if (fields.lockingClause !== undefined) throw refuse("it locks rows");
    const call = refusedCall(fields, kind);
    if (call !== undefined) throw refuse(`it calls ${call.name}(): ${call.reason}`);
  });
  refuseForbidden(source, parsed, { transactional: true });
  const header = readHeader(source, only.start);
  const numbers = numberOf(source, header.parameters, placeholders);
  const end = only.start + only.sql.length;
  const within = placeholders.map((one) => ({
    ...one,
    start: one.start - only.start,
    end: one.end - only.start,
  }));
  return {
    name: queryName(path),
    path,
    ...header,
    text: source.sql,
    sql: replacePlaceholders(
      source.sql.slice(only.start, end),
      within,
      ({ name }) => numbers.get(name) ?? "",
    ),
  };
}

/** `queries/archived-finals.sql` as "archived-finals". */
function queryName(path: string): string {
  return path.slice(FOLDER.length).replace(/\.sql$/, "");
}

/** The first comment up to an empty line or a directive, and the directives. */
function readHeader(
  source: SqlSource,
  firstStatement: number,
): Pick<Query, "description" | "parameters" | "limit"> {
  const parameters: QueryParameter[] = [];
  const description: string[] = [];
  let limit: number | undefined;
  let describes = true;
  let end = 0;
  for (const { kind, text, start } of lexemes(source.sql)) {
    if (kind !== "comment") {
      describes = false;
      continue;
    }
    const directive = DIRECTIVE.exec(text)?.[1]?.trim();
    const line = lineAt(source.sql, start);
    if (/\n\s*\n/.test(source.sql.slice(end, start)) && description.length > 0) describes = false;
    end = start + text.length;
    if (directive === undefined) {
      if (describes && start < firstStatement) description.push(wordsOf(text));
      continue;
    }
    describes = false;
    if (start > firstStatement)
      throw new RehearsalError("DirectiveMisplaced", { path: source.path, line, directive });
    const [word = ""] = directive.split(/\s+/);
    const rest = directive.slice(word.length).trim();
    if (word === "parameter") {
      const parameter = readParameter(rest);
      if (typeof parameter === "string") throw refusal(source, line, parameter);
      if (parameters.some(({ name }) => name === parameter.name))
        throw refusal(source, line, `the parameter "${parameter.name}" is declared twice`);
      parameters.push(parameter);
    } else if (word === "limit") {
      const rows = /^\d{1,9}$/.test(rest) ? Number(rest) : 0;
      if (limit !== undefined) throw refusal(source, line, "it has a limit already");
      if (rows < 1 || rows > QUERY_ROWS.most)
        throw refusal(source, line, `its limit is no whole number from 1 to ${QUERY_ROWS.most}`);
      limit = rows;
    } else
      throw new RehearsalError("DirectiveUnknown", {
        path: source.path,
        line,
        directive,
        known: didYouMean(word, KNOWN),
      });
  }
  return { description: description.join("\n").trim(), parameters, limit: limit ?? QUERY_ROWS.usual };
}

/** A comment without its marks. */
function wordsOf(comment: string): string {
  if (comment.startsWith("--")) return comment.replace(/^--+[ \t]?/, "").trimEnd();
  return comment
    .replace(/^\/\*+/, "")
    .replace(/\*+\/$/, "")
    .split("\n")
    .map((line) => line.replace(/^[ \t]*\*?[ \t]?/, "").trimEnd())
    .join("\n")
    .trim();
}

/** What each parameter is written as; each that is declared is used, and the other way around. */
function numberOf(
  source: SqlSource,
  parameters: readonly QueryParameter[],
  placeholders: readonly Placeholder[],
): Map<string, string> {
  const numbers = new Map(parameters.map(({ name, type }, at) => [name, `($${at + 1}::${sqlType(type)})`]));
  for (const { name, start } of placeholders)
    if (!numbers.has(name))
      throw refusal(
        source,
        lineAt(source.sql, start),
        `":${name}" is not declared${
          parameters.length === 0
            ? ""
            : `; ${didYouMean(
                name,
                parameters.map((parameter) => parameter.name),
              )}`
        }`,
      );
  const unused = parameters.find(
    ({ name }) => !placeholders.some((placeholder) => placeholder.name === name),
  );
  if (unused !== undefined) throw refusal(source, 1, `it declares "${unused.name}" and never uses it`);
  return numbers;
}

function refusal({ path }: SqlSource, line: number, reason: string): RehearsalError {
  return new RehearsalError("QueryFileRefused", { path, line, reason });
}
