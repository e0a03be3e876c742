/** Restore: what a prune deleted comes back from its bundle: media first, so that no row names what is not there. */
import type { Json } from "../../core/canonical-json.ts";
import { RehearsalError } from "../../core/errors.ts";
import { appendEvent } from "../../io/ledger/events.ts";
import { markRestored, type PruneRecord, readRecord, updateRecord } from "../../io/ledger/prune-records.ts";
import { restoreRecord } from "../../io/postgres/prune/restore-record.ts";
import type { Session } from "../../io/postgres/session.ts";
import type { PruneBundle } from "../../io/prune-bundle.ts";
import { restoreMedia } from "../../io/prune-media.ts";
import { openBundles } from "./bundles.ts";
import { asBatch, type BatchContext, orRefused, type PruneInput } from "./context.ts";
import { mediaOf } from "./storage.ts";
import { assertTurn, inTurn } from "./turn.ts";

export async function restore(ledger: Session, input: PruneInput): Promise<Json> {
  await asBatch(
    ledger,
    input,
    () => ["waiting"],
    async (context) => {
      const bundleOf = openBundles(context.store);
      const of = context.prune.restores ?? "";
      for (const one of context.records) {
        if (!context.mayGoOn()) return;
        await orRefused(context, one, async () =>
          restoreOne(context, one, await bundleOf(await readRecord(ledger, of, one.record))),
        );
      }
    },
  );
  return {};
}

/** In the record's turn. Its own prune knows afterwards that it came back, and by whom. */
async function restoreOne(
  { ledger, store, prune, environment, target, assertNewest, passed }: BatchContext,
  { record }: PruneRecord,
  bundle: PruneBundle,
): Promise<void> {
  const media = bundle.manifest.media.filter(({ records }) => records.includes(record));
  const storage = mediaOf(environment.policy);
  await inTurn(ledger, environment.name, async () => {
    await assertNewest(record);
    if (media.length > 0 && storage === undefined)
      throw new RehearsalError("RecordUnready", {
        record,
        reason: "the environment's policy names no bucket for its media any more",
      });
    if (storage !== undefined) await restoreMedia(storage, store, media);
    passed("media");
    const { rows } = await restoreRecord({
      ...{ session: await target.session(), bundle, store, record, act: prune.id },
      mayRestore: () => assertTurn(ledger),
    });
    passed("rows");
    const own = media.filter(({ records }) => records[0] === record);
    const deleted = { rows, objects: own.length, bytes: own.reduce((sum, { size }) => sum + size, 0) };
    await updateRecord(ledger, { prune: prune.id, record }, { status: "restored", deleted });
    await markRestored(ledger, { prune: prune.restores ?? "", record }, prune.id);
    await appendEvent(ledger, {
      type: "record.restored",
      environment: environment.name,
      data: { prune: prune.id, of: prune.restores, policy: prune.policy, record, restored: { ...deleted } },
    });
  });
  passed("noted");
}
