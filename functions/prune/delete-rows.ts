/** Delete rows: one transaction for each record, in which all is proved once more and the evidence is written. */
import type { Json } from "../../core/canonical-json.ts";
import type { PrunePlan } from "../../core/prune/plan.ts";
import { type PruneRecord, updateRecord } from "../../io/ledger/prune-records.ts";
import { deleteRecord } from "../../io/postgres/prune/delete-record.ts";
import type { Session } from "../../io/postgres/session.ts";
import type { PruneBundle } from "../../io/prune-bundle.ts";
import { openBundles } from "./bundles.ts";
import { refuseHeld } from "./check.ts";
import { asBatch, type BatchContext, orRefused, type PruneInput } from "./context.ts";
import { assertSameShape, assertTurn, inTurn } from "./turn.ts";

export async function deleteRows(ledger: Session, input: PruneInput): Promise<Json> {
  await asBatch(
    ledger,
    input,
    ({ mode }) => (mode === "prune" ? ["bundled"] : []),
    async (context) => {
      const plan = await context.target.plan(await context.policy());
      const bundleOf = openBundles(context.store);
      for (const one of context.records) {
        if (!context.mayGoOn()) return;
        await orRefused(context, one, async () => deleteOne(context, plan, one, await bundleOf(one)));
      }
    },
  );
  return {};
}

/**
 * In the record's turn: no promotion begins, no hold is placed, and no other attempt, until the ledger knows that its rows are
 * gone. A death in between leaves the evidence in the database, by which the next attempt knows it.
 */
async function deleteOne(
  { ledger, prune, environment, target, assertNewest, passed }: BatchContext,
  plan: PrunePlan,
  { record }: PruneRecord,
  bundle: PruneBundle,
): Promise<void> {
  await inTurn(ledger, environment.name, async () => {
    await refuseHeld(ledger, { environment: environment.name, policy: prune.policy, record });
    await assertNewest(record);
    await assertSameShape(ledger, prune.id, environment);
    const { rows } = await deleteRecord({
      ...{ session: await target.session(), plan, bundle, record, act: prune.id },
      mayDelete: () => assertTurn(ledger),
    });
    passed("deleted");
    await updateRecord(
      ledger,
      { prune: prune.id, record },
      { status: "rows-deleted", deleted: { rows, objects: 0, bytes: 0 } },
    );
  });
}
