/** Writes rows as the database would: unique, referring to what is there, and with what a relation does to those that refer to them. */
import { RehearsalError } from "../../core/errors.ts";
import type { ReferentialAction, StoreModel, StoreRelation } from "../../core/store/definition.ts";
import { indexText, keyRow, keyText } from "../../core/store/keys.ts";
import type { Pointer } from "../../core/store/relations.ts";
import { cell, put } from "../../core/store/rows.ts";
import type { Row } from "../../core/store/store.ts";
import type { Keyed, RowsAtCommit } from "./rows-at-commit.ts";

/** What was asked for: refusals name it, whatever row of which model they are about. */
export interface Asked {
  model: StoreModel;
  key: Row;
}

/** Something to be done to those that refer to a row. */
interface Due {
  pointer: Pointer;
  action: ReferentialAction;
  before: Row;
  /** Undefined when it is gone. */
  after: Row | undefined;
}

export class ReferentialActions {
  readonly #rows: RowsAtCommit;
  readonly #pointers: ReadonlyMap<string, readonly Pointer[]>;
  readonly #asked: Asked;
  /** In the order in which the server would come to it: what a row's going brings about comes behind what the one before brought about. */
  readonly #due: Due[] = [];

  constructor(rows: RowsAtCommit, pointers: ReadonlyMap<string, readonly Pointer[]>, asked: Asked) {
    this.#rows = rows;
    this.#pointers = pointers;
    this.#asked = asked;
  }

  /** Inserts the row, or replaces `before` by it. */
  async write(model: StoreModel, before: Row | undefined, after: Row): Promise<void> {
    const keyed = keyedOf(model, after);
    if (before !== undefined) {
      const old = keyedOf(model, before);
      if (old.text !== keyed.text) {
        await this.#rows.set(model, old, undefined);
        if ((await this.#rows.get(model, keyed)) !== undefined) throw this.#notUnique("primary key");
      }
    }
    await this.#rows.set(model, keyed, after);
    for (const { name, columns, nullsNotDistinct } of model.unique) {
      if (nullsNotDistinct !== true && hasNull(after, columns)) continue;
      if (before !== undefined && isSame(model, columns, before, after)) continue;
      const found = await this.#rows.find(model, columns, after);
      if (found.some(({ text }) => text !== keyed.text)) throw this.#notUnique(name);
    }
    for (const relation of model.relations) {
      if (before !== undefined && isSame(model, relation.columns, before, after)) continue;
      if (!(await this.#refersToSomething(relation, after)))
        throw new RehearsalError("StoreReferenceMissing", {
          ...this.#facts(),
          constraint: relation.name,
          references: relation.references,
        });
    }
    if (before === undefined) return;
    this.#follow(
      (this.#pointers.get(model.name) ?? [])
        .filter(({ relation }) => !isSame(model, relation.referencedColumns, before, after))
        .map((pointer) => ({ pointer, action: pointer.relation.onUpdate, before, after })),
    );
  }

  /** Takes the row away, and what goes with it. */
  async delete(model: StoreModel, row: Row): Promise<void> {
    await this.#rows.set(model, keyedOf(model, row), undefined);
    this.#follow(
      (this.#pointers.get(model.name) ?? []).map((pointer) => ({
        ...{ pointer, action: pointer.relation.onDelete, before: row, after: undefined },
      })),
    );
  }

  /** To be called when all that was asked for is done: does what follows from it, and what follows from that. */
  async end(): Promise<void> {
    for (const due of this.#due) await this.#act(due);
  }

  /** What changes rows comes before what only looks whether any are left. */
  #follow(all: readonly Due[]): void {
    const looks = ({ action }: Due) => action === "no action" || action === "restrict";
    this.#due.push(...all.filter((due) => !looks(due)), ...all.filter(looks));
  }

  /** What becomes of those that referred to a row which is gone, or has other values now. */
  async #act({ pointer, action, before, after }: Due): Promise<void> {
    if (action === "no action") return this.#expectNone(pointer, before);
    const { from, relation } = pointer;
    for (const keyed of await this.#referring(pointer, before)) {
      if (action === "restrict") throw this.#referred(pointer);
      // It may have gone with another one meanwhile.
      const child = await this.#rows.get(from, keyed);
      if (child === undefined) continue;
      if (action === "cascade" && after === undefined) await this.delete(from, child);
      else await this.write(from, child, this.#changed(from, relation, action, child, after));
    }
    // Whose default is the very row that is gone refers to it as before.
    if (action === "set default") await this.#expectNone(pointer, before);
  }

  /** What referred to a row has to refer to one, if it is there. */
  async #expectNone(pointer: Pointer, row: Row): Promise<void> {
    const [child] = await this.#referring(pointer, row);
    const found = child && (await this.#rows.get(pointer.from, child));
    if (found !== undefined && !(await this.#refersToSomething(pointer.relation, found)))
      throw this.#referred(pointer);
  }

  #changed(
    model: StoreModel,
    { columns, referencedColumns, onDeleteColumns }: StoreRelation,
    action: ReferentialAction,
    child: Row,
    after: Row | undefined,
  ): Row {
    const changed: Record<string, Row[string]> = { ...child };
    for (const [at, name] of columns.entries()) {
      if (after === undefined && onDeleteColumns !== undefined && !onDeleteColumns.includes(name)) continue;
      const column = model.columns.find((one) => one.name === name);
      const value =
        action === "cascade" && after !== undefined
          ? cell(after, referencedColumns[at] ?? "")
          : action === "set default"
            ? (column?.default ?? null)
            : null;
      if (value === null && column?.nullable === false)
        throw new RehearsalError("StoreRowInvalid", {
          model: this.#asked.model.name,
          problems: `${name} of "${model.name}" would be NULL, which it may not be`,
        });
      put(changed, name, value);
    }
    return changed;
  }

  async #refersToSomething(relation: StoreRelation, row: Row): Promise<boolean> {
    if (hasNull(row, relation.columns)) return true;
    const to = this.#rows.model(relation.references);
    const wanted = carried(relation.columns, relation.referencedColumns, row);
    return (await this.#rows.find(to, relation.referencedColumns, wanted)).length > 0;
  }

  async #referring({ from, relation }: Pointer, row: Row): Promise<Keyed[]> {
    if (hasNull(row, relation.referencedColumns)) return [];
    const wanted = carried(relation.referencedColumns, relation.columns, row);
    return this.#rows.find(from, relation.columns, wanted);
  }

  #facts(): { model: string; key: string } {
    return { model: this.#asked.model.name, key: JSON.stringify(this.#asked.key) };
  }

  #notUnique(constraint: string): RehearsalError {
    return new RehearsalError("StoreUniqueViolated", { ...this.#facts(), constraint });
  }

  #referred({ from, relation }: Pointer): RehearsalError {
    return new RehearsalError("StoreStillReferenced", {
      ...this.#facts(),
      constraint: relation.name,
      by: from.name,
    });
  }
}

export function keyedOf(model: StoreModel, row: Row): Keyed {
  return { text: keyText(model, row), key: keyRow(model, row) };
}

function hasNull(row: Row, columns: readonly string[]): boolean {
  return columns.some((column) => cell(row, column) === null);
}

function isSame(model: StoreModel, columns: readonly string[], one: Row, other: Row): boolean {
  return indexText(model, columns, one) === indexText(model, columns, other);
}

/** The values under the names that they have at the other end of a relation. */
function carried(from: readonly string[], to: readonly string[], row: Row): Row {
  const there: Record<string, Row[string]> = {};
  for (const [at, name] of to.entries()) put(there, name, cell(row, from[at] ?? ""));
  return there;
}
