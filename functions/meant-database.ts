/** Whether a task's address still leads to the database that its environment was registered with. */
import type { DatabaseAddress } from "../core/database-url.ts";
import type { Environment } from "../io/ledger/environments.ts";
import { openSession } from "../io/postgres/session.ts";
import { assertIdentity, readIdentity } from "../io/postgres/target-schema.ts";

/** Throws `IdentityMismatch` for any other database. */
export async function assertMeant(
  environment: Environment,
  address: DatabaseAddress,
  application: string,
): Promise<void> {
  const session = await openSession(address, {
    application,
    patienceSeconds: environment.policy.patience,
  });
  try {
    assertIdentity(await readIdentity(session), environment);
  } finally {
    await session.close();
  }
}
