/** A database becomes a store and the store a database: whatever its tables are, and where the files lie. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBucketPlace } from "../../../../io/store/bucket-place.ts";
import { openJsonStore } from "../../../../io/store/json-store.ts";
import { dumpMetadata } from "../../../../io/store/move/dump.ts";
import { exportStore } from "../../../../io/store/move/export.ts";
import { importStore } from "../../../../io/store/move/import.ts";
import { verifyStore } from "../../../../io/store/move/verify.ts";
import { openPlace } from "../../../../io/store/open-place.ts";
import type { Place } from "../../../../io/store/place.ts";
import { startBucket, type TestBucket } from "../../../bucket.ts";
import { dropDatabases, execute } from "../../../postgres.ts";
import { FEED, movedDatabase } from "./database.ts";
import { randomModels } from "./random-models.ts";

/** Schemas of a run; the seeds go on from the first. */
const RUNS = Number(process.env.REHEARSAL_STORE_RUNS ?? 4);
const FIRST = Number(process.env.REHEARSAL_STORE_SEED ?? 1);

let folder: string;
let bucket: TestBucket;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "move-"));
  bucket = await startBucket();
});
afterAll(async () => {
  await bucket.stop();
  await rm(folder, { recursive: true });
});

test.each(Array.from({ length: RUNS }, (_, place) => FIRST + place))(
  "a random schema goes to files and back, and both sides have the same sums (seed %i)",
  async (seed) => {
    const { sql, storeYaml } = randomModels(seed);
    const { address, definition } = await movedDatabase(sql, storeYaml);
    const place: Place =
      seed % 2 === 0
        ? openBucketPlace({ bucket: "tests", prefix: `store-${seed}` })
        : await openPlace(join(folder, `store-${seed}`));
    const about = { address, application: "test", definition, place };
    try {
      const exported = await exportStore({ ...about, id: "one", feed: FEED, connections: 2 });
      const metadata = await dumpMetadata(about);
      expect(exported.rows).toBe(metadata.totals.rows);
      for (const [name, { rows, sum }] of Object.entries(metadata.models))
        expect(exported.head.models[name]).toEqual({ rows, sum });

      const store = await openJsonStore({ place, definition, as: "follower" });
      const found = await verifyStore({ store, database: { address, application: "test", feed: FEED } });
      expect(found.problems).toEqual([]);
      for (const model of Object.values(found.models)) expect(model.files).toEqual(model.database);

      const tables = definition.models.map(
        ({ schema, table }) => `"${schema}"."${table.replaceAll('"', '""')}"`,
      );
      await execute(address, `truncate ${tables.join(", ")}`);
      const imported = await importStore(about);
      for (const [name, { rows, sum }] of Object.entries(metadata.models))
        expect(imported.models[name]).toEqual({ rows, sum });
      const again = await importStore({ ...about, replace: true });
      expect(again).toEqual({ ...imported, replaced: metadata.totals.rows });
    } finally {
      await place.close();
      await dropDatabases(address);
    }
  },
);
