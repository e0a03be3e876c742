/** What a store should do, told as simply as can be: rows in maps, every rule a search through all of them. What the tests hold the engine to. */
import type { StoreDefinition, StoreModel, StoreRelation } from "../../../core/store/definition.ts";
import type { Key, Row } from "../../../core/store/store.ts";

export type Asked =
  | { ask: "put"; model: string; row: Row }
  | { ask: "append"; model: string; row: Row }
  | { ask: "delete"; model: string; key: Key }
  | { ask: "get"; model: string; key: Key }
  | { ask: "list"; model: string; by: Key }
  | { ask: "count"; model: string };

/** What a transaction came to: what each of its calls answered, or the code it was refused with. */
export type Outcome = { answers: unknown[] } | { refused: string };

class Refused extends Error {}

export class PlainStore {
  readonly #definition: StoreDefinition;
  #models: Map<string, Row[]>;

  constructor(definition: StoreDefinition) {
    this.#definition = definition;
    this.#models = new Map(definition.models.map(({ name }) => [name, []]));
  }

  /** All or nothing. */
  transaction(asked: readonly Asked[]): Outcome {
    const before = new Map([...this.#models].map(([name, rows]) => [name, [...rows]]));
    try {
      return { answers: asked.map((one) => this.#answer(one)) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#models = before;
      return { refused: error.message };
    }
  }

  /** What it would come to; nothing is changed. */
  would(asked: readonly Asked[]): Outcome {
    const before = this.#models;
    this.#models = new Map([...before].map(([name, rows]) => [name, [...rows]]));
    try {
      return this.transaction(asked);
    } finally {
      this.#models = before;
    }
  }

  rows(name: string): Row[] {
    const { key } = this.#model(name);
    return [...(this.#models.get(name) ?? [])].sort((one, other) => {
      for (const column of key) {
        const [a, b] = [one[column] as string | number, other[column] as string | number];
        if (a !== b) return a < b ? -1 : 1;
      }
      return 0;
    });
  }

  #answer(asked: Asked): unknown {
    const model = this.#model(asked.model);
    if (asked.ask === "count") return this.#of(model).length;
    if (asked.ask === "list") return this.rows(model.name).filter((row) => has(row, asked.by));
    if (asked.ask === "get") return this.#of(model).find((row) => has(row, asked.key));
    if (asked.ask === "delete") {
      const row = this.#of(model).find((one) => has(one, asked.key));
      if (row === undefined) return false;
      this.#remove(model, row);
      this.#check();
      return true;
    }
    const row = asked.row;
    for (const { name, nullable } of model.columns)
      if (row[name] === undefined || (row[name] === null && !nullable)) throw new Refused("StoreRowInvalid");
    const before = this.#of(model).find((one) => has(one, pick(row, model.key)));
    if (before !== undefined && asked.ask === "append") throw new Refused("StoreUniqueViolated");
    this.#replace(model, before, row);
    this.#check();
    return undefined;
  }

  #replace(model: StoreModel, before: Row | undefined, after: Row): void {
    this.#set(model, [...this.#of(model).filter((one) => one !== before), after]);
    for (const columns of [model.key, ...model.unique.map((one) => one.columns)])
      if (
        columns.every((column) => after[column] !== null) &&
        this.#of(model).filter((one) => has(one, pick(after, columns))).length > 1
      )
        throw new Refused("StoreUniqueViolated");
    for (const relation of model.relations) {
      // What refers as it did before is not asked again: it may be about to go itself.
      if (before !== undefined && has(after, pick(before, relation.columns))) continue;
      if (this.#dangles(relation, after)) throw new Refused("StoreReferenceMissing");
    }
    if (before === undefined) return;
    for (const [from, relation] of this.#pointing(model)) {
      const { columns, referencedColumns, onUpdate } = relation;
      if (has(after, pick(before, referencedColumns))) continue;
      for (const child of this.#children(from, relation, before)) {
        if (onUpdate === "no action") continue;
        if (onUpdate !== "cascade") throw new Error(`the tests have no ${onUpdate}`);
        const values = columns.map((column, at) => [column, after[referencedColumns[at] ?? ""]]);
        this.#replace(from, child, { ...child, ...Object.fromEntries(values) });
      }
    }
  }

  #remove(model: StoreModel, row: Row): void {
    this.#set(
      model,
      this.#of(model).filter((one) => one !== row),
    );
    for (const [from, relation] of this.#pointing(model))
      for (const found of this.#children(from, relation, row)) {
        if (relation.onDelete === "restrict") throw new Refused("StoreStillReferenced");
        // Another relation may have changed it meanwhile, or taken it.
        const child = this.#of(from).find((one) => has(one, pick(found, from.key)));
        if (relation.onDelete === "no action" || child === undefined) continue;
        if (relation.onDelete === "cascade") this.#remove(from, child);
        else
          this.#replace(from, child, {
            ...child,
            ...Object.fromEntries(relation.columns.map((column) => [column, null])),
          });
      }
  }

  /** Nothing refers to what is not there when a call has ended. */
  #check(): void {
    for (const model of this.#definition.models)
      for (const relation of model.relations)
        for (const row of this.#of(model))
          if (this.#dangles(relation, row)) throw new Refused("StoreStillReferenced");
  }

  #dangles({ columns, references, referencedColumns }: StoreRelation, row: Row): boolean {
    if (columns.some((column) => row[column] === null)) return false;
    const wanted = Object.fromEntries(referencedColumns.map((name, at) => [name, row[columns[at] ?? ""]]));
    return !this.#of(this.#model(references)).some((one) => has(one, wanted as Key));
  }

  #children(from: StoreModel, { columns, referencedColumns }: StoreRelation, row: Row): Row[] {
    if (referencedColumns.some((column) => row[column] === null)) return [];
    const wanted = Object.fromEntries(columns.map((name, at) => [name, row[referencedColumns[at] ?? ""]]));
    return this.#of(from).filter((one) => has(one, wanted as Key));
  }

  #pointing(model: StoreModel): [StoreModel, StoreRelation][] {
    return this.#definition.models.flatMap((from) =>
      from.relations
        .filter(({ references }) => references === model.name)
        .map((relation): [StoreModel, StoreRelation] => [from, relation]),
    );
  }

  #model(name: string): StoreModel {
    const model = this.#definition.models.find((one) => one.name === name);
    if (model === undefined) throw new Error(`there is no ${name}`);
    return model;
  }

  #of({ name }: StoreModel): Row[] {
    return this.#models.get(name) ?? [];
  }

  #set({ name }: StoreModel, rows: Row[]): void {
    this.#models.set(name, rows);
  }
}

function has(row: Row, values: Key): boolean {
  return Object.entries(values).every(([column, value]) => row[column] === value);
}

function pick(row: Row, columns: readonly string[]): Key {
  return Object.fromEntries(columns.map((column) => [column, row[column] ?? null]));
}
