/**
 * kill -9 of the whole service at every milestone of every step, each time then a restart: each promotion must end promoted, or
 * refused or rolled back with production exactly as it was. The outcomes stand beside the test
 * in a .tsv, of which docs/generate.ts makes the table in docs/faults.md.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { leftInBucket } from "../service/backup-of.ts";
import { contentOf } from "../service/content.ts";
import { type Hook, startHook } from "../service/hook.ts";
import { KILL_POINTS, type KillPoint, killSchedules } from "../service/kill-points.ts";
import { OUTSIDE, PROJECT, SCHEMA } from "../service/project.ts";
import { Service } from "../service/service.ts";

const server = newestServer();
const made: DatabaseAddress[] = [];
const seen = new Map<KillPoint, string>();
let service: Service;
let smoke: Hook;
let smokeStatus = 200;

beforeAll(async () => {
  smoke = await startHook(() => smokeStatus);
  service = await new Service(server.address, "kill-promotion").start();
});

afterAll(async () => {
  await service.stop();
  await smoke.stop();
  await dropDatabases(...made);
});

const schedules = killSchedules().map((kills) => ({
  kills,
  fault: kills[0]?.fault,
  course: kills[0]?.course,
  where: kills.map(({ step, point }) => `${step}:${point}`).join(", "),
}));

describe.each(schedules)("fault $fault: kill -9 at $where of a promotion that ends $course", ({ kills }) => {
  test("ends as it would have, each effect exactly once, and leaves nothing of its own behind", async () => {
    const [first] = kills;
    if (first === undefined) throw new Error("a schedule without kills");
    const course = COURSES[first.course];
    smokeStatus = course.smoke;
    const environment = `k-${first.step}-${first.point}-${first.course}`.slice(0, 40).replace(/-$/, "");
    const address = await freshDatabase(server, SCHEMA, `k${made.length}_${process.pid}`);
    made.push(address);
    await service.register(environment, address, { hooks: { smoke: smoke.url } });
    const before = await contentOf(address);
    const release = await service.release(course.files);
    service.killAt(...kills.map(({ step, point }) => `${step}:${point}`));
    const id = await service.promote(environment, release);
    for (const _ of kills) {
      expect(await service.ended()).toBe("SIGKILL");
      await service.start();
    }
    const detail = await service.until(id, course.end);
    expect(service.unfired()).toEqual([]);
    made.push({ ...address, database: `${address.database}__failed_${id}` });
    await expectEnd(service, first, address, before, id);
    expect(detail.error?.code).not.toBe("StepDied");
    for (const kill of kills) seen.set(kill, detail.status);
  });
});

test("what the dead left behind is gone after a sweep: no upload, no object without a manifest, no copy, no slot", async () => {
  // As the clock calls it, but from here: the service is another process.
  Object.assign(process.env, service.variables);
  const { handler: sweep } = await import("../../functions/events/sweep.ts");
  await sweep();
  expect(await sweep()).toEqual({ uploads: [], folders: [], bytes: 0, strays: [], databases: [] });
  const { AWS_ENDPOINT_URL_S3 = "", REHEARSAL_BUCKET = "" } = service.variables;
  const { keys, uploads } = await leftInBucket(AWS_ENDPOINT_URL_S3, REHEARSAL_BUCKET, "");
  expect(uploads).toEqual([]);
  const folders = new Set(
    keys.filter((key) => key.startsWith("backups/")).map((key) => key.split("/").slice(0, 3).join("/")),
  );
  expect(folders.size).toBeGreaterThan(0);
  expect([...folders].filter((folder) => !keys.includes(`${folder}/manifest.json`))).toEqual([]);
  const ours = `^k[0-9]+_${process.pid}(__|$)`;
  const copies =
    "select datname from pg_database where datname ~ $1 and datname ~ '__' and datname !~ '__failed_'";
  expect(await rows(server.address, copies, [ours])).toEqual([]);
  const slots = "select slot_name from pg_replication_slots where database ~ $1";
  expect(await rows(server.address, slots, [ours])).toEqual([]);
});

test("every kill ended as docs/faults.md tells", async () => {
  const lines = KILL_POINTS.map((kill) => [kill.step, kill.point, kill.course, seen.get(kill)].join("\t"));
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot("kill-promotion.tsv");
});

/** What each course of a promotion needs, and the end it comes to when nobody is killed. */
const COURSES: Record<KillPoint["course"], { files: Record<string, string>; smoke: number; end: string }> = {
  promoted: { files: { ...PROJECT, ...OUTSIDE }, smoke: 200, end: "promoted" },
  "rolled-back": { files: { ...PROJECT, ...OUTSIDE }, smoke: 500, end: "rolled-back" },
  refused: {
    files: {
      ...PROJECT,
      "migrations/0003_bad.sql": "alter table segments add constraint once unique (text);",
    },
    smoke: 200,
    end: "refused",
  },
};

async function expectEnd(
  service: Service,
  kill: KillPoint,
  address: DatabaseAddress,
  before: object,
  id: string,
) {
  const left = await rows<{ name: string }>(
    address,
    "select datname as name from pg_database where datname like $1 order by 1",
    [`%${id}%`],
  );
  if (kill.course === "promoted") {
    expect(await rows(address, "select count(*)::int as n, max(name) as name from public.speakers")).toEqual([
      { n: 2, name: "second" },
    ]);
    expect(
      await rows(
        address,
        "select path, count(*)::int as n from rehearsal.applied group by path order by path",
      ),
    ).toEqual(
      [...Object.keys(PROJECT), ...Object.keys(OUTSIDE)]
        .filter((path) => /^(migrations|views)/.test(path))
        .sort()
        .map((path) => ({ path, n: 1 })),
    );
    expect(await rows(address, "select 1 from pg_index where not indisvalid")).toEqual([]);
    expect(left).toEqual([]);
  } else {
    expect(await contentOf(address)).toEqual(before);
    expect(left.map((row) => row.name)).toEqual(
      kill.course === "rolled-back" ? [`${address.database}__failed_${id}`] : [],
    );
  }
  // Writers are let in again, by the name they know.
  await execute(address, "insert into videos (title) values ('after')");
  expect(await service.must("GET", "/log/verify")).not.toHaveProperty("broken");
}
