/** What no migration may hold: the refusals, decided on the parse tree, of every statement and of the bodies inside it. */
import { RehearsalError } from "./errors.ts";
import { catalogWritten } from "./forbidden-catalog.ts";
import { forbiddenCall } from "./forbidden-functions.ts";
import { LEDGER_FUNCTIONS, LEDGER_SCHEMA, ledgerMention } from "./forbidden-schema.ts";
import { forbiddenStatement, type Refusal } from "./forbidden-statements.ts";
import { functionBodies, type SqlNode } from "./function-bodies.ts";
import { refuseNames } from "./identifiers.ts";
import { cannotRunInTransaction, needsTransaction } from "./non-transactional.ts";
import { quotedParts } from "./relation-name.ts";
import { lexemes } from "./sql-lexer.ts";
import type { ParsedStatement } from "./sql-parser.ts";
import type { SqlSource } from "./sql-source.ts";
import { asText, isTree, walk } from "./sql-tree.ts";

/** Told of a refusal in place of its being thrown: for who wants to know of all of them. */
export type Tell = (refusal: RehearsalError) => void;

const raise: Tell = (refusal) => {
  throw refusal;
};

/** Throws the coded refusal, with the line of its statement, of the first thing in the file that may not be there; `tell` gets the refusals of statements instead. */
export function refuseForbidden(
  source: SqlSource,
  statements: readonly ParsedStatement[],
  file: { transactional: boolean; outside?: string },
  tell: Tell = raise,
): void {
  for (const statement of statements) {
    const { line } = statement;
    for (const refusal of refusalsOf(statement, "runs")) tell(toError(refusal, source.path, line));
    const outside = cannotRunInTransaction(statement);
    if (file.transactional && outside !== undefined)
      tell(
        new RehearsalError("TransactionImpossible", {
          path: source.path,
          line,
          statement: outside,
          ...(file.outside !== undefined && { by: file.outside }),
        }),
      );
    const inside = needsTransaction(statement);
    if (!file.transactional && inside !== undefined)
      tell(new RehearsalError("TransactionNeeded", { path: source.path, line, statement: inside }));
  }
  if (file.transactional) refuseEarlyEnumValues(source, statements);
  refuseNames(source);
}

/** The reasons to refuse one statement of a file. */
export function refusalsIn(statement: SqlNode): Refusal[] {
  return [...refusalsOf(statement, "runs")];
}

/** Whether SQL runs with the file, or is only defined by it and runs when somebody calls it. */
type Scope = "runs" | "defined";

/** The reasons to refuse a statement, looked for in itself, its expressions and the bodies it holds. */
function* refusalsOf(statement: SqlNode, scope: Scope): Generator<Refusal> {
  for (const refusal of ownRefusals(statement)) {
    // What a function sets lasts no longer than its caller wants; only what runs now would leak into the session.
    if (scope === "runs" || refusal.code !== "SessionChange") yield refusal;
  }
  const bodies = functionBodies(statement);
  const inner = statement.kind === "DoStmt" ? scope : "defined";
  // A procedure may end transactions for whoever calls it; a DO block runs now, inside ours.
  if (inner === "runs" && bodies.transactionControl !== undefined)
    yield { code: "TransactionControl", what: `${bodies.transactionControl} in a DO block` };
  for (const node of bodies.statements) yield* refusalsOf(node, inner);
  for (const text of bodies.opaque) yield* refusalsInText(text);
}

function ownRefusals(statement: SqlNode): Refusal[] {
  const found: Refusal[] = [];
  const note = (refusal: Refusal | undefined) => refusal !== undefined && found.push(refusal);
  note(forbiddenStatement(statement));
  walk({ [statement.kind]: statement.fields }, (fields, kind, parent) => {
    note(forbiddenCall(fields, kind, parent));
    note(ledgerMention(fields, kind));
    note(catalogWritten(fields, kind));
  });
  return found;
}

/** A text that no parser here reads: its words are looked through for calls and for the ledger's schema. */
function* refusalsInText(text: string): Generator<Refusal> {
  const words = [...lexemes(text)].filter(({ kind }) => kind !== "comment");
  for (const [index, word] of words.entries()) {
    const name = word.text.replace(/^"|"$/g, "").toLowerCase();
    const after = words[index + 1]?.text;
    if (after === "(") {
      const refusal = forbiddenCall({ funcname: [{ String: { sval: name } }] }, "FuncCall", undefined);
      if (refusal !== undefined) yield refusal;
    }
    const member = words[index + 2]?.text ?? "";
    const called = words[index + 3]?.text === "(" && LEDGER_FUNCTIONS.has(member.toLowerCase());
    if (after === "." && name === LEDGER_SCHEMA && !called)
      yield { code: "LedgerTouched", what: `${name}.${member}` };
  }
}

/** A value added to an enum that stands already cannot be used before COMMIT. */
function refuseEarlyEnumValues(source: SqlSource, statements: readonly ParsedStatement[]): void {
  if (!statements.some(({ kind }) => kind === "AlterEnumStmt")) return;
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
