/** Prunes of random graphs under random policies, held against a recomputation from the rows alone; as many as REHEARSAL_PRUNE_RUNS says. */
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { inventorySchema } from "../../core/inventory-schema.ts";
import { quoteName } from "../../core/names.ts";
import { planRetention } from "../../core/prune/check.ts";
import type { PrunePlan } from "../../core/prune/plan.ts";
import { understandRetention } from "../../core/prune/policy.ts";
import { listBacklog } from "../../io/postgres/prune/backlog.ts";
import { readCandidates } from "../../io/postgres/prune/candidates.ts";
import { deleteRecord } from "../../io/postgres/prune/delete-record.ts";
import { checkIntact } from "../../io/postgres/prune/intact.ts";
import { restoreRecord } from "../../io/postgres/prune/restore-record.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { installIdentity } from "../../io/postgres/target-schema.ts";
import { openBundle, type PruneBundle, verifyBundle, writeBundle } from "../../io/prune-bundle.ts";
import { type MediaStorage, removeMedia, restoreMedia } from "../../io/prune-media.ts";
import { startBucket, type TestBucket } from "../bucket.ts";
import { dropDatabases, freshDatabase, newestServer } from "../postgres.ts";
import {
  type DrawnRecords,
  drawnRecords,
  naivelyGoing,
  OBJECTS,
  objectBytes,
  policyOf,
  type RowsByTable,
  sqlOf,
  tableName,
} from "./random-records.ts";

const RUNS = Number(process.env.REHEARSAL_PRUNE_RUNS ?? 30);

let bucket: TestBucket;
let storage: MediaStorage;
let address: DatabaseAddress;
let session: Session;

beforeAll(async () => {
  bucket = await startBucket();
  storage = { store: bucket.store, root: "live/" };
  address = await freshDatabase(newestServer());
  session = await openSession(address, { application: "prune properties" });
  await installIdentity(session, {
    name: "e",
    role: "dev",
    state: "writeable",
    identity: crypto.randomUUID(),
  });
  for (let object = 0; object < OBJECTS; object++)
    await bucket.store.put(`live/media/${object}`, objectBytes(object));
});

afterAll(async () => {
  await session.close();
  await dropDatabases(address);
  await bucket.stop();
});

let number = 0;

test("what goes is as much as may, nothing that stays or is named by what stays goes, and everything comes back to the bit", async () => {
  const seen = { runs: 0, rows: 0, gone: 0, kept: 0, objects: 0 };
  await fc.assert(
    fc.asyncProperty(drawnRecords, async (drawn) => {
      const schema = `g${++number}`;
      await session.execute(`create schema ${schema}; ${sqlOf(schema, drawn).join("; ")}`);
      try {
        await pruneAndRestore(schema, drawn, seen);
      } finally {
        await session.execute(`set client_min_messages = error; drop schema ${schema} cascade`);
      }
      seen.runs++;
    }),
    { numRuns: RUNS },
  );
  console.info(JSON.stringify(seen));
  expect(seen.gone).toBeGreaterThan(0);
}, 600_000);

async function pruneAndRestore(
  schema: string,
  drawn: DrawnRecords,
  seen: Record<string, number>,
): Promise<void> {
  const plan = await planOf(schema, drawn);
  const before = await readGraph(schema, drawn);
  const records = (await listBacklog(session, plan, { limit: 100 })).records;
  const jobs = drawn.jobs.flatMap(({ archived, old }, index) => (archived && old ? [index] : []));
  for (const record of records) expect(jobs).toContain(Number(record));
  const intact = await checkIntact(session, undefined, plan, jobs.map(String));
  const bundles: { bundle: PruneBundle; records: string[] }[] = [];
  const gone = new Set<string>();
  const removed = new Set<string>();
  for (let from = 0; from < jobs.length; from += drawn.batch) {
    const batch = jobs.slice(from, from + drawn.batch).map(String);
    const now = await readGraph(schema, drawn);
    const candidates = await readCandidates(session, plan, batch);
    for (const { record, going, kept } of candidates.records) {
      const wanted = naivelyGoing(drawn, now.rows, now.finals, Number(record));
      const named = going.flatMap(({ table, keys }) =>
        keys.map(([id]) => `${indexOf(schema, drawn, table)} ${id}`),
      );
      expect(new Set(named)).toEqual(wanted);
      if (wanted.size > 0 && !records.includes(record) && from === 0)
        throw new Error(`${record} is not in the backlog`);
      for (const one of wanted) gone.add(one);
      seen.kept = (seen.kept ?? 0) + kept.length;
    }
    const sealed = await writeBundle({
      ...{ session, plan, store: bucket.store, storage, candidates },
      prefix: `prunes/${schema}/${from}/`,
    });
    const bundle = await openBundle(bucket.store, sealed);
    await verifyBundle(bucket.store, bundle);
    for (const record of batch) await deleteRecord({ session, plan, bundle, record, act: schema });
    const media = await removeMedia({
      session,
      storage,
      store: bucket.store,
      plan,
      media: bundle.manifest.media,
    });
    for (const { key } of media.removed) removed.add(key);
    bundles.push({ bundle, records: batch });
  }
  const after = await readGraph(schema, drawn);
  expect(after.rows).toEqual(without(before.rows, gone));
  expect(after.finals).toEqual(before.finals);
  const objectsNamed = (rows: RowsByTable) =>
    new Set(
      rows.flatMap((some, index) =>
        some.flatMap((row) => (hasObject(drawn, index) && row.object ? [row.object] : [])),
      ),
    );
  const [had, has] = [objectsNamed(before.rows), objectsNamed(after.rows)];
  expect(removed).toEqual(new Set([...had].filter((key) => !has.has(key))));
  for (const key of had) expect(await isThere(`live/${key}`)).toBe(!removed.has(String(key)));
  // Whatever was intact is so still: nothing that it names is gone.
  const still = await checkIntact(session, undefined, plan, jobs.map(String));
  expect(still).toEqual(intact);

  for (const { bundle, records } of bundles.toReversed())
    for (const record of records) {
      await restoreRecord({ session, bundle, store: bucket.store, record, act: `${schema} back` });
      const own = bundle.manifest.media.filter((medium) => medium.records.includes(record));
      await restoreMedia(storage, bucket.store, own);
    }
  expect((await readGraph(schema, drawn)).rows).toEqual(before.rows);
  for (const key of had) {
    const object = Number(String(key).split("/")[1]);
    expect(Buffer.from(await bucket.store.get(`live/${key}`))).toEqual(objectBytes(object));
  }
  seen.rows = (seen.rows ?? 0) + before.rows.flat().length;
  seen.gone = (seen.gone ?? 0) + gone.size;
  seen.objects = (seen.objects ?? 0) + removed.size;
}

async function planOf(schema: string, drawn: DrawnRecords): Promise<PrunePlan> {
  const parsed = inventorySchema.parse({ retention: { jobs: policyOf(schema, drawn) } });
  const [policy] = understandRetention(parsed.retention);
  if (policy === undefined) throw new Error("no policy was drawn");
  return planRetention(policy, { storage: [], retention: [policy] }, await readShape(session));
}

async function readGraph(schema: string, drawn: DrawnRecords) {
  const rows: RowsByTable = [];
  for (const [index] of drawn.tables.entries())
    rows.push(
      await session.query(
        `select t.*, t::text as whole from ${schema}.${quoteName(tableName(index))} t order by id`,
      ),
    );
  const finals = await session.query<Record<string, unknown>>(`select * from ${schema}.finals order by id`);
  return { rows, finals };
}

function without(rows: RowsByTable, gone: ReadonlySet<string>): RowsByTable {
  return rows.map((some, index) => some.filter((row) => !gone.has(`${index} ${row.id}`)));
}

const hasObject = ({ tables }: DrawnRecords, index: number) => {
  const table = tables[index];
  return table?.object === true && table.role !== "unlisted";
};

function indexOf(schema: string, { tables }: DrawnRecords, quoted: string): number {
  return tables.findIndex((_, index) => `${quoteName(schema)}.${quoteName(tableName(index))}` === quoted);
}

async function isThere(key: string): Promise<boolean> {
  return (await bucket.keys(key)).includes(key);
}
