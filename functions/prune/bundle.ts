/** Bundle: what goes is written, sealed and read back, before anything of it is deleted. */
import type { Json } from "../../core/canonical-json.ts";
import type { PrunePlan } from "../../core/prune/plan.ts";
import type { PruneRecord } from "../../io/ledger/prune-records.ts";
import { readCandidates } from "../../io/postgres/prune/candidates.ts";
import type { Session } from "../../io/postgres/session.ts";
import { openBundle, type PruneBundle, verifyBundle, writeBundle } from "../../io/prune-bundle.ts";
import { asBatch, type BatchContext, isItsOwn, orRefused, type PruneInput } from "./context.ts";
import { mediaOf } from "./storage.ts";

export async function bundle(ledger: Session, input: PruneInput): Promise<Json> {
  await asBatch(
    ledger,
    input,
    ({ mode }) => (mode === "prune" ? ["ready"] : []),
    async (context) => {
      const plan = await context.target.plan(await context.policy());
      await bundleTogether(context, plan, context.records);
    },
  );
  return {};
}

/** One bundle for all of them; where something is wrong with one, each has its own, so that only that one is left. */
async function bundleTogether(
  context: BatchContext,
  plan: PrunePlan,
  records: readonly PruneRecord[],
): Promise<void> {
  let sealed: PruneBundle;
  try {
    sealed = await write(context, plan, records);
  } catch (error) {
    if (records.length === 1 || !isItsOwn(error)) throw error;
    for (const one of records) {
      if (!context.mayGoOn()) return;
      await orRefused(context, one, () => bundleTogether(context, plan, [one]));
    }
    return;
  }
  context.passed("sealed");
  const { manifest } = sealed;
  const bytes = [...manifest.tables.map(({ rows }) => rows), ...manifest.media].reduce(
    (sum, { size }) => sum + size,
    0,
  );
  for (const { record } of records)
    await context.move(record, { status: "bundled", bundle: { ...sealed.sealed, bytes } });
}

async function write(
  { prune, attempt, store, target, environment }: BatchContext,
  plan: PrunePlan,
  records: readonly PruneRecord[],
): Promise<PruneBundle> {
  const session = await target.session();
  const names = records.map(({ record }) => record);
  const storage = mediaOf(environment.policy);
  const sealed = await writeBundle({
    ...{ session, plan, store },
    ...(storage && { storage }),
    prefix: `prunes/${prune.id}/bundles/${attempt.batch}/`,
    candidates: await readCandidates(session, plan, names),
  });
  const opened = await openBundle(store, sealed);
  await verifyBundle(store, opened);
  return opened;
}
