/** What an operator may ask about the ledger's copy, wherever it is asked: in the function of a deployment, or on their own machine. */
import * as z from "zod";
import { openLedger } from "../io/ledger/connection.ts";
import type { TellRead } from "../io/ledger/rebuild.ts";
import { artifacts } from "./clients.ts";
import { type LedgerProof, proveLedgerCopy } from "./ledger-proof.ts";
import { type Rebuildable, type Rebuilt, readRebuildable, rebuildLedger } from "./ledger-rebuild.ts";

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
export async function answerLedgerRequest(
  asked: unknown,
  tell?: TellRead,
): Promise<LedgerProof | Rebuildable | Rebuilt> {
  const request = requestSchema.parse(asked);
  if (request.do === "preview") return readRebuildable(artifacts(), tell);
  const ledger = await openLedger("rebuild");
  try {
    if (request.do === "verify") return await proveLedgerCopy(ledger, artifacts());
    const files = request.migrations.map(({ path, text }) => ({ path, bytes: Buffer.from(text) }));
    return await rebuildLedger(ledger, artifacts(), files, tell);
  } finally {
    await ledger.close();
  }
}
