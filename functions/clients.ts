/** The clients of this function's AWS services: made once per sandbox, their SDKs loaded on the first call. */
import { openEventBus } from "../io/event-bus.ts";
import { openFunctions } from "../io/lambda.ts";
import { type ObjectStore, openObjectStore } from "../io/object-store.ts";
import { openSecrets } from "../io/secrets.ts";
import { openStepFunctions } from "../io/step-functions.ts";

export const secrets = openSecrets();
export const stepFunctions = openStepFunctions();
export const eventBus = openEventBus();
export const functions = openFunctions();

/** The artifact bucket, named by REHEARSAL_BUCKET. */
export function artifacts(): ObjectStore {
  store ??= openObjectStore({ bucket: requiredVariable("REHEARSAL_BUCKET") });
  return store;
}
let store: ObjectStore | undefined;

/** What a secret of the service is for: production's own credentials, those for its copies, the way to a destination. */
type SecretUse = "environments" | "copies" | "destinations";

/** The name of a secret. Each use has a prefix of its own, by which the roles of functions are kept apart. */
export function secretName(use: SecretUse, name: string): string {
  return `${process.env.REHEARSAL_SECRETS || "rehearsal"}/${use}/${name}`;
}

/** A variable the service cannot do without. */
export function requiredVariable(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}
