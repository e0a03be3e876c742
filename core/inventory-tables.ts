/** The tables of an inventory held against those of a shape: what is undeclared, what is gone, and what is of another type than is said. */
import type { Inventory, InventoryColumn, InventoryTable } from "./inventory.ts";
import { guessColumn, guessTable } from "./inventory-guess.ts";
import type { InventoryChange } from "./inventory-lines.ts";
import { isIgnored, tableKey } from "./inventory-names.ts";
import { holdsCiphertext, isJson, type LiveTable } from "./inventory-shape.ts";
import { quoteQualified } from "./names.ts";

/** A place where the inventory and what is there do not agree, and what of the file mends it. */
export interface InventoryProblem {
  /** A sentence. */
  says: string;
  changes: InventoryChange[];
}

/** Every problem, in the order of the tables' names; none where the inventory is silent about tables. */
export function compareTables(inventory: Inventory, live: readonly LiveTable[]): InventoryProblem[] {
  if (inventory.tables === undefined) return [];
  const declared = new Map(
    inventory.tables.map((table) => [quoteQualified(table.schema, table.name), table]),
  );
  const problems: InventoryProblem[] = [];
  for (const table of live) {
    const name = quoteQualified(table.schema, table.name);
    const entry = declared.get(name);
    declared.delete(name);
    if (entry !== undefined) problems.push(...compareColumns(entry, table));
    else if (!isIgnored(table, inventory.ignore)) problems.push(undeclared(table));
  }
  for (const table of declared.values()) problems.push(gone(table));
  return problems;
}

function undeclared(table: LiveTable): InventoryProblem {
  const key = tableKey(table);
  return {
    says: `the table ${key} is not declared`,
    changes: [{ does: "add", path: ["tables", key], value: guessTable(table) }],
  };
}

function gone(table: InventoryTable): InventoryProblem {
  const { key, purpose, classification } = table;
  return {
    says: `the table ${key} is declared, and there is none`,
    changes: [{ does: "remove", path: ["tables", key], value: { purpose, classification, "…": null } }],
  };
}

function compareColumns(entry: InventoryTable, { columns }: LiveTable): InventoryProblem[] {
  const { key } = entry;
  const declared = new Map(entry.columns.map((column) => [column.name, column]));
  const problems: InventoryProblem[] = [];
  for (const column of columns) {
    const path = ["tables", key, "columns", column.name];
    const known = declared.get(column.name);
    declared.delete(column.name);
    const problem = (says: string, value: unknown, was?: unknown) =>
      problems.push({
        says,
        changes: [
          ...(was === undefined ? [] : [{ does: "remove" as const, path, value: was }]),
          { does: "add", path, value },
        ],
      });
    if (known === undefined) {
      problem(`the column ${key}.${column.name} is not declared`, guessColumn(column));
      continue;
    }
    const { json, encrypted } = known;
    const was = written(entry, known);
    if (isJson(column.type) && json === undefined)
      problem(
        `the column ${key}.${column.name} is ${column.type}, and not declared as JSON`,
        written(entry, { ...known, json: true }),
        was,
      );
    if (!isJson(column.type) && json)
      problem(
        `the column ${key}.${column.name} is declared as JSON, and is ${column.type}`,
        written(entry, { ...known, json: undefined }),
        was,
      );
    if (encrypted && !holdsCiphertext(column.type))
      problem(
        `the column ${key}.${column.name} is declared as encrypted, and is ${column.type}, which holds no ciphertext`,
        written(entry, { ...known, encrypted: undefined }),
        was,
      );
  }
  for (const column of declared.values())
    problems.push({
      says: `the column ${key}.${column.name} is declared, and there is none`,
      changes: [
        { does: "remove", path: ["tables", key, "columns", column.name], value: written(entry, column) },
      ],
    });
  return problems;
}

/** A column's entry as one would write it, without what goes without saying. */
function written(table: InventoryTable, { name: _, classification, ...more }: InventoryColumn): unknown {
  const said = Object.entries(more).filter(([, value]) => value !== undefined);
  const own = classification === table.classification ? undefined : classification;
  if (said.length === 0) return own ?? null;
  return { ...(own && { classification: own }), ...Object.fromEntries(said) };
}
