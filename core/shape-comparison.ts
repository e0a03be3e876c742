/** Two shapes side by side, for people: the objects that differ, and the SQL that leads from the one to the other. */
import { describeDifference, diffShapes, type Shape } from "./shape.ts";
import { shapeSql } from "./shape-sql.ts";

export interface ShapeComparison {
  differences: { address: string; kind: "added" | "removed" | "changed"; text: string }[];
  /** How many there are; of very many the first are told. */
  count: number;
  /** Statements, and comments on what cannot be written as one. */
  sql: string[];
}

/** An answer with more of them would be longer than one may be, and nobody would read it. */
const TOLD = 1_000;
const SQL_LENGTH = 1_000_000;

/** Where `from` departs from `to`, and the SQL that makes `to` of it. */
export function compareShapes(from: Shape, to: Shape): ShapeComparison {
  const differences = diffShapes(to, from);
  return {
    differences: differences
      .slice(0, TOLD)
      .map((one) => ({ address: one.address, kind: one.kind, text: describeDifference(one) })),
    count: differences.length,
    sql: bounded(shapeSql(from, to)),
  };
}

function bounded(statements: string[]): string[] {
  let length = 0;
  const end = statements.findIndex((statement) => {
    length += statement.length;
    return length > SQL_LENGTH;
  });
  if (end < 0) return statements;
  return [...statements.slice(0, end), `-- not written: ${statements.length - end} more statements`];
}
