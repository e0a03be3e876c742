/** The clients of this function's AWS services: made once per sandbox, their SDKs loaded on the first call. */
import { openEventBus } from "../io/event-bus.ts";
import { type ObjectStore, openObjectStore } from "../io/object-store.ts";
import { openSecrets } from "../io/secrets.ts";
import { openStepFunctions } from "../io/step-functions.ts";

export const secrets = openSecrets();
export const stepFunctions = openStepFunctions();
export const eventBus = openEventBus();

/** The artifact bucket, named by REHEARSAL_BUCKET. */
export function artifacts(): ObjectStore {
  store ??= openObjectStore({ bucket: requiredVariable("REHEARSAL_BUCKET") });
  return store;
}
let store: ObjectStore | undefined;

/** A variable the service cannot do without. */
export function requiredVariable(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}
