/** Select: the policy as it is now, and the batches of this round, each with the time before which it does not begin. */
import type { Json } from "../../core/canonical-json.ts";
import { RehearsalError } from "../../core/errors.ts";
import { insertRecords, listOpenBatches } from "../../io/ledger/prune-records.ts";
import { addPruneFacts, type Prune, type PruneFacts, turnToReport } from "../../io/ledger/prunes.ts";
import type { Session } from "../../io/postgres/session.ts";
import { timeLeft } from "../../io/telemetry/invocation.ts";
import { BATCH } from "../prune-start.ts";
import { findPolicy, type KnownPolicy, whyUntested } from "../retention-policies.ts";
import { readBacklog } from "./backlog.ts";
import { asWhole, type PruneInput, type WholeContext } from "./context.ts";
import { openTarget } from "./target.ts";
import { inTurn } from "./turn.ts";

/** Batches of one round: what they have done is in the ledger, so a round is only as long as its list travels well. */
const ROUND = 25;

/** Batches of one prune: an execution's history is finite, and the rest is another sweep's. */
const MOST_BATCHES = 400;

export async function select(ledger: Session, input: PruneInput): Promise<Json> {
  const selected = await asWhole(ledger, input, async (context) => {
    const { prune } = context;
    // What is brought back is known by its bundles, whatever the policy says now.
    if (prune.mode === "restore") return round(context, prune, undefined);
    const known = await findPolicy(context.store, context.environment, prune.policy);
    const open = await listOpenBatches(ledger, prune.id);
    if (known.digest !== prune.digest && open.length === 0)
      throw new RehearsalError("PolicyChanged", {
        ...{ policy: prune.policy, environment: prune.environment, prune: prune.id },
      });
    const untested =
      prune.mode === "prune" ? await whyUntested(ledger, context.environment, known) : undefined;
    if (untested !== undefined)
      await context.asNewest(() => turnToReport(ledger, prune.id, untested.message));
    return round(context, { ...prune, ...(untested && { mode: "report" }) }, known);
  });
  // It has ended: an invocation that was delivered late has nothing to select.
  return selected ?? { mode: "report", batches: [], more: false };
}

async function round(
  context: WholeContext,
  prune: Prune,
  known: KnownPolicy | undefined,
): Promise<{ mode: string; batches: { batch: number; at: string }[]; more: boolean }> {
  const { ledger } = context;
  let open = await listOpenBatches(ledger, prune.id);
  let more = false;
  if (open.length === 0 && known !== undefined && prune.facts.named !== true) {
    more = await takeMore(context, prune, known);
    open = await listOpenBatches(ledger, prune.id);
  }
  context.passed("taken");
  const rate = prune.trigger === "sweep" ? known?.policy.rate : undefined;
  return { mode: prune.mode, batches: await context.asNewest((now) => paced(ledger, now, open, rate)), more };
}

/** Takes records of the backlog into as many batches as a round has; true when there are more. */
async function takeMore(context: WholeContext, prune: Prune, known: KnownPolicy): Promise<boolean> {
  const { ledger, environment } = context;
  const target = await openTarget(environment, `rehearsal ${prune.id} select`);
  try {
    const { batches = 0, limit = Number.POSITIVE_INFINITY, taken = 0, after } = prune.facts;
    const room = Math.min(ROUND * BATCH, limit - taken, (MOST_BATCHES - batches) * BATCH);
    if (room <= 0) {
      await context.asNewest(() => addPruneFacts(ledger, prune.id, { more: true }));
      return false;
    }
    const found = await inTurn(ledger, environment.name, () =>
      readBacklog(ledger, environment, known, target, {
        most: room,
        mode: prune.mode,
        mayGoOn: () => timeLeft() > 60_000,
        ...(after !== undefined && { after }),
      }),
    );
    return await context.asNewest(async () => {
      let number = batches;
      for (let from = 0; from < found.records.length; from += BATCH)
        await insertRecords(ledger, prune, ++number, found.records.slice(from, from + BATCH));
      const facts: PruneFacts = {
        batches: number,
        taken: taken + found.records.length,
        ...(found.after !== undefined && { after: found.after }),
      };
      await addPruneFacts(ledger, prune.id, facts);
      return !found.end;
    });
  } finally {
    await target.close();
  }
}

/** Each batch's time, so that a sweep takes no more records in a minute than the policy says; by the ledger's clock. */
async function paced(
  ledger: Session,
  { id, facts }: Prune,
  batches: readonly number[],
  rate: number | undefined,
): Promise<{ batch: number; at: string }[]> {
  const [row] = await ledger.query<{ now: Date }>("select clock_timestamp() as now");
  const now = row?.now.getTime() ?? Date.now();
  let next = Math.max(now, facts.nextAt === undefined ? 0 : Date.parse(facts.nextAt));
  const timed = batches.map((batch) => {
    const at = new Date(next).toISOString();
    if (rate !== undefined) next += (BATCH * 60_000) / rate;
    return { batch, at };
  });
  await addPruneFacts(ledger, id, { nextAt: new Date(next).toISOString() });
  return timed;
}
