/** Delete media: the objects of rows that are gone, where no row names them any more and they are what was bundled. */
import type { Json } from "../../core/canonical-json.ts";
import { type PruneRecord, updateRecord } from "../../io/ledger/prune-records.ts";
import type { Session } from "../../io/postgres/session.ts";
import type { PruneBundle } from "../../io/prune-bundle.ts";
import { removeMedia } from "../../io/prune-media.ts";
import { openBundles } from "./bundles.ts";
import { asBatch, type BatchContext, type PruneInput } from "./context.ts";
import { mediaOf } from "./storage.ts";
import { assertSameShape, inTurn } from "./turn.ts";

export async function deleteMedia(ledger: Session, input: PruneInput): Promise<Json> {
  await asBatch(
    ledger,
    input,
    () => ["rows-deleted"],
    async (context) => {
      const bundleOf = openBundles(context.store);
      for (const one of context.records) {
        if (!context.mayGoOn()) return;
        await removeOf(context, one, await bundleOf(one));
      }
    },
  );
  return {};
}

/** In the record's turn: a promotion's rollback puts objects back that were there when it began. */
async function removeOf(
  { ledger, store, prune, environment, target, policyNow, assertNewest, passed }: BatchContext,
  { record, deleted }: PruneRecord,
  { manifest }: PruneBundle,
): Promise<void> {
  const media = manifest.media.filter(({ records }) => records.includes(record));
  const storage = mediaOf(environment.policy);
  await inTurn(ledger, environment.name, async () => {
    await assertNewest(record);
    await assertSameShape(ledger, prune.id, environment);
    let gone: typeof media = [];
    if (media.length > 0 && storage !== undefined) {
      const plan = await target.plan(await policyNow());
      ({ removed: gone } = await removeMedia({
        ...{ session: await target.session(), storage, store, plan, media, passed },
      }));
    }
    // An object of several records is counted with the first of them.
    const own = gone.filter(({ records }) => records[0] === record);
    await updateRecord(
      ledger,
      { prune: prune.id, record },
      {
        status: "media-deleted",
        deleted: {
          rows: deleted?.rows ?? {},
          objects: own.length,
          bytes: own.reduce((sum, { size }) => sum + size, 0),
        },
      },
    );
  });
}
