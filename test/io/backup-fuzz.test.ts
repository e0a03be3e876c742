/**
 * Random schemas with random rows are backed up and restored, and each way of looking at the two databases must show the same.
 * `REHEARSAL_FUZZ=107`, or `REHEARSAL_FUZZ=100-124`, takes those seeds alone, and may be as many as one likes; a failure says which.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { compareBaselines } from "../../core/baseline.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { diffShapes } from "../../core/shape.ts";
import { backUp } from "../../io/postgres/backup.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { restore } from "../../io/postgres/restore.ts";
import { openSession } from "../../io/postgres/session.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { startBucket, type TestBucket } from "../bucket.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows, servers } from "../postgres.ts";
import {
  entriesOf,
  largeObjectsOf,
  linesOf,
  nextValuesOf,
  portableEntries,
  structureOf,
} from "./holdings.ts";
import { FUZZ_HUB, MAKE_FUZZ_ROLES, randomSchema } from "./random-schema.ts";
import { BUILT_IN } from "./random-values.ts";

let bucket: TestBucket;
beforeAll(async () => {
  bucket = await startBucket();
  for (const { address } of servers) await execute(address, MAKE_FUZZ_ROLES);
});
afterAll(() => bucket.stop());

/** Schemas that share a database. */
const BATCH = 50;

const seeds = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, place) => first + place);
const [wanted] = [process.env.REHEARSAL_FUZZ?.split("-").map(Number)];

/** A hundred schemas on the newest server; ten on each of the others, restored there and on every newer one. */
const trips = servers.flatMap((from) => {
  const [first = 1, last = first] = wanted ?? [1, from === newestServer() ? 100 : 10];
  return seeds(0, Math.ceil((last - first + 1) / BATCH) - 1).map((place) => ({
    from,
    major: from.major,
    targets: servers.filter(({ major }) => major >= from.major),
    first: first + place * BATCH,
    last: Math.min(last, first + place * BATCH + BATCH - 1),
  }));
});

test.each(trips)(
  "the schemas of the seeds $first to $last come back as they were, from Postgres $major",
  async ({ from, targets, first, last }) => {
    const again = `REHEARSAL_FUZZ=${first}-${last} REHEARSAL_TEST_MAJORS=${targets.map(({ major }) => major)}`;
    const source = await freshDatabase(from, FUZZ_HUB);
    for (const seed of seeds(first, last)) await execute(source, randomSchema(seed, from.major));
    const prefix = `fuzz/${from.major}/${first}/`;
    const backup = { source, application: "fuzz", store: bucket.store, prefix, connections: 2 };
    // So little that whatever takes more than a page is cut.
    const manifest = await backUp({ ...backup, chunkBytes: 8_192 });
    const was = await look(source);
    for (const to of targets) {
      const target = await freshDatabase(to);
      await restore({ target, application: "fuzz", store: bucket.store, manifest, connections: 2 });
      const is = await look(target);
      expect(compareBaselines(manifest.baseline, is.baseline), again).toEqual([]);
      expect(is.lines, again).toEqual(was.lines);
      expect(is.largeObjects, again).toEqual(was.largeObjects);
      expect(is.next, again).toEqual(was.next);
      if (from.major === to.major) {
        expect(is.entries, again).toEqual(was.entries);
        expect(diffShapes(was.shape, is.shape), again).toEqual([]);
      } else {
        expect(portableEntries(is.entries), again).toEqual(portableEntries(was.entries));
      }
      await dropDatabases(target);
    }
    await dropDatabases(source);
  },
);

async function look(address: DatabaseAddress) {
  const session = await openSession(address, { application: "fuzz" });
  try {
    return {
      baseline: await readBaseline(session),
      shape: await readShape(session),
      entries: entriesOf(await structureOf(address)),
      lines: await linesOf(address),
      largeObjects: await largeObjectsOf(address),
      next: await nextValuesOf(address),
    };
  } finally {
    await session.close();
  }
}

test.each(servers)(
  "values are drawn of every type that Postgres $major has a column for",
  async ({ address }) => {
    const never = await rows<{ type: string }>(
      address,
      `select format_type(oid, null) as type from pg_type
      where typnamespace = 'pg_catalog'::regnamespace and typtype in ('b', 'r', 'm')
        and (typcategory <> 'A' or typname in ('int2vector', 'oidvector'))
        and oid <> all (select type::regtype from json_array_elements_text($1) type) order by 1`,
      [JSON.stringify(BUILT_IN.map(({ sql }) => sql))],
    );
    // These take no value from anybody: what is in them, the server has computed.
    expect(never.map(({ type }) => type)).toEqual([
      ...["gtsvector", "pg_brin_bloom_summary", "pg_brin_minmax_multi_summary", "pg_dependencies"],
      ...["pg_mcv_list", "pg_ndistinct", "pg_node_tree"],
    ]);
  },
);

test("a seed means the same schema whenever it is drawn", () => {
  expect(randomSchema(107, 18)).toBe(randomSchema(107, 18));
  expect(randomSchema(107, 18)).not.toBe(randomSchema(108, 18));
});
