/** Seeds are made-up data for development: production never gets any, whoever asks. */
import { RehearsalError } from "../core/errors.ts";
import type { Environment } from "../io/ledger/environments.ts";

/** Throws `SeedsOnProd`. */
export function refuseSeedsOnProd(environment: Pick<Environment, "name" | "role">, seed: boolean): void {
  if (seed && environment.role === "prod")
    throw new RehearsalError("SeedsOnProd", { environment: environment.name });
}
