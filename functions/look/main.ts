/** The function that looks into environments' databases for the API, which may not read their credentials. */
import { RehearsalError } from "../../core/errors.ts";

export function handler(): never {
  throw new RehearsalError("Internal", { reason: "nothing is looked at here yet" });
}
