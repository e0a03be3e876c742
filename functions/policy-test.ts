/**
 * A retention policy put to a restored copy: the engine that would prune production prunes the copy, and everything that has to
 * stay is held against what was there before; then all is brought back, and held against it again. The environment's bucket
 * is read for the bundle, and nothing in it is written or deleted.
 */
import { type Baseline, describeBaselineDifference } from "../core/baseline.ts";
import { RehearsalError } from "../core/errors.ts";
import {
  addSums,
  differencesOf,
  isSampled,
  type PolicyTestReport,
  type Sums,
  without,
} from "../core/policy-test.ts";
import { planRetention } from "../core/prune/check.ts";
import type { PrunePlan } from "../core/prune/plan.ts";
import { fingerprint } from "../core/shape.ts";
import { readBaseline } from "../io/postgres/baseline.ts";
import { drawTransaction, sumOlderRows, sumRows } from "../io/postgres/candidate-sums.ts";
import { listFeeds } from "../io/postgres/feed.ts";
import { findBrokenKeys } from "../io/postgres/foreign-keys.ts";
import { countBacklog, listBacklog } from "../io/postgres/prune/backlog.ts";
import { readCandidates } from "../io/postgres/prune/candidates.ts";
import { deleteRecord } from "../io/postgres/prune/delete-record.ts";
import { checkIntact } from "../io/postgres/prune/intact.ts";
import { restoreRecord } from "../io/postgres/prune/restore-record.ts";
import type { Session } from "../io/postgres/session.ts";
import { readShape } from "../io/postgres/shape.ts";
import { openBundle, type PruneBundle, verifyBundle, writeBundle } from "../io/prune-bundle.ts";
import type { MediaStorage } from "../io/prune-media.ts";
import type { KnownPolicy } from "./retention-policies.ts";
import type { TaskRun } from "./task.ts";
import { secondsSince } from "./task-copy.ts";

/** Records of a bundle. */
const BATCH = 50;

/** Problems that are told. */
const TOLD = 100;

export interface PolicyTest {
  context: TaskRun;
  /** On the copy. */
  copy: Session;
  /** Of the environment; undefined where its policy names none. */
  storage: MediaStorage | undefined;
  known: KnownPolicy;
  /** What the copy holds. */
  before: Baseline;
  /** At most so many records. */
  wanted: number;
  /** Below which the bundles of the test are written. */
  prefix: string;
}

/** What came of it; what it is about, whoever asked for it tells. */
export type Tested = Omit<PolicyTestReport, "format" | "environment" | "backup">;

/** Throws `RetentionRefused` where the policy does not fit the copy's shape, and what the engine throws. */
export async function testPolicy(test: PolicyTest): Promise<Tested> {
  const { copy, known, context } = test;
  const shape = await readShape(copy);
  const plan = planRetention(known.policy, known.inventory, shape);
  const { due, records } = await chooseRecords(copy, plan, test.wanted);
  const problems: string[] = [];
  const intact = await intactOf(test, plan, records);
  if (intact.records.length === 0)
    problems.push(
      records.length === 0
        ? "no record of the backup is archived and past its grace, so nothing was proved"
        : `of no record everything that has to stay is intact, so nothing was proved: ${intact.problems[0] ?? ""}`,
    );

  const since = await drawTransaction(copy);
  const [pruned, prune] = await timed(() => pruneAll(test, plan, intact.records));
  problems.push(...pruned.problems);
  context.passed("pruned");
  let [compare, putBack, told] = [0, 0, 0];
  // What stopped half-way would only be told of once more.
  if (pruned.problems.length === 0) {
    const [gone, first] = await timed(async () => {
      const found = await compared(test, plan, since, without(test.before, pruned.sums));
      const after = await intactOf(test, plan, intact.records);
      return { ...found, problems: [...found.problems, ...after.problems] };
    });
    problems.push(...gone.problems.map((problem) => `after the pruning ${problem}`));
    const [failed, back] = await timed(() => putBackAll(test, pruned.bundles));
    problems.push(...failed);
    context.passed("put-back");
    const [again, second] = await timed(() => compared(test, plan, since, test.before));
    problems.push(...again.problems.map((problem) => `after the bringing back ${problem}`));
    [compare, putBack, told] = [first + second, back, gone.told];
  }
  return {
    policy: known.policy.name,
    ...{ release: known.release, digest: known.digest, fingerprint: fingerprint(shape) },
    passed: problems.length === 0,
    problems: problems.slice(0, TOLD),
    records: { due, tested: intact.records.length, left: records.length - intact.records.length },
    ...{ rows: pruned.rows, objects: pruned.objects, bytes: pruned.bytes, kept: pruned.kept, told },
    seconds: { restore: 0, prune, compare: Math.round(compare * 1_000) / 1_000, putBack },
  };
}

/** What the work gives, and how many seconds it took. */
async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const started = performance.now();
  const result = await work();
  return [result, secondsSince(started)];
}

/** As many as are wanted, spread evenly over the backlog. */
async function chooseRecords(copy: Session, plan: PrunePlan, wanted: number) {
  const due = await countBacklog(copy, plan);
  const records: string[] = [];
  let place = 0;
  for (let after: string | null | undefined; after !== null; ) {
    const page: { records: string[]; next: string | null } = await listBacklog(copy, plan, {
      limit: 1_000,
      ...(after !== undefined && { after }),
    });
    for (const record of page.records) if (isSampled(place++, due, wanted)) records.push(record);
    after = page.next;
  }
  return { due, records };
}

async function intactOf({ copy, storage }: PolicyTest, plan: PrunePlan, records: readonly string[]) {
  const found: { records: string[]; problems: string[] } = { records: [], problems: [] };
  for (const batch of batchesOf(records))
    for (const [record, problems] of await checkIntact(copy, storage, plan, batch)) {
      if (problems.length === 0) found.records.push(record);
      found.problems.push(...problems.map((problem) => `record ${record}: ${problem}`));
    }
  return found;
}

interface Pruned {
  bundles: { bundle: PruneBundle; records: readonly string[] }[];
  /** Of what the candidates said would go, counted and hashed before it went. */
  sums: Sums;
  rows: Record<string, number>;
  kept: Record<string, number>;
  objects: number;
  bytes: number;
  problems: string[];
}

/** Stops at the first batch in which something is refused. */
async function pruneAll(test: PolicyTest, plan: PrunePlan, records: readonly string[]): Promise<Pruned> {
  const { context, copy, storage, prefix } = test;
  const { store, task } = context;
  const all: Pruned = { bundles: [], sums: {}, rows: {}, kept: {}, objects: 0, bytes: 0, problems: [] };
  for (const [place, batch] of batchesOf(records).entries()) {
    const candidates = await readCandidates(copy, plan, batch);
    await count(copy, plan, candidates, all);
    const bundle = await orProblem(all.problems, "the bundle", async () => {
      const sealed = await writeBundle({
        ...{ session: copy, plan, store, candidates },
        ...(storage !== undefined && { storage }),
        prefix: `${prefix}${place + 1}/`,
      });
      const opened = await openBundle(store, sealed);
      await verifyBundle(store, opened);
      return opened;
    });
    if (bundle === undefined) return all;
    for (const record of batch) {
      await orProblem(all.problems, `record ${record}`, () =>
        deleteRecord({ session: copy, plan, bundle, record, act: task.id }),
      );
      context.progress({ done: { bytes: all.bytes, rows: rowsOf(all) }, now: `pruning ${record}` });
    }
    all.bundles.push({ bundle, records: batch });
    if (all.problems.length > 0) return all;
  }
  return all;
}

const rowsOf = ({ rows }: Pick<Pruned, "rows">) => Object.values(rows).reduce((sum, count) => sum + count, 0);

/** Refusals that are about what the policy or the database would do, and not about how the test went. */
const OWN: ReadonlySet<string> = new Set([
  "PruneStale",
  "PruneReachedMore",
  "PruneMediaDiffers",
  "RestoreDiffers",
  "StatementFailed",
]);

/** Does the work; what is refused of it is a problem, and undefined is what comes of it. */
async function orProblem<T>(
  problems: string[],
  what: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RehearsalError) || !OWN.has(error.code)) throw error;
    problems.push(`${what}: ${error.message}`);
    return undefined;
  }
}

/** What the candidates say will go, counted and hashed where it lies: told by another way than the deletion takes. */
async function count(
  copy: Session,
  plan: PrunePlan,
  { records, objects }: Awaited<ReturnType<typeof readCandidates>>,
  all: Pruned,
): Promise<void> {
  const going = Map.groupBy(
    records.flatMap((record) => record.going),
    ({ table }) => table,
  );
  for (const [name, some] of going) {
    const table = plan.prune.find(({ table }) => table.quoted === name)?.table;
    if (table === undefined) throw new Error(`${name} is a candidate, and no table of the plan`);
    const keys = some.flatMap((one) => one.keys);
    all.rows[name] = (all.rows[name] ?? 0) + keys.length;
    const primaryKey = table.primaryKey.map((column) => ({
      name: column,
      type: table.columns.find(({ name }) => name === column)?.type ?? "text",
    }));
    addSums(all.sums, await sumRows(copy, { table: name, primaryKey, keys }));
  }
  for (const { table } of records.flatMap((record) => record.kept))
    all.kept[table] = (all.kept[table] ?? 0) + 1;
  all.objects += objects.length;
  all.bytes += objects.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
}

/** What was refused on the way. */
async function putBackAll({ context, copy }: PolicyTest, bundles: Pruned["bundles"]): Promise<string[]> {
  const { store, task } = context;
  const problems: string[] = [];
  for (const { bundle, records } of bundles)
    for (const record of records) {
      await orProblem(problems, `record ${record}`, () =>
        restoreRecord({ session: copy, bundle, store, record, act: task.id }),
      );
      context.progress({ done: { bytes: 0, rows: 0 }, now: `bringing back ${record}` });
    }
  return problems;
}

/** Holds the copy against what has to be there. What triggers tell of the work in the note's table and in change feeds is counted, and no difference. */
async function compared(
  { copy, context }: PolicyTest,
  plan: PrunePlan,
  since: string,
  expected: Baseline,
): Promise<{ problems: string[]; told: number }> {
  const held = await readBaseline(copy, { onProgress: context.progress });
  const telling = new Set([
    ...(plan.note === undefined ? [] : [plan.note.at.quoted]),
    ...(await listFeeds(copy)),
  ]);
  const tables = { ...held.tables };
  let told = 0;
  for (const table of telling) {
    const { older, newer } = await sumOlderRows(copy, table, since);
    Object.assign(tables, older);
    told += newer;
  }
  const actual: Baseline = { ...held, tables };
  const broken = await findBrokenKeys(copy);
  return {
    problems: [
      ...differencesOf(expected, actual).map(describeBaselineDifference),
      ...broken.map(
        ({ table, constraint, rows }) => `${constraint} of ${table} has ${rows} rows that point at nothing`,
      ),
    ],
    told,
  };
}

function batchesOf<T>(all: readonly T[]): T[][] {
  const batches: T[][] = [];
  for (let from = 0; from < all.length; from += BATCH) batches.push(all.slice(from, from + BATCH));
  return batches;
}
