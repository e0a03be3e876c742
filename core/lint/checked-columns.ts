/** Which columns a constraint speaks of, and of which it says that they are filled. */
import { asList, fieldsOf, nameParts, type Tree, walk } from "../sql-tree.ts";

/** The columns that an expression names, in the order of their first mention. */
export function columnsChecked(expression: unknown): string[] {
  const found = new Set<string>();
  walk(expression, (fields, kind) => {
    const name = kind === "ColumnRef" ? nameParts(fields.fields).at(-1) : undefined;
    if (name !== undefined) found.add(name);
  });
  return [...found];
}

/** The columns that cannot be null where the constraint holds: those of NOT NULL and PRIMARY KEY, and `c is not null` joined by AND. */
export function provenNotNull(constraint: Tree, kind: string, columns: readonly string[]): string[] {
  if (kind === "CONSTR_NOTNULL" || kind === "CONSTR_PRIMARY") return [...columns];
  return kind === "CONSTR_CHECK" ? filled(constraint.raw_expr) : [];
}

function filled(expression: unknown): string[] {
  const both = fieldsOf(expression, "BoolExpr");
  if (both?.boolop === "AND_EXPR") return asList(both.args).flatMap(filled);
  const test = fieldsOf(expression, "NullTest");
  const column = nameParts(fieldsOf(test?.arg, "ColumnRef")?.fields).at(-1);
  return test?.nulltesttype === "IS_NOT_NULL" && column !== undefined ? [column] : [];
}
