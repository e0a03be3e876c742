/** A rehearsal gives way to a promotion: what it still does on the server ends, and its copies leave their room. */
import { listOvertaken } from "../io/ledger/rehearsals.ts";
import { dropScratch } from "../io/postgres/databases.ts";
import { endSessions } from "../io/postgres/end-sessions.ts";
import type { StepContext } from "./step.ts";

/**
 * Before a promotion is admitted: the rehearsals that it has overtaken neither compete with it nor take the disk that it
 * asks for. They find out by themselves, and end as refused.
 */
export async function clearRehearsals(context: StepContext): Promise<void> {
  const overtaken = await listOvertaken(context.ledger, context.promotion.id);
  if (overtaken.length === 0) return;
  const maintenance = await context.openMaintenance();
  try {
    for (const id of overtaken) {
      await endSessions(maintenance, `rehearsal ${id} `);
      await dropScratch(maintenance, id, []);
    }
  } finally {
    await maintenance.close();
  }
}
