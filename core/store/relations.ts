/** Who points at whom, and in what order models are loaded. */
import type { StoreDefinition, StoreModel, StoreRelation } from "./definition.ts";

/** A relation, with the model that has it. */
export interface Pointer {
  from: StoreModel;
  relation: StoreRelation;
}

/** What points at a model, by the name of the model that is pointed at. */
export function pointersTo(_definition: StoreDefinition): ReadonlyMap<string, readonly Pointer[]> {
  throw new Error("not yet");
}

/** The models so that what is pointed at comes first; those of a circle stand together in one group. */
export function loadOrder(_definition: StoreDefinition): StoreModel[][] {
  throw new Error("not yet");
}

/** A model by its name; throws `StoreModelUnknown`. */
export function modelNamed(_definition: StoreDefinition, _name: string): StoreModel {
  throw new Error("not yet");
}
