/** The copy that a rollback would swap in, where the policy says that none waits: it goes when the rehearsal is done with it. */
import { dropDatabase, findDatabase } from "../io/postgres/databases.ts";
import { neededFact } from "./facts.ts";
import { asNewest } from "./older-attempts.ts";
import type { StepContext } from "./step.ts";

/** Drops the copy if it is there; the backups in the bucket stay. */
export async function giveUpCopy(context: StepContext): Promise<void> {
  const { oid } = neededFact(context.promotion, "pristine");
  const maintenance = await context.openMaintenance();
  try {
    await asNewest(context, async () => {
      const found = await findDatabase(maintenance, { oid });
      if (found !== undefined) await dropDatabase(maintenance, found.name);
    });
  } finally {
    await maintenance.close();
  }
}
