/** Sweep: by the clock, what dead attempts have left in the bucket and on the servers is removed, and told in the log. */
import { forgetArchiveEvents } from "../../io/ledger/archive-events.ts";
import { openLedger } from "../../io/ledger/connection.ts";
import { forgetDelivered } from "../../io/ledger/deliveries.ts";
import { removeEndedCounters } from "../../io/ledger/limits.ts";
import { invoked } from "../../io/telemetry/invocation.ts";
import { artifacts } from "../clients.ts";
import { type Swept, sweep } from "../sweep.ts";

/** Days that the ledger knows of a notice that arrived. */
const NOTICES_KEPT = 90;

/** Days that the ledger knows of a word of an archived record: a bus repeats itself for one, at most. */
const WORDS_KEPT = 90;

/** Returns what was removed. */
export const handler = invoked(async (): Promise<Swept> => {
  const ledger = await openLedger("sweep");
  try {
    await removeEndedCounters(ledger);
    await forgetDelivered(ledger, NOTICES_KEPT);
    await forgetArchiveEvents(ledger, WORDS_KEPT);
    return await sweep(ledger, artifacts());
  } finally {
    await ledger.close();
  }
});
