/** Pruning archived records, proved, bundled and one transaction each, beside one DELETE that somebody wrote by hand and that proves and keeps nothing. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { DatabaseAddress } from "../core/database-url.ts";
import { inventorySchema } from "../core/inventory-schema.ts";
import { planRetention } from "../core/prune/check.ts";
import { type RetentionPolicy, understandRetention } from "../core/prune/policy.ts";
import { type ObjectStore, openObjectStore } from "../io/object-store.ts";
import { listBacklog } from "../io/postgres/prune/backlog.ts";
import { readCandidates } from "../io/postgres/prune/candidates.ts";
import { deleteRecord } from "../io/postgres/prune/delete-record.ts";
import { openSession, type Session } from "../io/postgres/session.ts";
import { readShape } from "../io/postgres/shape.ts";
import { installIdentity } from "../io/postgres/target-schema.ts";
import { openBundle, verifyBundle, writeBundle } from "../io/prune-bundle.ts";
import { startOwnBucket } from "../local/own-bucket.ts";
import { MAJORS, startPostgres } from "../local/postgres.ts";
import { onDatabase } from "./database.ts";
import { middle } from "./middle.ts";
import { describeMachine, writeSection } from "./page.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const ROOT = join(import.meta.dirname, "..");
const BATCH = 100;
/** Records, and ten times as many. */
const SIZES = [300, 3_000];

interface Measured {
  records: number;
  rows: number;
  /** Seconds: all of it; what comes before anything is deleted; the deletions alone. */
  ours: number;
  before: number;
  deleting: number;
  byHand: number;
  /** The most that was held behind a batch, in bytes: what a collector that is in no hurry leaves lying is not counted. */
  memory: number;
}

/** Writes its part of docs/performance.md when there are three runs and more. False when the memory grew with the rows. */
export async function benchPrune({ json, runs }: { json: boolean; runs: number }): Promise<boolean> {
  const began = loadavg()[0] ?? 0;
  const measured: Measured[][] = [];
  for (let run = 0; run < runs; run++) measured.push(await measureOnce());
  const sizes = SIZES.map((_, at) => middleOf(measured.flatMap((one) => one[at] ?? [])));
  const table = resultTable(sizes);
  console.log(json ? JSON.stringify(measured, undefined, 2) : table);
  if (runs >= 3) await writeSection("Prune", section(table, runs, [began, loadavg()[0] ?? 0]));
  return isFlat(sizes);
}

async function measureOnce(): Promise<Measured[]> {
  await mkdir(join(ROOT, ".rehearsal"), { recursive: true });
  const folder = await mkdtemp(join(ROOT, ".rehearsal/bench-"));
  const server = await startPostgres({
    ...{ major: MAJORS.at(-1) ?? 18, temporary: true, dataFolder: join(folder, "postgres") },
  });
  const s3 = await startOwnBucket(join(folder, "s3"), "bench");
  const store = openObjectStore({ bucket: "bench" });
  try {
    const measured: Measured[] = [];
    for (const records of SIZES) {
      await onDatabase(server.address, (session) =>
        session.execute(`create database filled_${records} template template0`),
      );
      const filled = { ...server.address, database: `filled_${records}` };
      await onDatabase(filled, (session) => fill(session, records));
      await onDatabase(server.address, (session) =>
        session.execute(`create database by_hand_${records} template filled_${records}`),
      );
      const byHand = await deleteByHand({ ...server.address, database: `by_hand_${records}` });
      const ours = await pruneAll(filled, store);
      if (ours.rows !== byHand.rows)
        throw new Error(`ours deleted ${ours.rows} rows, and the DELETE by hand ${byHand.rows}`);
      measured.push({ records, ...ours, byHand: byHand.seconds });
    }
    return measured;
  } finally {
    store.close();
    await s3.stop();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Four rounds a record, of which its final names one; six rows hang on each. */
async function fill(session: Session, records: number): Promise<void> {
  await installIdentity(session, {
    ...{ name: "bench", role: "dev", state: "writeable", identity: crypto.randomUUID() },
  });
  await session.execute(`
    create table public.jobs (id bigint primary key, status text not null, archived_at timestamptz);
    create table public.job_finals (id bigint primary key, job_id bigint not null references public.jobs, payload jsonb not null, sha text not null);
    create table public.job_rounds (id bigint primary key, job_id bigint not null references public.jobs, notes text);
    create table public.round_images (id bigint primary key, round_id bigint not null references public.job_rounds, caption text, taken_at timestamptz);
    create table public.job_events (id bigint generated always as identity primary key, job_id bigint not null references public.jobs, kind text, detail jsonb);
    insert into public.jobs select i, 'archived', now() - interval '60 days' from generate_series(1, ${records}) i;
    insert into public.job_rounds select i * 10 + r, i, repeat('note ', 30) from generate_series(1, ${records}) i, generate_series(1, 4) r;
    insert into public.round_images select r.id * 10 + n, r.id, repeat('caption ', 10), now() from public.job_rounds r, generate_series(1, 6) n;
    insert into public.job_finals select id, id, payload, encode(sha256(convert_to(payload::text, 'UTF8')), 'hex')
      from (select id, jsonb_build_object('rounds', jsonb_build_array(jsonb_build_object('id', id * 10 + 1)), 'text', repeat('said ', 200)) from public.jobs) f (id, payload);
    create index on public.job_finals (job_id); create index on public.job_rounds (job_id);
    create index on public.round_images (round_id); create index on public.job_events (job_id);
    analyze`);
}

const POLICY = {
  ...{ root: "jobs", archived: { status: "archived" }, since: "archived_at" },
  keep: [
    {
      table: "job_finals",
      snapshot: { payload: "payload", sha256: "sha", required: {} },
      references: [{ path: "$.rounds[*].id", table: "job_rounds", column: "id", within: "record" as const }],
    },
    { table: "job_events" },
  ],
  prune: [{ table: "job_rounds" }, { table: "round_images" }],
  note: {
    table: "job_events",
    columns: { job_id: "record" as const, kind: { text: "pruned" }, detail: "summary" as const },
  },
};

/** What somebody would type who knows the tables: the same rows, in one statement. */
const BY_HAND = `with going as (
    select r.id from public.job_rounds r join public.jobs j on j.id = r.job_id
      where j.status = 'archived' and j.archived_at <= now() - interval '30 days'
        and not exists (select from public.job_finals f, jsonb_path_query(f.payload, '$.rounds[*].id') v
          where f.job_id = j.id and v::text::bigint = r.id)
  ), images as (delete from public.round_images i using going g where i.round_id = g.id returning 1),
  rounds as (delete from public.job_rounds r using going g where r.id = g.id returning 1)
  select (select count(*) from images) + (select count(*) from rounds) as rows`;

async function deleteByHand(address: DatabaseAddress): Promise<{ rows: number; seconds: number }> {
  return onDatabase(address, async (session) => {
    const began = performance.now();
    const [row] = await session.query<{ rows: string }>(BY_HAND);
    return { rows: Number(row?.rows ?? 0), seconds: (performance.now() - began) / 1_000 };
  });
}

async function pruneAll(address: DatabaseAddress, store: ObjectStore) {
  const measured = { rows: 0, ours: 0, before: 0, deleting: 0, memory: 0 };
  const session = await openSession(address, { application: "bench prune" });
  try {
    const began = performance.now();
    let paused = 0;
    const policy = understandRetention(
      inventorySchema.parse({ retention: { jobs: POLICY } }).retention,
    )[0] as RetentionPolicy;
    const plan = planRetention(policy, { storage: [], retention: [policy] }, await readShape(session));
    let after: string | null | undefined;
    for (let batch = 0; after !== null; batch++) {
      const beginning = performance.now();
      const page = await listBacklog(session, plan, { limit: BATCH, ...(after !== undefined && { after }) });
      after = page.next;
      const candidates = await readCandidates(session, plan, page.records);
      const prefix = `prunes/${address.database}/${batch}/`;
      const bundle = await openBundle(store, await writeBundle({ session, plan, store, prefix, candidates }));
      await verifyBundle(store, bundle);
      const deleting = performance.now();
      measured.before += (deleting - beginning) / 1_000;
      for (const record of page.records) {
        const { rows } = await deleteRecord({ session, plan, bundle, record, act: "bench" });
        measured.rows += Object.values(rows).reduce((sum, count) => sum + count, 0);
      }
      const collecting = performance.now();
      measured.deleting += (collecting - deleting) / 1_000;
      collect();
      const { heapUsed, external } = process.memoryUsage();
      measured.memory = Math.max(measured.memory, heapUsed + external);
      paused += performance.now() - collecting;
    }
    measured.ours = (performance.now() - began - paused) / 1_000;
    return measured;
  } finally {
    await session.close();
  }
}

function middleOf(measured: Measured[]): Measured {
  const of = (pick: (one: Measured) => number) => middle(measured.map(pick));
  return {
    records: of(({ records }) => records),
    rows: of(({ rows }) => rows),
    ours: of(({ ours }) => ours),
    before: of(({ before }) => before),
    deleting: of(({ deleting }) => deleting),
    byHand: of(({ byHand }) => byHand),
    memory: of(({ memory }) => memory),
  };
}

/** A few megabytes may be code that came to be compiled. */
function isFlat(sizes: readonly Measured[]): boolean {
  const [small, large] = sizes;
  return small !== undefined && large !== undefined && large.memory <= small.memory + 16 * 2 ** 20;
}

function resultTable(sizes: readonly Measured[]): string {
  const head = [
    "records",
    "rows that go",
    "by hand",
    "rehearsal",
    "of it read, bundled and verified",
    "of it deleted",
    "rows a second, by hand",
    "rows a second, rehearsal",
    "ours to by hand",
    "memory",
  ];
  const lines = sizes.map(({ records, rows, ours, before, deleting, byHand, memory }) => [
    String(records),
    String(rows),
    ...[byHand, ours, before, deleting].map((seconds) => `${seconds.toFixed(2)} s`),
    ...[rows / byHand, rows / ours].map((rate) => String(Math.round(rate))),
    (ours / byHand).toFixed(1),
    `${Math.round(memory / 2 ** 20)} MiB`,
  ]);
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function section(table: string, runs: number, load: [number, number]): string {
  const [began, ended] = load.map((one) => one.toFixed(1));
  return `Written by \`npm run bench -- prune --runs ${runs}\`. Measured on ${describeMachine()}, Postgres without fsync, the bucket on the same machine; the load of the machine was ${began} at the beginning and ${ended} at the end. Medians of ${runs}.

${table}

- By hand is one \`DELETE … USING\` over all records: one transaction, no bundle, no proof, no act; whoever errs in it has lost the rows.
- Ours takes ${BATCH} records at a time: candidates, bundle, its reading back; then one transaction for each record, in which rows are locked, read and proved anew, deleted, counted by the server's own count, and told of in the events.
- Memory is what the whole process holds behind a batch, the local bucket in it, once what nobody refers to was collected.`;
}
