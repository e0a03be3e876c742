/** What a store holds its rows to among each other: keys that may be there once, and keys that have to be there. */
import type { StoreDefinition, StoreModel } from "../../../core/store/definition.ts";
import { pointersTo } from "../../../core/store/relations.ts";
import { cell } from "../../../core/store/rows.ts";
import type { Row } from "../../../core/store/store.ts";
import type { ModelVerification } from "../../../core/store/verification.ts";

/** A key that rows of a model have: the primary one, a unique one, or one that others point at. */
export interface Target {
  id: string;
  columns: readonly string[];
  /** Counted where it may not be there twice. */
  unique?: { name: string; twice: number; nullsNotDistinct: boolean };
}

/** What points from a model. */
export interface Reference {
  /** Of the target. */
  id: string;
  columns: readonly string[];
  told: ModelVerification["relations"][number];
}

export interface Rules {
  model: StoreModel;
  targets: Target[];
  references: Reference[];
}

/** Of each model, with nothing counted yet. */
export function rulesOf(definition: StoreDefinition): Rules[] {
  const pointers = pointersTo(definition);
  return definition.models.map((model) => {
    const targets: Target[] = [
      {
        ...{ id: idOf(model.name, model.key), columns: model.key },
        unique: { name: "primary key", twice: 0, nullsNotDistinct: false },
      },
      ...model.unique.map(({ name, columns, nullsNotDistinct = false }) => ({
        ...{ id: `${idOf(model.name, columns)} ${name}`, columns },
        unique: { name, twice: 0, nullsNotDistinct },
      })),
    ];
    for (const { relation } of pointers.get(model.name) ?? []) {
      const id = idOf(model.name, relation.referencedColumns);
      if (!targets.some((target) => target.id === id))
        targets.push({ id, columns: relation.referencedColumns });
    }
    const references = model.relations.map(
      ({ name, columns, references: to, referencedColumns, onDelete }) => ({
        ...{ id: idOf(to, referencedColumns), columns },
        told: { name, references: to, onDelete, rows: 0, orphans: 0 },
      }),
    );
    return { model, targets, references };
  });
}

function idOf(model: string, columns: readonly string[]): string {
  return JSON.stringify([model, ...columns]);
}

/** Such a key is none. */
export function hasNull(row: Row, columns: readonly string[]): boolean {
  return columns.some((column) => cell(row, column) === null);
}
