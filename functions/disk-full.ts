/** A full disk, told as what it is: the statement that met it is not the one to mend. */
import { RehearsalError } from "../core/errors.ts";
import { findDatabase } from "../io/postgres/databases.ts";
import type { StepContext } from "./step.ts";

/** Whatever the server refused because its disk is full becomes `DiskFull`, with the room a promotion needs; anything else stays what it is. */
export async function explainDiskFull(context: StepContext, error: unknown): Promise<unknown> {
  if (!(error instanceof RehearsalError)) return error;
  const { sqlstate, reason, statement, entry } = error.facts as Partial<Record<string, string>>;
  if (sqlstate !== "53100") return error;
  return new RehearsalError(
    "DiskFull",
    {
      reason: reason ?? "",
      statement: statement ?? entry ?? "",
      needed: needed(await sizeOfProduction(context)),
    },
    { cause: error },
  );
}

function needed(production: number | undefined): string {
  const each = production === undefined ? "" : ` of ${Math.ceil(production / 1024 ** 2)} MiB each`;
  return `two copies of the database${each}`;
}

async function sizeOfProduction({ promotion, openMaintenance }: StepContext): Promise<number | undefined> {
  const { production } = promotion.facts;
  if (production === undefined) return undefined;
  try {
    const maintenance = await openMaintenance();
    try {
      return (await findDatabase(maintenance, { oid: production.oid }))?.bytes;
    } finally {
      await maintenance.close();
    }
  } catch {
    // It only rounds off what is told: that the disk is full stands without it, and the server may be in a bad way.
    return undefined;
  }
}
