/** The function of all prunes: one file per state of the machine beside this one. */
import type { Json } from "../../core/canonical-json.ts";
import { openLedger } from "../../io/ledger/connection.ts";
import type { Session } from "../../io/postgres/session.ts";
import { invoked } from "../../io/telemetry/invocation.ts";
import { openTraces } from "../../io/telemetry/trace.ts";
import { bundle } from "./bundle.ts";
import { candidates } from "./candidates.ts";
import { check } from "./check.ts";
import { close } from "./close.ts";
import type { PruneInput } from "./context.ts";
import { deleteMedia } from "./delete-media.ts";
import { deleteRows } from "./delete-rows.ts";
import { giveUp } from "./give-up.ts";
import { note } from "./note.ts";
import { report } from "./report.ts";
import { restore } from "./restore.ts";
import { select } from "./select.ts";

const STATES: Readonly<Record<string, (ledger: Session, input: PruneInput) => Promise<Json>>> = {
  select,
  check,
  candidates,
  bundle,
  "delete-rows": deleteRows,
  "delete-media": deleteMedia,
  note,
  restore,
  "give-up": giveUp,
  report,
  close,
};

export const handler = invoked(async (input: PruneInput): Promise<Json> => {
  const work = STATES[input.state];
  if (work === undefined) throw new Error(`a prune has no state "${input.state}"`);
  await openTraces();
  const ledger = await openLedger(`${input.prune} ${input.state}`);
  try {
    return await work(ledger, input);
  } finally {
    await ledger.close();
  }
});
