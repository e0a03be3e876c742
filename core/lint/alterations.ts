/** The parts of ALTER TABLE, and of CREATE TABLE's columns and constraints, as the rules ask for them. */
import { relationName } from "../relation-name.ts";
import { asList, asText, fieldsOf, isTree, nameParts, type Tree, unwrap } from "../sql-tree.ts";
import type { LintStatement } from "./rule.ts";

export interface Alteration {
  /** As the file writes it. */
  relation: string;
  /** "AT_AddColumn" */
  subtype: string;
  /** The column or constraint it names. */
  name: string | undefined;
  command: Tree;
  /** What it adds or changes it to. */
  definition: Tree;
}

/** The alterations of an ALTER TABLE on a table; none for other statements and other kinds of relation. */
export function alterationsOf({ kind, fields }: Pick<LintStatement, "kind" | "fields">): Alteration[] {
  if (kind !== "AlterTableStmt") return [];
  const relation = relationName(fields.relation);
  if (relation === undefined) return [];
  return asList(fields.cmds).flatMap((item) => {
    const command = fieldsOf(item, "AlterTableCmd");
    const subtype = asText(command?.subtype);
    // The first value of the enumeration is left out of the tree's JSON by some versions of the parser.
    if (command === undefined) return [];
    const definition = unwrap(command.def)?.fields ?? {};
    return [
      { relation, subtype: subtype ?? "AT_AddColumn", name: asText(command.name), command, definition },
    ];
  });
}

/** A constraint in its place: added by ALTER TABLE, or with a column. */
interface AddedConstraint {
  relation: string;
  constraint: Tree;
  /** The column it stands at, when it does. */
  column: string | undefined;
  /** It comes with a new column, in which old rows have nothing. */
  ofNulls: boolean;
}

/** Every constraint that an ALTER TABLE adds. */
export function addedConstraints(statement: Pick<LintStatement, "kind" | "fields">): AddedConstraint[] {
  return alterationsOf(statement).flatMap(({ relation, subtype, definition }): AddedConstraint[] => {
    if (subtype === "AT_AddConstraint")
      return [{ relation, constraint: definition, column: undefined, ofNulls: false }];
    if (subtype !== "AT_AddColumn") return [];
    const constraints = constraintsOf(definition);
    const filled = constraints.some(({ contype }) => FILLING.has(asText(contype) ?? ""));
    return constraints.map((constraint) => ({
      relation,
      constraint,
      column: asText(definition.colname),
      ofNulls: !filled,
    }));
  });
}

/** What gives old rows a value in a new column. */
export const FILLING: ReadonlySet<string> = new Set([
  "CONSTR_DEFAULT",
  "CONSTR_GENERATED",
  "CONSTR_IDENTITY",
]);

/** The constraints written at a column. */
export function constraintsOf(column: Tree): Tree[] {
  return asList(column.constraints).flatMap((item): Tree[] => {
    const constraint = fieldsOf(item, "Constraint");
    return constraint === undefined ? [] : [constraint];
  });
}

/** The columns a constraint names: its keys, or those of a foreign key. */
export function keysOf(constraint: Tree): string[] {
  return nameParts([...asList(constraint.keys), ...asList(constraint.fk_attrs)]);
}

/** A column's type as text: `varchar(20)`, `int4[]`; undefined for none. */
export function typeText(value: unknown): string | undefined {
  const type = isTree(value) ? (unwrap(value)?.fields ?? value) : undefined;
  const name = nameParts(type?.names).at(-1);
  if (type === undefined || name === undefined) return undefined;
  const modifiers = asList(type.typmods).flatMap((item) => {
    const constant = fieldsOf(item, "A_Const");
    return isTree(constant?.ival) ? [String(constant.ival.ival ?? 0)] : [];
  });
  const size = modifiers.length > 0 ? `(${modifiers.join(",")})` : "";
  return `${name}${size}${"[]".repeat(asList(type.arrayBounds).length)}`;
}
