/** Who points at whom, and in what order models are loaded. */
import { RehearsalError } from "../errors.ts";
import type { StoreDefinition, StoreModel, StoreRelation } from "./definition.ts";

/** A relation, with the model that has it. */
export interface Pointer {
  from: StoreModel;
  relation: StoreRelation;
}

/** What points at a model, by the name of the model that is pointed at. */
export function pointersTo(definition: StoreDefinition): ReadonlyMap<string, readonly Pointer[]> {
  const pointers = new Map<string, Pointer[]>();
  for (const from of definition.models)
    for (const relation of from.relations) {
      const known = pointers.get(relation.references);
      if (known === undefined) pointers.set(relation.references, [{ from, relation }]);
      else known.push({ from, relation });
    }
  return pointers;
}

/** The models so that what is pointed at comes first; those of a circle stand together in one group. */
export function loadOrder({ models }: StoreDefinition): StoreModel[][] {
  const targets = new Map(
    models.map(({ name, relations }) => [name, new Set(relations.map(({ references }) => references))]),
  );
  const reached = new Map(models.map(({ name }) => [name, reachedFrom(name, targets)]));
  const groups: StoreModel[][] = [];
  const placed = new Set<string>();
  for (const model of models) if (!placed.has(model.name)) place(model);
  return groups;

  function place(model: StoreModel): void {
    const mine = reached.get(model.name) ?? new Set();
    const group = models.filter(
      ({ name }) => name === model.name || (mine.has(name) && reached.get(name)?.has(model.name)),
    );
    for (const { name } of group) placed.add(name);
    for (const other of models) if (mine.has(other.name) && !placed.has(other.name)) place(other);
    groups.push(group);
  }
}

/** A model by its name; throws `StoreModelUnknown`. */
export function modelNamed({ models }: StoreDefinition, name: string): StoreModel {
  const found = models.find((model) => model.name === name);
  if (found === undefined) throw new RehearsalError("StoreModelUnknown", { model: name });
  return found;
}

function reachedFrom(name: string, targets: ReadonlyMap<string, ReadonlySet<string>>): Set<string> {
  const reached = new Set<string>();
  const left = [name];
  for (let next = left.pop(); next !== undefined; next = left.pop())
    for (const target of targets.get(next) ?? [])
      if (!reached.has(target)) {
        reached.add(target);
        left.push(target);
      }
  return reached;
}
