/**
 * Rebuild: invoked by an operator, never by the service. Proves the ledger's copy in the bucket, says what is in it, or makes of it
 * the ledger of an empty control database.
 */
import * as z from "zod";
import { openLedger } from "../../io/ledger/connection.ts";
import { invoked } from "../../io/telemetry/invocation.ts";
import { artifacts } from "../clients.ts";
import { type LedgerProof, proveLedgerCopy } from "../ledger-proof.ts";
import { type Rebuildable, type Rebuilt, readRebuildable, rebuildLedger } from "../ledger-rebuild.ts";

const requestSchema = z.discriminatedUnion("do", [
  /** Hold the ledger against its copy. */
  z.object({ do: z.literal("verify") }),
  /** Read the copy, and leave the control database alone. */
  z.object({ do: z.literal("preview") }),
  z.object({
    do: z.literal("rebuild"),
    /** The control database's own. */
    migrations: z.array(z.object({ path: z.string(), text: z.string() })).min(1),
  }),
]);

/** Throws what the catalogue has of ledgers and their copies. */
export const handler = invoked(async (event: unknown): Promise<LedgerProof | Rebuildable | Rebuilt> => {
  const request = requestSchema.parse(event);
  if (request.do === "preview") return readRebuildable(artifacts());
  const ledger = await openLedger("rebuild");
  try {
    if (request.do === "verify") return await proveLedgerCopy(ledger, artifacts());
    const files = request.migrations.map(({ path, text }) => ({ path, bytes: Buffer.from(text) }));
    return await rebuildLedger(ledger, artifacts(), files);
  } finally {
    await ledger.close();
  }
});
