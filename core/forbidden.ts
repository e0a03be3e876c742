/** What no migration may hold: the refusals, decided on the parse tree, of every statement and of the bodies inside it. */
import { RehearsalError } from "./errors.ts";
import { catalogWritten } from "./forbidden-catalog.ts";
import { forbiddenCall } from "./forbidden-functions.ts";
import { ledgerMention } from "./forbidden-schema.ts";
import { forbiddenStatement, type Refusal } from "./forbidden-statements.ts";
import { functionBodies } from "./function-bodies.ts";
import { refuseNames } from "./identifiers.ts";
import { cannotRunInTransaction, needsTransaction } from "./non-transactional.ts";
import { quotedParts } from "./relation-name.ts";
import { type ParsedStatement, scanTokens } from "./sql-parser.ts";
import type { SqlSource } from "./sql-source.ts";
import { asText, isTree, type Tree, walk } from "./sql-tree.ts";

type Node = Pick<ParsedStatement, "kind" | "fields">;

/** Throws the coded refusal, with the line of its statement, of the first thing in the file that may not be there. */
export function refuseForbidden(
  source: SqlSource,
  statements: readonly ParsedStatement[],
  file: { transactional: boolean },
): void {
  for (const statement of statements) {
    const { line } = statement;
    const refusal = refusalOf(statement);
    if (refusal !== undefined) throw toError(refusal, source.path, line);
    const outside = cannotRunInTransaction(statement);
    if (file.transactional && outside !== undefined)
      throw new RehearsalError("TransactionImpossible", { path: source.path, line, statement: outside });
    const inside = needsTransaction(statement);
    if (!file.transactional && inside !== undefined)
      throw new RehearsalError("TransactionNeeded", { path: source.path, line, statement: inside });
  }
  if (file.transactional) refuseEarlyEnumValues(source, statements);
  refuseNames(source);
}

/** The first reason to refuse a statement, looked for in itself, its expressions and its bodies. */
function refusalOf(statement: Node): Refusal | undefined {
  const own = forbiddenStatement(statement) ?? refusalInTree({ [statement.kind]: statement.fields });
  if (own !== undefined) return own;
  const bodies = functionBodies(statement.kind, statement.fields);
  // A procedure may end transactions for whoever calls it; a DO block runs now, inside ours.
  if (statement.kind === "DoStmt" && bodies.transactionControl !== undefined)
    return { code: "TransactionControl", what: `${bodies.transactionControl} in a DO block` };
  for (const inner of bodies.statements) {
    const refusal = refusalInBody(statement, inner);
    if (refusal !== undefined) return refusal;
  }
  for (const text of bodies.opaque) {
    const refusal = refusalInOpaque(text);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** A function's own SET lasts as long as its call, so session changes count only in a DO block. */
function refusalInBody(outer: Node, inner: Node): Refusal | undefined {
  const refusal = refusalOf(inner);
  if (refusal?.code === "SessionChange" && outer.kind !== "DoStmt")
    return refusalInTree({ [inner.kind]: inner.fields });
  return refusal;
}

function refusalInTree(tree: Tree): Refusal | undefined {
  let found: Refusal | undefined;
  walk(tree, (fields, kind, parent) => {
    found ??=
      forbiddenCall(fields, kind, parent) ?? ledgerMention(fields, kind) ?? catalogWritten(fields, kind);
  });
  return found;
}

/** A text that no parser here reads: its tokens are looked through for calls and for the ledger's schema. */
function refusalInOpaque(text: string): Refusal | undefined {
  const tokens = scanTokens(text) ?? [];
  for (const [index, token] of tokens.entries()) {
    const name = token.text.replace(/^"|"$/g, "").toLowerCase();
    const next = tokens[index + 1]?.text;
    if (next === "(") {
      const refusal = forbiddenCall({ funcname: [{ String: { sval: name } }] }, "FuncCall", undefined);
      if (refusal !== undefined) return refusal;
    }
    if (next === "." && name === "rehearsal")
      return { code: "LedgerTouched", what: `${name}.${tokens[index + 2]?.text ?? ""}` };
  }
  return undefined;
}

/** A value added to an enum that stands already cannot be used before COMMIT. */
function refuseEarlyEnumValues(source: SqlSource, statements: readonly ParsedStatement[]): void {
  const madeHere = new Set<string | undefined>();
  const added = new Map<string, string>();
  for (const { kind, fields, line } of statements) {
    if (kind === "CreateEnumStmt") madeHere.add(quotedParts(fields.typeName));
    walk({ [kind]: fields }, (inner, innerKind) => {
      const text = innerKind === "A_Const" && isTree(inner.sval) ? asText(inner.sval.sval) : undefined;
      const type = text === undefined ? undefined : added.get(text);
      if (text !== undefined && type !== undefined)
        throw new RehearsalError("EnumValueTooSoon", { path: source.path, line, type, value: text });
    });
    const type = kind === "AlterEnumStmt" ? quotedParts(fields.typeName) : undefined;
    const value = asText(fields.newVal);
    if (type !== undefined && value !== undefined && fields.oldVal === undefined && !madeHere.has(type))
      added.set(value, type);
  }
}

function toError(refusal: Refusal, path: string, line: number): RehearsalError {
  switch (refusal.code) {
    case "TransactionControl":
      return new RehearsalError("TransactionControl", { path, line, statement: refusal.what });
    case "SessionChange":
      return new RehearsalError("SessionChange", {
        path,
        line,
        statement: refusal.what,
        reason: refusal.reason,
      });
    case "ServerReach":
      return new RehearsalError("ServerReach", { path, line, what: refusal.what, reason: refusal.reason });
    case "ClusterWide":
      return new RehearsalError("ClusterWide", { path, line, what: refusal.what });
    case "LedgerTouched":
      return new RehearsalError("LedgerTouched", { path, line, what: refusal.what });
    case "CatalogWritten":
      return new RehearsalError("CatalogWritten", { path, line, table: refusal.what });
    case "InlineCopy":
      return new RehearsalError("InlineCopy", { path, line, statement: refusal.what });
  }
}
