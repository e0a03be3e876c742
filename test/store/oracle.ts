/** What a store of the conformance suite's models has to answer: plain maps, and the rules of its relations written out one by one. */
import type { Row } from "../../core/store/store.ts";

/** One call of a writer. */
export type Call =
  | { op: "put"; model: string; row: Row }
  | { op: "append"; model: string; row: Row }
  | { op: "get"; model: string; key: Row }
  | { op: "delete"; model: string; key: Row }
  | { op: "list"; model: string; by: Row }
  | { op: "count"; model: string };

export class Refused extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** Models with their keys, and which columns are one of a kind. */
const MODELS: Record<string, { key: string[]; unique: string[] }> = {
  Author: { key: ["id"], unique: ["email"] },
  Book: { key: ["id"], unique: ["code"] },
  Loan: { key: ["id"], unique: [] },
  Tag: { key: ["id"], unique: [] },
  BookTag: { key: ["book_id", "tag_id"], unique: [] },
  Node: { key: ["id"], unique: [] },
  Home: { key: ["id"], unique: [] },
  Counter: { key: ["id"], unique: [] },
};

type Action = "cascade" | "set null" | "set default" | "stay";

const RELATIONS: { from: string; column: string; to: string; at: string; onDelete: Action }[] = [
  { from: "Book", column: "author_id", to: "Author", at: "id", onDelete: "cascade" },
  { from: "Book", column: "editor_id", to: "Author", at: "id", onDelete: "set null" },
  { from: "Loan", column: "book_code", to: "Book", at: "code", onDelete: "stay" },
  { from: "BookTag", column: "book_id", to: "Book", at: "id", onDelete: "cascade" },
  { from: "BookTag", column: "tag_id", to: "Tag", at: "id", onDelete: "stay" },
  { from: "Node", column: "parent_id", to: "Node", at: "id", onDelete: "stay" },
  { from: "Home", column: "author_id", to: "Author", at: "id", onDelete: "set default" },
];

const HOMELESS = "nobody";

export type State = ReadonlyMap<string, ReadonlyMap<string, Row>>;

export const EMPTY: State = new Map(Object.keys(MODELS).map((model) => [model, new Map()]));

/** The state behind the calls of one transaction, with their answers; throws `Refused`. */
export function transact(state: State, calls: readonly Call[]): { state: State; answers: unknown[] } {
  const oracle = new Oracle(state);
  const answers = calls.map((call) => oracle.answer(call));
  return { state: oracle.tables, answers };
}

/** The rows of a model in the order of their keys. */
export function rowsOf(state: State, model: string): Row[] {
  return [...(state.get(model)?.values() ?? [])].sort((one, other) => compare(model, one, other));
}

class Oracle {
  readonly tables: Map<string, Map<string, Row>>;

  constructor(state: State) {
    this.tables = new Map([...state].map(([model, rows]) => [model, new Map(rows)]));
  }

  answer(call: Call): unknown {
    if (call.op === "get") return this.#table(call.model).get(keyOf(call.model, call.key));
    if (call.op === "count") return this.#table(call.model).size;
    if (call.op === "delete") return this.#delete(call.model, call.key);
    if (call.op === "list")
      return rowsOf(this.tables, call.model).filter((row) =>
        Object.entries(call.by).every(([column, value]) => row[column] === value),
      );
    this.#insert(call.model, call.row, call.op === "put");
    return undefined;
  }

  #insert(model: string, row: Row, replace: boolean): void {
    const key = keyOf(model, row);
    const table = this.#table(model);
    const before = table.get(key);
    if (before !== undefined && !replace) throw new Refused("StoreUniqueViolated");
    for (const [other, { [column(model)]: value }] of table)
      if (other !== key && value !== undefined && value === row[column(model)])
        throw new Refused("StoreUniqueViolated");
    table.set(key, row);
    // ON UPDATE CASCADE, of the one relation that has it.
    if (model === "Book" && before !== undefined)
      for (const [id, loan] of this.#table("Loan"))
        if (loan.book_code === before.code)
          this.#table("Loan").set(id, { ...loan, book_code: row.code ?? null });
    this.#refer(model, row);
  }

  /** What the row refers to is there. */
  #refer(model: string, row: Row): void {
    for (const { from, column, to, at } of RELATIONS)
      if (from === model && row[column] !== null && !this.#has(to, at, row[column]))
        throw new Refused("StoreReferenceMissing");
  }

  #delete(model: string, given: Row): boolean {
    const key = keyOf(model, given);
    const row = this.#table(model).get(key);
    if (row === undefined) return false;
    this.#table(model).delete(key);
    for (const { from, column, to, at, onDelete } of RELATIONS) {
      if (to !== model) continue;
      for (const [other, child] of [...this.#table(from)]) {
        if (child[column] !== row[at]) continue;
        if (onDelete === "stay") throw new Refused("StoreStillReferenced");
        if (onDelete === "cascade") this.#delete(from, child);
        else
          this.#release(from, other, { ...child, [column]: onDelete === "set null" ? null : HOMELESS }, row);
      }
    }
    return true;
  }

  #release(model: string, key: string, row: Row, gone: Row): void {
    // Whose default is the very row that goes still refers to it.
    if (row.author_id === HOMELESS && gone.id === HOMELESS && model === "Home")
      throw new Refused("StoreStillReferenced");
    this.#table(model).set(key, row);
    this.#refer(model, row);
  }

  #has(model: string, column: string, value: unknown): boolean {
    return [...this.#table(model).values()].some((row) => row[column] === value);
  }

  #table(model: string): Map<string, Row> {
    const table = this.tables.get(model);
    if (table === undefined) throw new Error(`there is no ${model}`);
    return table;
  }
}

function column(model: string): string {
  return MODELS[model]?.unique[0] ?? "none";
}

function keyOf(model: string, row: Row): string {
  return JSON.stringify(MODELS[model]?.key.map((name) => row[name]));
}

/** Numbers by value, also where they are texts; texts as they are, which is enough for letters. */
function compare(model: string, one: Row, other: Row): number {
  for (const name of MODELS[model]?.key ?? []) {
    const [a, b] = [one[name], other[name]];
    const numbers = [Number(a), Number(b)] as const;
    if (!numbers.some(Number.isNaN) && numbers[0] !== numbers[1]) return numbers[0] - numbers[1];
    if (a !== b) return String(a) < String(b) ? -1 : 1;
  }
  return 0;
}
