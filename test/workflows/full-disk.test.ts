/** Promotions on a server whose disk is full, for real: a small file system that holds its databases and nothing else. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { LocalService } from "../service/local-service.ts";
import { expectUntouched } from "../service/outcome.ts";
import { OUTSIDE, PROJECT, SCHEMA } from "../service/project.ts";
import { Service } from "../service/service.ts";
import { type SmallDisk, startOnSmallDisk } from "../small-disk.ts";

const root = fileURLToPath(new URL("../../.rehearsal/test", import.meta.url));

const MIB = 1024 ** 2;
const ROOMY = 60 * MIB;

/** Four megabytes in production, and four more that the migration writes. */
const FILLED = `${SCHEMA} create table filler (id int primary key, body text);
  insert into filler select g, (select string_agg(md5(g::text || n), '') from generate_series(1, 60) n)
    from generate_series(1, 2000) g;`;
const WRITES_MUCH = {
  "migrations/0003_much.sql": "create table much as select id, body from filler;\n",
};
const INDEXES_MUCH = {
  "migrations/0003_index.sql": `-- rehearsal: no-transaction
create index concurrently filler_body on filler (left(body, 2000));
`,
};

describe("the disk of the database server", () => {
  let service: LocalService;
  let disk: SmallDisk;

  beforeAll(async () => {
    const { major } = newestServer();
    disk = await startOnSmallDisk({ folder: join(root, `disk-${process.pid}`), major, megabytes: 64 });
    service = await new LocalService(newestServer().address, "full-disk").start();
  });
  beforeEach(() => disk.leave(ROOMY));
  afterAll(async () => {
    await service.stop();
    await disk.stop();
  });

  /** Promotes until the gate, leaves so much of the disk, and returns how it ended, with the disk still as full. */
  async function promoteOnFull(
    name: string,
    files: Record<string, string>,
    point: string,
    left: number,
    flushed = true,
  ) {
    const address = await freshDatabase(disk, FILLED, name.replaceAll("-", "_"));
    await service.register(name, address, { connections: 1 });
    const before = await contentOf(address);
    const gate = service.gate(point);
    const id = await service.promote(name, await service.release({ ...PROJECT, ...files }));
    await gate.reached();
    if (flushed) await execute(disk.address, "checkpoint");
    await disk.leave(left);
    gate.open();
    const detail = await service.ending(id);
    expect(detail.error).toMatchObject({
      code: "DiskFull",
      message: expect.stringMatching(/No space left on device/),
      hint: expect.stringMatching(/room for two copies of the database of \d+ MiB each/),
    });
    const databases = await rows<{ name: string }>(
      disk.address,
      "select datname as name from pg_database where strpos(datname, $1) > 0",
      [id],
    );
    return { address, before, detail, databases: databases.map((row) => row.name) };
  }

  test("fault 26: where the policy tells the disk, too little room for the copies is refused before anything begins", async () => {
    const address = await freshDatabase(disk, FILLED, "too_small");
    const before = await contentOf(address);
    await service.register("too-small", address, { disk: 64 * MIB });
    const refusal = {
      code: "DiskTooSmall",
      message: expect.stringMatching(
        /^two copies of "too_small" take \d+ MiB, and of the server's disk of 64 MiB \d+ MiB/,
      ),
      hint: expect.stringContaining("give the server a larger disk"),
    };
    const release = await service.release(PROJECT);
    const planned = await service.call("POST", "/plans", { environment: "too-small", release });
    expect(planned).toMatchObject({ status: 409, body: { code: refusal.code, hint: refusal.hint } });
    const detail = await service.until(await service.promote("too-small", release), "refused");
    expect(detail.error).toMatchObject(refusal);
    expect(detail.steps.map(({ step }) => step)).toEqual(["admit", "refuse"]);
    await expectUntouched(service, detail, address, before);
    await dropDatabases(address);
  });

  test.each([
    ["the rows are restored", "restore:created", {}, 1 * MIB],
    ["the copy is cloned", "rehearse:begun", {}, 3 * MIB],
    ["the migration plays on the clone", "rehearse:cloned", WRITES_MUCH, 1 * MIB],
  ])(
    "fault 26: it fills when %s: refused with the room that is needed, and no copy is left",
    async (_when, point, files, left) => {
      const ended = await promoteOnFull(point.replace(":", "-"), files, point, left);
      expect(ended.detail.status).toBe("refused");
      expect(ended.databases).toEqual([]);
      await expectUntouched(service, ended.detail, ended.address, ended.before);
    },
  );

  test("fault 26: it fills so that the server cannot even drop the copy: refused all the same, and the sweep drops it when there is room", async () => {
    // Dropping a database takes a checkpoint, and pages that were never written out find no room either.
    const ended = await promoteOnFull("unflushed", {}, "restore:created", 1 * MIB, false);
    expect(ended.detail.status).toBe("refused");
    expect(ended.detail.steps.at(-1)?.outcome).toMatchObject({
      copies: expect.stringContaining("checkpoint request failed"),
    });
    expect(ended.databases).toEqual([`unflushed__pristine_${ended.detail.id}_1`]);
    await expectUntouched(service, ended.detail, ended.address, ended.before);
    await disk.leave(ROOMY);
    expect(await service.stack.lambda.invoke("sweep", {})).toMatchObject({
      payload: { databases: ended.databases },
    });
  });

  test("fault 25: it fills in the middle of the migration: its transaction takes everything back", async () => {
    const ended = await promoteOnFull("in-transaction", WRITES_MUCH, "migrate:begun", 1 * MIB);
    expect(ended.detail.status).toBe("refused");
    expect(ended.databases).toEqual([]);
    await expectUntouched(service, ended.detail, ended.address, ended.before);
  });

  test("fault 25: it fills when a part is committed: the copy takes production's place, and needs no room for it", async () => {
    const ended = await promoteOnFull("committed", INDEXES_MUCH, "migrate:committed", 256 * 1024);
    expect(ended.detail.status).toBe("rolled-back");
    expect(ended.databases).toEqual([`committed__failed_${ended.detail.id}`]);
    await expectUntouched(service, ended.detail, ended.address, ended.before);
  });
});

test("fault 4: with /tmp full from the beginning a promotion goes its way, for it needs no room there", async () => {
  // A /tmp of its own for the whole service, and not a byte of it free; this folder stays where it is, should it lie below.
  const full = `here=$PWD; exec 9<. && mount -t tmpfs -o size=64k tmpfs /tmp && mkdir -p "$here" &&
    mount --no-canonicalize --bind /proc/self/fd/9 "$here" && cd "$here" && exec 9<&- && ! cat /dev/zero > /tmp/full 2>&- && exec "$@"`;
  const service = await new Service(newestServer().address, "tmp-full", {
    within: ["unshare", "--mount", "--propagation", "private", "sh", "-c", full, "sh"],
  }).start();
  expect(
    execFileSync("nsenter", ["-t", String(service.pid), "-m", "df", "--output=avail", "/tmp"]).toString(),
  ).toMatch(/\n\s*0\n/);
  const address = await freshDatabase(newestServer(), SCHEMA, `tmp_full_${process.pid}`);
  await service.register("tmp-full", address);
  const release = await service.release({ ...PROJECT, ...OUTSIDE });
  const detail = await service.until(await service.promote("tmp-full", release), "promoted");
  expect(detail.steps.map(({ attempt }) => attempt)).toEqual(detail.steps.map(() => 1));
  await service.stop();
  await dropDatabases(address);
});
