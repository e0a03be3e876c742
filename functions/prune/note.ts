/** Note: that a record was pruned stands in the log, with what went and the seal of its bundle; once, whoever repeats it. */
import type { Json } from "../../core/canonical-json.ts";
import { appendEvent } from "../../io/ledger/events.ts";
import { updateRecord } from "../../io/ledger/prune-records.ts";
import type { Session } from "../../io/postgres/session.ts";
import { asBatch, type PruneInput } from "./context.ts";

export async function note(ledger: Session, input: PruneInput): Promise<Json> {
  await asBatch(
    ledger,
    input,
    () => ["media-deleted"],
    async ({ prune, records, assertNewest, passed }) => {
      for (const { record, deleted, bundle } of records) {
        await ledger.transaction(async () => {
          await assertNewest(record);
          await updateRecord(ledger, { prune: prune.id, record }, { status: "pruned" });
          await appendEvent(ledger, {
            type: "record.pruned",
            environment: prune.environment,
            data: {
              ...{ prune: prune.id, policy: prune.policy, record },
              ...(deleted && { deleted: { ...deleted } }),
              ...(bundle && { bundle: { key: bundle.key, sha256: bundle.sha256 } }),
            },
            announce: true,
          });
        });
        passed("noted");
      }
    },
  );
  return {};
}
