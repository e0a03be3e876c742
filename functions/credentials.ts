/**
 * Which of an environment's credentials a step is given. The table is the promise of least privilege: the role of each
 * function may read no other secret (infra/permissions), so who restores cannot reach production, and who decides reaches nothing.
 */
import { type DatabaseAddress, parseDatabaseUrl } from "../core/database-url.ts";
import type { Step } from "../core/steps.ts";
import type { Environment } from "../io/ledger/environments.ts";
import { secrets } from "./clients.ts";
import { readCopiesAddress } from "./copies.ts";

type Credentials = "production" | "copies" | "none";

export const STEP_CREDENTIALS: Readonly<Record<Step, Credentials>> = {
  admit: "production",
  snapshot: "production",
  "back-up": "production",
  restore: "copies",
  rehearse: "copies",
  decide: "none",
  fence: "production",
  migrate: "production",
  verify: "production",
  open: "production",
  "put-away": "copies",
  refuse: "production",
  "roll-back": "production",
  hold: "none",
};

/** The address by which the step opens its sessions; undefined for one that opens none. */
export async function addressFor(step: Step, environment: Environment): Promise<DatabaseAddress | undefined> {
  const given = STEP_CREDENTIALS[step];
  if (given === "none") return undefined;
  if (given === "copies") return readCopiesAddress(environment);
  return parseDatabaseUrl(await secrets.readSecret(environment.secret));
}
