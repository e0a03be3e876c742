/**
 * A statement that is run in slices of a key: where in its text the slice's condition goes, proved on the parse tree.
 * The text stays the author's own; nothing of it is written anew.
 */
import type { BatchDirective } from "./batch-directive.ts";
import { RehearsalError } from "./errors.ts";
import { quoteName } from "./names.ts";
import { relationName } from "./relation-name.ts";
import { lexemes } from "./sql-lexer.ts";
import { type ParsedStatement, parseFragment } from "./sql-parser.ts";
import { asList, asText, fieldsOf, isTree, nameParts, type Tree, unwrap, walk } from "./sql-tree.ts";
import { fingerprintOf } from "./statement-fingerprint.ts";

export interface BatchSettings extends BatchDirective {
  /** The relation as the statement writes it, quoted; it must be the directive's. */
  relation: string;
  /** The key as the statement can name it: `"f"."id"`. */
  column: string;
  /** The statement around the slice's condition. */
  text: { before: string; after: string };
  /** What it does to rows. */
  verb: "update" | "delete" | "insert";
  /** Functions called in what is inserted: an aggregate among them would give a row for each slice. */
  calls: string[];
}

/** Prepares the one statement of a batched migration; throws `BatchRefused` with the mend. */
export function planBatch(
  path: string,
  statements: readonly ParsedStatement[],
  directive: BatchDirective,
): BatchSettings {
  const [statement, second] = statements;
  const refuse = (problem: string, mend: string, line = statement?.line ?? 1) =>
    new RehearsalError("BatchRefused", { path, line, problem, mend });
  if (statement === undefined || second !== undefined)
    throw refuse(
      "it holds more than one statement",
      "put the others into migrations of their own, before or after it",
      second?.line,
    );
  const problem = problemOf(statement, directive);
  if (problem !== undefined) throw refuse(...problem);
  const range = batchedRange(statement, directive);
  if (range === undefined)
    throw refuse(
      `it does not go through ${directive.table} row by row`,
      "name the table that is updated or deleted from, or one in the FROM of an INSERT … SELECT that is not on the outer side of a join",
    );
  const unsteady = unsteadyReading(statement, directive);
  if (unsteady !== undefined) throw refuse(...unsteady);
  const text = cutAtCondition(statement);
  if (text === undefined)
    throw refuse(
      "the slice's condition cannot be put into it",
      "write the SELECT of an INSERT without parentheses around it, and no WHERE CURRENT OF",
    );
  const alias = isTree(range.alias) ? asText(range.alias.aliasname) : undefined;
  return {
    ...directive,
    relation: relationName(range) ?? "",
    column: `${quoteName(alias ?? asText(range.relname) ?? "")}.${quoteName(directive.key)}`,
    text,
    verb: VERBS[statement.kind] ?? "insert",
    calls: callsOf(statement),
  };
}

/** The statement for the keys that the condition chooses. */
export function sliceSql({ text }: BatchSettings, condition: string): string {
  return text.before + condition + text.after;
}

const VERBS: Record<string, BatchSettings["verb"]> = { UpdateStmt: "update", DeleteStmt: "delete" };

type Problem = [problem: string, mend: string];

function problemOf({ kind, fields }: ParsedStatement, { key }: BatchDirective): Problem | undefined {
  if (!["UpdateStmt", "DeleteStmt", "InsertStmt"].includes(kind))
    return ["it is neither UPDATE nor DELETE nor INSERT", "only rows can be changed in slices"];
  if (fields.returningClause !== undefined || fields.returningList !== undefined)
    return ["it has RETURNING, and nobody reads what it returns", "leave RETURNING out"];
  for (const cte of asList(isTree(fields.withClause) ? fields.withClause.ctes : []))
    if (unwrap(fieldsOf(cte, "CommonTableExpr")?.ctequery)?.kind !== "SelectStmt")
      return ["a WITH of it changes rows, once for each slice", "put that into a migration of its own"];
  const sets = asList(fields.targetList).map((target) => asText(fieldsOf(target, "ResTarget")?.name));
  if (kind === "UpdateStmt" && sets.includes(key))
    return [`it sets its own key "${key}"`, "a row could go through two slices: cut by another key"];
  return kind === "InsertStmt" ? problemOfInsert(fields) : undefined;
}

/** Clauses of a SELECT that say something of all rows together, which is not the sum of what they say of slices. */
const TOGETHER: [field: string, words: string][] = [
  ["distinctClause", "DISTINCT"],
  ["groupClause", "GROUP BY"],
  ["havingClause", "HAVING"],
  ["windowClause", "WINDOW"],
  ["limitCount", "LIMIT"],
  ["limitOffset", "OFFSET"],
  ["sortClause", "ORDER BY"],
  ["lockingClause", "FOR UPDATE"],
];

function problemOfInsert(fields: Tree): Problem | undefined {
  const select = fieldsOf(fields.selectStmt, "SelectStmt");
  if (select === undefined || asList(select.valuesLists).length > 0)
    return ["it inserts no rows of a SELECT", "write INSERT … SELECT … FROM"];
  const mend = "insert what each row gives by itself; what needs all rows together goes in one statement";
  if (select.op !== "SETOP_NONE") return ["it joins several SELECTs", mend];
  for (const [field, words] of TOGETHER) {
    const value = select[field];
    if (Array.isArray(value) ? value.length > 0 : value !== undefined) return [`it has ${words}`, mend];
  }
  let problem: Problem | undefined;
  walk(select.targetList, (inner, kind) => {
    if (kind === "JsonArrayAgg" || kind === "JsonObjectAgg") problem = ["it has an aggregate", mend];
    if (inner.over !== undefined) problem = ["it has a window function", mend];
  });
  return problem;
}

/** What later slices would read otherwise than the first, because earlier ones have written it or because any rows will do. */
function unsteadyReading({ kind, fields }: ParsedStatement, directive: BatchDirective): Problem | undefined {
  const target = isTree(fields.relation) ? fields.relation : undefined;
  const isTarget = ({ relname, schemaname }: Tree) =>
    kind === "InsertStmt" && target?.relname === relname && target?.schemaname === schemaname;
  let cut = 0;
  let own = 0;
  let limited = false;
  walk(fields, (inner) => {
    if (inner.relname !== undefined && means(inner, directive)) cut++;
    if (inner.relname !== undefined && isTarget(inner)) own++;
    if (inner.limitCount !== undefined || inner.limitOffset !== undefined)
      if (asList(inner.sortClause).length === 0) limited = true;
  });
  if (cut > 1)
    return [
      `it reads ${directive.table} a second time, and a slice would see what earlier ones have done`,
      "take from each row what it says itself; gather what all rows say together into a table of its own first, in a migration before this",
    ];
  if (own > 1)
    return [
      "it reads the table that it inserts into, and a slice would see what earlier ones have put there",
      "let ON CONFLICT DO NOTHING leave out the rows that are there",
    ];
  return limited
    ? ["it has LIMIT without ORDER BY, and each slice may take other rows", "say the order"]
    : undefined;
}

/** The relation that is cut, where the statement names it once, and each of its rows is looked at in one slice only. */
function batchedRange({ kind, fields }: ParsedStatement, directive: BatchDirective): Tree | undefined {
  const isOurs = (range: Tree) => means(range, directive);
  if (kind !== "InsertStmt")
    return isTree(fields.relation) && isOurs(fields.relation) ? fields.relation : undefined;
  const select = fieldsOf(fields.selectStmt, "SelectStmt");
  // Rows put into the table that is read would come up in a later slice.
  if (select === undefined || (isTree(fields.relation) && isOurs(fields.relation))) return undefined;
  const shadowed = [fields.withClause, select.withClause].flatMap((clause) =>
    asList(isTree(clause) ? clause.ctes : []).map((cte) => fieldsOf(cte, "CommonTableExpr")?.ctename),
  );
  const found = asList(select.fromClause).flatMap(rangesWithin).filter(isOurs);
  const [only, another] = found.filter(
    (range) => range.schemaname !== undefined || !shadowed.includes(range.relname),
  );
  return another === undefined ? only : undefined;
}

/** The relations of a FROM item whose every row is in what it gives, so that a condition on them only divides it. */
function rangesWithin(item: unknown): Tree[] {
  const range = fieldsOf(item, "RangeVar");
  if (range !== undefined) return [range];
  const join = fieldsOf(item, "JoinExpr");
  // An alias on the whole join hides the names inside.
  if (join === undefined || join.alias !== undefined) return [];
  const left = join.jointype === "JOIN_INNER" || join.jointype === "JOIN_LEFT";
  const right = join.jointype === "JOIN_INNER" || join.jointype === "JOIN_RIGHT";
  return [...(left ? rangesWithin(join.larg) : []), ...(right ? rangesWithin(join.rarg) : [])];
}

/** By what is written: schemas are compared where both name one; whether they are one table the database is asked. */
function means(range: Tree, { table }: BatchDirective): boolean {
  const name = quoteName(asText(range.relname) ?? "");
  const schema = asText(range.schemaname);
  if (table === name || table.endsWith(`.${name}`))
    return schema === undefined || table === name || table === `${quoteName(schema)}.${name}`;
  return false;
}

function callsOf({ kind, fields }: ParsedStatement): string[] {
  const select = fieldsOf(fields.selectStmt, "SelectStmt");
  if (kind !== "InsertStmt" || select === undefined) return [];
  const names = new Set<string>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) visit(item);
    if (!isTree(value)) return;
    const node = unwrap(value);
    // A subquery's aggregates are its own.
    if (node?.kind === "SubLink") return;
    const name = node?.kind === "FuncCall" ? nameParts(node.fields.funcname).at(-1) : undefined;
    if (name !== undefined) names.add(name);
    for (const child of Object.values(value)) visit(child);
  };
  visit(select.targetList);
  return [...names].sort();
}

/**
 * Where a WHERE may stand is told by the statement's words outside parentheses; whether one of them is the right one,
 * by parsing the result: it must be the same tree, but for the condition that was put in.
 */
function cutAtCondition(statement: ParsedStatement): BatchSettings["text"] | undefined {
  const words = outerWords(statement.sql);
  const end = statement.sql.length;
  const ends = [end, ...(statement.kind === "InsertStmt" ? conflictsIn(words) : [])];
  const wheres = words.filter(({ text }) => text === "where");
  for (const stop of ends.reverse()) {
    const [head, tail] = [statement.sql.slice(0, stop), statement.sql.slice(stop)];
    const candidates = [
      ...wheres.flatMap(({ start }) => {
        const at = start + "where".length;
        return at > stop ? [] : [{ before: `${head.slice(0, at)} (`, old: head.slice(at) }];
      }),
      { before: `${head}\nwhere (`, old: undefined },
    ];
    for (const { before, old } of candidates) {
      // A comment to the end of the line would swallow what follows it.
      const after = `)${old === undefined ? "" : ` and (${old}\n)`}\n${tail}`;
      if (isProved(statement, `${before}true${after}`)) return { before, after };
    }
  }
  return undefined;
}

interface Word {
  text: string;
  start: number;
}

/** Words that stand in no parentheses, unquoted ones in lower case. */
function outerWords(sql: string): Word[] {
  const words: Word[] = [];
  let depth = 0;
  for (const { kind, text, start } of lexemes(sql)) {
    if (kind === "other" && text === "(") depth++;
    if (kind === "other" && text === ")") depth--;
    if (depth === 0 && kind === "name") words.push({ text: text.toLowerCase(), start });
  }
  return words;
}

function conflictsIn(words: readonly Word[]): number[] {
  return words.flatMap(({ text, start }, index) =>
    text === "on" && words[index + 1]?.text === "conflict" ? [start] : [],
  );
}

function isProved({ kind, fields }: ParsedStatement, sql: string): boolean {
  const [parsed, another] = parseFragment(sql) ?? [];
  if (parsed?.kind !== kind || another !== undefined) return false;
  if (kind !== "InsertStmt") return isConditionAdded(fields, parsed.fields);
  const [was, is] = [fields, parsed.fields].map((one) => fieldsOf(one.selectStmt, "SelectStmt"));
  if (was === undefined || is === undefined || !isConditionAdded(was, is)) return false;
  return sameTree({ ...fields, selectStmt: undefined }, { ...parsed.fields, selectStmt: undefined });
}

function isConditionAdded(was: Tree, is: Tree): boolean {
  if (!sameTree({ ...was, whereClause: undefined }, { ...is, whereClause: undefined })) return false;
  const isProbe = (value: unknown) => sameTree(value, { A_Const: { boolval: { boolval: true } } });
  if (was.whereClause === undefined) return isProbe(is.whereClause);
  const both = fieldsOf(is.whereClause, "BoolExpr");
  const [probe, old, ...others] = asList(both?.args);
  return (
    both?.boolop === "AND_EXPR" && others.length === 0 && isProbe(probe) && sameTree(old, was.whereClause)
  );
}

/** The same but for where its parts stand in the text. */
function sameTree(a: unknown, b: unknown): boolean {
  return fingerprintOf({ kind: "", fields: { a } }) === fingerprintOf({ kind: "", fields: { a: b } });
}
