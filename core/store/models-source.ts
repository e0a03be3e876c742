/** The TypeScript module that an application imports: the types of its rows, their zod schemas, and the definition. */
import type { StoreDefinition } from "./definition.ts";

/** The module's text; equal for equal definitions. */
export function modelsSource(_definition: StoreDefinition): string {
  throw new Error("not yet");
}
