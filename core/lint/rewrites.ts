/** Which alterations write a table's file anew. */
import { asText, fieldsOf, nameParts } from "../sql-tree.ts";
import { isVolatile } from "../volatile-default.ts";
import { type Alteration, constraintsOf, typeText } from "./alterations.ts";
import type { LintContext } from "./rule.ts";
import { changeOfType, type TypeChange } from "./type-changes.ts";

/** True when Postgres writes every row of the table anew. */
export function rewritesTable(alteration: Alteration, context: LintContext): boolean {
  switch (alteration.subtype) {
    case "AT_AddColumn":
      return volatileDefault(alteration) || computedColumn(alteration) !== undefined;
    case "AT_AlterColumnType": {
      const change = typeChange(alteration, context);
      return change !== undefined && change !== "keeps";
    }
    case "AT_SetLogged":
    case "AT_SetUnLogged":
    case "AT_SetAccessMethod":
    case "AT_SetTableSpace":
    case "AT_SetExpression":
      return true;
    default:
      return false;
  }
}

/** What ALTER COLUMN … TYPE does; undefined for other alterations. */
export function typeChange(alteration: Alteration, context: LintContext): TypeChange | undefined {
  if (alteration.subtype !== "AT_AlterColumnType") return undefined;
  const to = typeText(alteration.definition.typeName) ?? "";
  const from = context.standing.table(alteration.relation)?.columns.get(alteration.name ?? "");
  // A value that is computed may be anything; whether it loses is for its author to say.
  if (!isPlainCast(alteration, to)) return from === to ? "keeps" : "widens";
  return changeOfType(from, to);
}

/** No USING, or one that says what would be done without it: `using c::text`. */
function isPlainCast({ name, definition }: Alteration, to: string): boolean {
  if (definition.raw_default === undefined) return true;
  const cast = fieldsOf(definition.raw_default, "TypeCast");
  const column = nameParts(fieldsOf(cast?.arg, "ColumnRef")?.fields).at(-1);
  return column !== undefined && column === name && typeText(cast?.typeName) === to;
}

/** True when the new column's default may differ from row to row. */
export function volatileDefault({ subtype, definition }: Alteration): boolean {
  return (
    subtype === "AT_AddColumn" &&
    constraintsOf(definition).some(
      ({ contype, raw_expr }) => contype === "CONSTR_DEFAULT" && isVolatile(raw_expr),
    )
  );
}

const SERIALS = new Set(["serial", "serial2", "serial4", "serial8", "smallserial", "bigserial"]);

/** "a stored generated column", "an identity column" or "a serial column"; undefined for others. */
export function computedColumn({ subtype, definition }: Alteration): string | undefined {
  if (subtype !== "AT_AddColumn") return undefined;
  const type = typeText(definition.typeName);
  if (type !== undefined && SERIALS.has(type)) return "a serial column";
  for (const { contype, generated_kind } of constraintsOf(definition)) {
    if (asText(contype) === "CONSTR_IDENTITY") return "an identity column";
    if (asText(contype) === "CONSTR_GENERATED" && generated_kind !== "v") return "a stored generated column";
  }
  return undefined;
}
