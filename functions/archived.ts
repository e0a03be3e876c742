/**
 * What is told of archived records, from wherever: noted first, each word once, then looked at in the database. What is archived
 * there, and whose grace is over, begins its prune; nothing is believed. An early, repeated, late or wrong word changes nothing.
 */
import type { ArchiveEnd, PruneMode } from "../core/prunes.ts";
import {
  type ArchiveEvent,
  endArchiveEvent,
  insertArchiveEvents,
  takeArchiveEvents,
} from "../io/ledger/archive-events.ts";
import { type Environment, findEnvironment } from "../io/ledger/environments.ts";
import { listSettled } from "../io/ledger/prune-records.ts";
import { noteRound, roundIsDue } from "../io/ledger/rounds.ts";
import { forgetArchived, readArchived } from "../io/postgres/acts.ts";
import type { Session } from "../io/postgres/session.ts";
import { timeLeft } from "../io/telemetry/invocation.ts";
import { artifacts } from "./clients.ts";
import { judgeRecords } from "./prune/judge.ts";
import { openTarget, type Target } from "./prune/target.ts";
import { inTurn } from "./prune/turn.ts";
import { insertWithin, startExecution } from "./prune-start.ts";
import { type KnownPolicy, listPolicies, whyUntested } from "./retention-policies.ts";

/** Words that are taken up at once. */
const AT_ONCE = 50;

/** Milliseconds that must be left to fetch more of an outbox. */
const RESERVE = 60_000;

/** Bytes of a record's name: more of it stands in no index. */
const NAME_BYTES = 1_000;

/** Takes up what was told of an environment and what stands in its outbox; returns the prunes that began. */
export async function takeUp(ledger: Session, name: string): Promise<string[]> {
  const environment = await findEnvironment(ledger, name);
  const known = environment === undefined ? [] : await listPolicies(ledger, artifacts(), environment);
  if (environment === undefined) {
    await endAll(ledger, name, "unknown-environment");
    return [];
  }
  const target = await openTarget(environment, `rehearsal archived ${name}`);
  try {
    if (known.length === 0) {
      await emptyOutbox(ledger, environment, target);
      await endAll(ledger, name, "unknown-policy");
      return [];
    }
    await fetchOutbox(ledger, environment, target);
    const begun: string[] = [];
    for (;;) {
      const taken = await inTurn(ledger, name, () => takeSome(ledger, environment, known, target));
      for (const id of taken.prunes) await startExecution(ledger, id);
      begun.push(...taken.prunes);
      if (taken.words < AT_ONCE) return begun;
    }
  } finally {
    await target.close();
  }
}

/** Seconds between two looks into the outbox of an environment without a policy: nothing waits for it, but it must not grow for ever. */
const WITHOUT_POLICY = 86_400;

async function emptyOutbox(ledger: Session, environment: Environment, target: Target): Promise<void> {
  const round = `outbox ${environment.name}`;
  if (!(await roundIsDue(ledger, round, WITHOUT_POLICY))) return;
  // Noted first: a database that is away is left alone until the next one.
  await noteRound(ledger, round);
  await fetchOutbox(ledger, environment, target);
}

/** What triggers have told is noted in the ledger before it is forgotten in the database: at least once, and known when it comes again. */
async function fetchOutbox(ledger: Session, { name }: Environment, target: Target): Promise<void> {
  for (;;) {
    const found = await inTurn(ledger, name, async () => {
      const found = await readArchived(await target.session(), AT_ONCE);
      await insertArchiveEvents(
        ledger,
        found.map(({ id, at, policy, record }) => ({
          // Another state of the database may give the same number again.
          ...{ source: `outbox ${name}`, id: `${id} ${at.toISOString()}`, environment: name, policy, record },
        })),
      );
      return found;
    });
    if (found.length > 0)
      await inTurn(ledger, name, async () =>
        forgetArchived(
          await target.session(),
          found.map(({ id }) => id),
        ),
      );
    // What is left by then is for the next time.
    if (found.length < AT_ONCE || timeLeft() < RESERVE) return;
  }
}

/** One transaction of the ledger: each word has its end, and each prune that one began is there. */
async function takeSome(
  ledger: Session,
  environment: Environment,
  known: readonly KnownPolicy[],
  target: Target,
): Promise<{ words: number; prunes: string[] }> {
  const words = await takeArchiveEvents(ledger, environment.name, AT_ONCE);
  const prunes: string[] = [];
  for (const [policy, told] of Map.groupBy(words, (word) => word.policy)) {
    const one = known.find((each) => each.policy.name === policy);
    const prune = one === undefined ? await end(ledger, told, "unknown-policy") : await begin(one, told);
    if (prune !== undefined) prunes.push(prune);
  }
  return { words: words.length, prunes };

  /** One prune for all of a policy's that are ready. */
  async function begin(one: KnownPolicy, told: readonly ArchiveEvent[]): Promise<string | undefined> {
    const named = [...new Set(told.map(({ record }) => record))].filter(
      (record) => Buffer.byteLength(record) <= NAME_BYTES,
    );
    const judged = await judgeRecords(target, one, named);
    const endOf = (record: string): ArchiveEnd | "ready" => judged.get(record) ?? "unknown-record";
    const ready = named.filter((record) => endOf(record) === "ready");
    const fresh = await unsettled(ledger, environment, one, ready);
    const prune = fresh.length === 0 ? undefined : await beginPrune(ledger, environment, one, fresh);
    const isFresh = new Set(fresh);
    for (const word of told) {
      const became = endOf(word.record);
      if (became !== "ready") await endArchiveEvent(ledger, word, became);
      else if (isFresh.delete(word.record) && prune !== undefined)
        await endArchiveEvent(ledger, word, "prune", prune);
      else await endArchiveEvent(ledger, word, "known");
    }
    return prune;
  }
}

/** Of these records those with which something is left to do: in no prune now, and not at an end that the policy would come to again. */
async function unsettled(
  ledger: Session,
  environment: Environment,
  known: KnownPolicy,
  records: readonly string[],
): Promise<string[]> {
  const { mode } = await modeOf(ledger, environment, known);
  const { policy, digest } = known;
  const of = { environment: environment.name, policy: policy.name, digest, mode };
  const settled = new Set(await listSettled(ledger, of, records));
  return records.filter((record) => !settled.has(record));
}

/** Begins what an event or the clock sets off: it deletes where the policy says so and has been tested, and reports otherwise. */
export async function beginPrune(
  ledger: Session,
  environment: Environment,
  known: KnownPolicy,
  records: readonly string[] | undefined,
): Promise<string> {
  const { mode, modeReason } = await modeOf(ledger, environment, known);
  return insertWithin(ledger, {
    ...{ environment: environment.name, known, mode, by: "schedule" },
    trigger: records === undefined ? "sweep" : "event",
    ...(modeReason !== undefined && { modeReason }),
    ...(records !== undefined && { records }),
  });
}

/** What a prune may do that nobody asked for. */
export async function modeOf(
  ledger: Session,
  environment: Environment,
  known: KnownPolicy,
): Promise<{ mode: PruneMode; modeReason?: string }> {
  if (!known.policy.automate) return { mode: "report", modeReason: "the policy does not say automate: true" };
  const untested = await whyUntested(ledger, environment, known);
  return untested === undefined ? { mode: "prune" } : { mode: "report", modeReason: untested.message };
}

async function end(ledger: Session, words: readonly ArchiveEvent[], became: ArchiveEnd): Promise<undefined> {
  for (const word of words) await endArchiveEvent(ledger, word, became);
}

async function endAll(ledger: Session, environment: string, became: ArchiveEnd): Promise<void> {
  for (;;) {
    const words = await ledger.transaction(async () => {
      const words = await takeArchiveEvents(ledger, environment, AT_ONCE);
      await end(ledger, words, became);
      return words.length;
    });
    if (words < AT_ONCE) return;
  }
}
