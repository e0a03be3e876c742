/** Who may run an environment's queries. */
import { type Actor, may, type Permission } from "../core/access.ts";
import { readEnvironment } from "../io/ledger/environments.ts";
import type { Session } from "../io/postgres/session.ts";

/**
 * What running one takes of the actor: their rows are production's, as a backup's are, so it is what takes those; only where
 * the environment's policy opens its queries to viewers it is no more than reading.
 */
export async function permissionToQuery(
  ledger: () => Promise<Session>,
  actor: Actor,
  environment: string,
): Promise<Permission> {
  if (may(actor, "promote", environment) || !may(actor, "read", environment)) return "promote";
  const { policy } = await readEnvironment(await ledger(), environment);
  return policy.queries.viewers ? "read" : "promote";
}
