/**
 * kill -9 of the whole service while several functions copy a backup, each with its role's permissions and no others: at every point
 * that a worker passes, and at those of the step that leads.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseManifest } from "../../core/backup-manifest.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { keysOf } from "../../functions/shared-backup.ts";
import { openObjectStore } from "../../io/object-store.ts";
import { dropDatabases, freshDatabase, newestServer } from "../postgres.ts";
import { leftInBucket } from "../service/backup-of.ts";
import { PROJECT, SCHEMA } from "../service/project.ts";
import { Service } from "../service/service.ts";

/** So many that workers which begin later than the step find some. */
const TABLES = 150;
const MANY = `${SCHEMA};
  do $$ begin for n in 1..${TABLES} loop
    execute format('create table public.many_%s as select g as id, repeat(''x'', 200) as filler from generate_series(1, 2000) g', n);
  end loop; end $$`;

const server = newestServer();
const made: DatabaseAddress[] = [];
let service: Service;
let release: string;

beforeAll(async () => {
  service = await new Service(server.address, "kill-shared", { permissions: "enforced" }).start();
  release = await service.release(PROJECT);
});

afterAll(async () => {
  await service.stop();
  await dropDatabases(...made);
});

test.each([
  "back-up-worker:taken",
  "back-up-worker:copied",
  "back-up-worker:counted",
  "back-up:planned",
  "back-up:under-way",
  "back-up:copied",
])(
  "fault 1: kill -9 at %s of a shared backup: the promotion ends promoted",
  async (point) => {
    const name = point.replace(":", "-");
    const address = await freshDatabase(server, MANY, `ks${made.length}_${process.pid}`);
    made.push(address);
    await service.register(name, address, { backup: { functions: 3 }, connections: 1 });
    service.killAt(point);
    const id = await service.promote(name, release);
    expect(await service.ended()).toBe("SIGKILL");
    await service.start();
    const detail = await service.until(id, "promoted");
    expect(service.unfired()).toEqual([]);
    const [taken] = detail.steps.filter(({ step, status }) => step === "back-up" && status === "succeeded");
    expect(taken?.outcome?.shared).toMatchObject({ functions: 3 });
  },
  120_000,
);

test("after a sweep there is nothing beside the backups but what they stand on", async () => {
  // As the clock calls it, but from here: the service is another process, and its ports are others after each start.
  Object.assign(process.env, service.variables);
  const { handler: sweep } = await import("../../functions/events/sweep.ts");
  await sweep();
  const { AWS_ENDPOINT_URL_S3 = "", REHEARSAL_BUCKET = "" } = service.variables;
  const { keys, uploads } = await leftInBucket(AWS_ENDPOINT_URL_S3, REHEARSAL_BUCKET, "");
  expect(uploads).toEqual([]);
  const inBackups = keys.filter((key) => key.startsWith("backups/"));
  const folders = new Set(inBackups.map((key) => key.split("/").slice(0, 3).join("/")));
  const store = openObjectStore({ bucket: REHEARSAL_BUCKET });
  const named = new Set<string>();
  for (const folder of folders)
    for (const key of keysOf(parseManifest(await store.get(`${folder}/manifest.json`)))) named.add(key);
  store.close();
  // Of a run: what else is told of a backup lies beside its runs.
  const ofRuns = inBackups.filter((key) => /^backups\/[^/]+\/[^/]+\/[0-9a-f]{8}\//.test(key));
  expect(ofRuns.filter((key) => !named.has(key))).toEqual([]);
});

test("no function asked for a right that its role has not", () => {
  expect(service.denied()).toEqual([]);
});
