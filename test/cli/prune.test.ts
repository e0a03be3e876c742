/** `rehearsal prune` against the whole service: a policy is tested on a copy, told, run, brought back, held and swept; and what would lose something is refused. */
import { setTimeout as pause } from "node:timers/promises";
import * as aws from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { ARCHIVE, archiveProject, fillArchive } from "../service/pruned-project.ts";
import { Service } from "../service/service.ts";
import { backedUp } from "../service/tasks.ts";
import { assertShape } from "./command.ts";
import { runHere } from "./run-here.ts";

interface Prune {
  id: string;
  status: string;
  mode: string;
  modeReason: string | null;
  counts: { rows: number; objects: number };
  records: { record: string; status: string; stays: { why: string }[]; error: { code: string } | null }[];
}

interface Refused {
  error: { code: string; message: string; hint: string };
}

const BUCKET = "archive";
const server = newestServer();
let service: Service;
let client: aws.S3Client;
let production: DatabaseAddress;

beforeAll(async () => {
  service = new Service(server.address, "prune", { permissions: "enforced" });
  await begin();
  await client.send(new aws.CreateBucketCommand({ Bucket: BUCKET }));
  const VersioningConfiguration = { Status: "Enabled" } as const;
  await client.send(new aws.PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration }));
  production = await freshDatabase(server, ARCHIVE, `prune_prod_${process.pid}`);
  await fillArchive(production, client, BUCKET, 4);
  await service.register("prod", production, { storage: { bucket: BUCKET, prefixes: ["images/"] } });
  await run(archiveProject());
});

afterAll(async () => {
  client.destroy();
  await service.stop();
  await dropDatabases(production);
});

/** The service's process, and this one's client of what it stands on. */
async function begin(): Promise<void> {
  client?.destroy();
  await service.start();
  Object.assign(process.env, service.variables);
  client = new aws.S3Client({});
}

/** As if the release had been promoted: the database has its shape. */
async function run(project: Record<string, string>): Promise<void> {
  const release = await service.release(project);
  const control = { ...server.address, database: service.controlDatabase };
  await execute(control, `update ledger.environments set release = '${release}' where name = 'prod'`);
}

const variables = () => ({ REHEARSAL_URL: service.url, REHEARSAL_KEY: service.keys.operator });

const prune = (...words: string[]) => runHere(["prune", ...words], variables());

async function json<T>(...words: string[]): Promise<{ exit: number | null; value: T }> {
  const { exit, out } = await prune(...words, "--json");
  const value = JSON.parse(out) as T;
  assertShape(["prune", ...words], value);
  return { exit, value };
}

async function objects(): Promise<string[]> {
  const { Contents = [] } = await client.send(new aws.ListObjectsV2Command({ Bucket: BUCKET }));
  return Contents.map(({ Key = "" }) => Key);
}

const PROD = ["--environment", "prod"];

test("a policy that was never tested deletes nothing, and the command says how to test it", async () => {
  const policies = await prune("policies", "prod");
  expect(policies.out).toMatch(/^jobs +jobs +rounds, images +.* +tells only +never$/m);
  const refused = await json<Refused>("run", "1", ...PROD, "--confirm", "prod");
  expect(refused).toMatchObject({
    exit: 4,
    value: {
      error: { code: "PolicyUntested", hint: expect.stringContaining("prune test jobs --environment prod") },
    },
  });
});

test("a test on a copy refuses a policy where the database would lose more, and production is as it was", async () => {
  await execute(
    production,
    `create function forget() returns trigger language plpgsql as $$ begin delete from public.events where job_id = old.job_id; return old; end $$;
      create trigger forget after delete on rounds for each row execute function forget()`,
  );
  await execute(
    { ...server.address, database: service.controlDatabase },
    `update ledger.environments set fingerprint = '${(await contentOf(production)).fingerprint}' where name = 'prod'`,
  );
  await backedUp(service, "prod");
  const before = [await contentOf(production), await objects()];
  const { exit, out } = await prune("test", "jobs", ...PROD);
  expect([exit, out]).toEqual([1, expect.stringContaining("code:    PolicyTestFailed")]);
  expect(out).toMatch(/reason: +the policy "jobs" did not pass on a copy of b\w+: record 1: .*"events"/);
  expect(out).toMatch(/hint: +nothing was deleted/);
  expect((await prune("policies", "prod")).out).toMatch(/refused, /);
  const still = await json<Refused>("run", "1", ...PROD, "--confirm", "prod");
  expect(still.value.error).toMatchObject({
    code: "PolicyUntested",
    message: expect.stringContaining("did not pass"),
  });
  expect([await contentOf(production), await objects()]).toEqual(before);
});

test("a test also refuses what comes beside, where no note of the policy explains it", async () => {
  await execute(
    production,
    `create table audits (job_id bigint); drop trigger forget on rounds; drop function forget();
      create function tell() returns trigger language plpgsql as $$ begin insert into public.audits values (old.job_id); return old; end $$;
      create trigger tell after delete on rounds for each row execute function tell()`,
  );
  await execute(
    { ...server.address, database: service.controlDatabase },
    `update ledger.environments set fingerprint = '${(await contentOf(production)).fingerprint}' where name = 'prod'`,
  );
  await backedUp(service, "prod");
  const { exit, out } = await prune("test", "jobs", ...PROD);
  expect([exit, out]).toEqual([
    1,
    expect.stringMatching(/after the pruning table "public"\."audits" holds 6 rows, expected 0 rows/),
  ]);
});

test("a good policy passes, however often the service dies at it: everything that stays is as it was, and what went came back", async () => {
  await execute(production, "drop trigger tell on rounds; drop function tell(); drop table audits");
  await execute(
    { ...server.address, database: service.controlDatabase },
    `update ledger.environments set fingerprint = '${(await contentOf(production)).fingerprint}' where name = 'prod'`,
  );
  await backedUp(service, "prod");
  const before = [await contentOf(production), await objects()];
  service.killAt("task-prune-test:pruned", "task-prune-test:effect");
  const started = await json<{ id: string }>("test", "jobs", ...PROD, "--no-watch");
  for (const _ of [1, 2]) {
    expect(await service.ended()).toBe("SIGKILL");
    await begin();
  }
  expect(service.unfired()).toEqual([]);
  const { exit, out } = await runHere(["watch", started.value.id, "--json"], variables());
  const value = JSON.parse(out) as { id: string; attempt: number; outcome: Record<string, unknown> };
  expect(value.attempt).toBe(3);
  expect([exit, value.outcome]).toEqual([
    0,
    expect.objectContaining({
      ...{ passed: true, records: { due: 3, tested: 3, left: 0 }, objects: 6, told: 3 },
      rows: { '"public"."rounds"': 6, '"public"."images"': 6 },
      kept: { '"public"."rounds"': 3, '"public"."images"': 3 },
    }),
  ]);
  expect([await contentOf(production), await objects()]).toEqual(before);
  const { files } = await service.must<{ files: { name: string; url: string }[] }>(
    "GET",
    `/tasks/${value.id}/files`,
  );
  expect(files.map(({ name }) => name)).toEqual(["prune-test.json"]);
  const report = (await (await fetch(files[0]?.url ?? "")).json()) as object;
  expect(report).toMatchObject({ format: "rehearsal-prune-test/1", passed: true, problems: [] });
  expect(
    await rows(server.address, "select datname from pg_database where datname like $1", [
      `prune_prod_${process.pid}__%`,
    ]),
  ).toEqual([]);
  expect((await prune("policies", "prod")).out).toMatch(/passed, /);
});

test("plan tells what would go, what stays and why, and of records that nobody may prune the reason", async () => {
  const before = await contentOf(production);
  const { exit, out } = await prune("plan", "1", "4", "5", "nine", ...PROD);
  expect(exit).toBe(0);
  expect(out).toMatch(/^1 +reported +2 "public"\."images", 2 "public"\."rounds", 2 objects \(900 bytes\)/m);
  expect(out).toMatch(/a snapshot of "public"\."finals" names it at \$\.rounds\[\*\]/);
  expect(out).toMatch(/^4 +refused .*grace/m);
  expect(out).toMatch(/^5 +refused /m);
  expect(out).toMatch(/^nine +refused /m);
  expect(out).toContain("nothing was deleted");
  expect(await contentOf(production)).toEqual(before);
});

test("run asks for production's name, deletes what may go, and restore brings it back", async () => {
  const before = [await contentOf(production), await objects()];
  const unsaid = await json<Refused>("run", "1", ...PROD);
  expect(unsaid).toMatchObject({
    exit: 2,
    value: { error: { code: "PruneUnconfirmed", hint: expect.stringContaining("--confirm prod") } },
  });
  const { exit, value } = await json<Prune>("run", "1", ...PROD, "--confirm", "prod");
  expect([exit, value.status, value.counts]).toEqual([
    0,
    "pruned",
    expect.objectContaining({ rows: 4, objects: 2 }),
  ]);
  expect(await rows(production, "select id::int from public.rounds where job_id = 1")).toEqual([{ id: 11 }]);
  expect((await objects()).filter((key) => key.startsWith("images/1"))).toEqual(["images/11"]);
  const shown = await prune("show", value.id);
  expect(shown.out).toContain(`bring it back with: rehearsal prune restore ${value.id}`);
  expect((await prune("list", "prod", "--record", "1")).out).toMatch(
    new RegExp(`^${value.id} .* pruned `, "m"),
  );
  const back = await prune("restore", value.id, "--confirm", "prod");
  expect([back.exit, back.out]).toEqual([0, expect.stringContaining("brought back: 4 rows, 2 objects")]);
  const again = await json<Refused>("restore", value.id, "--confirm", "prod");
  expect(again).toMatchObject({ exit: 2, value: { error: { code: "NothingToRestore" } } });
  await execute(production, "delete from events where kind = 'pruned'");
  const [content, listed] = [await contentOf(production), await objects()];
  expect([content.baseline.tables, listed]).toEqual([
    (before[0] as typeof content).baseline.tables,
    before[1],
  ]);
});

test("what is held is left by a sweep, with the reason and the way to release it", async () => {
  const held = await json<{ id: string; record: string }>("hold", "2", ...PROD, "--reason", "case 7");
  expect(held.value.record).toBe("2");
  expect((await prune("holds", "prod")).out).toMatch(/ 2 +\d{4}-.* case 7/);
  const dry = await json<Prune>("sweep", ...PROD, "--dry-run");
  expect([dry.exit, dry.value.mode]).toEqual([0, "report"]);
  const { exit, value } = await json<Prune>("sweep", ...PROD, "--confirm", "prod");
  expect([exit, value.status]).toEqual([0, "pruned"]);
  expect(value.records.find(({ status }) => status === "pruned")?.record).toBe("3");
  expect(await rows(production, "select count(*)::int as n from public.rounds where job_id = 2")).toEqual([
    { n: 3 },
  ]);
  const named = await prune("run", "2", ...PROD, "--confirm", "prod");
  expect([named.exit === 0, named.out]).toEqual([false, expect.stringContaining("rehearsal prune release")]);
  const released = await prune("release", held.value.id, "--reason", "settled");
  expect([released.exit, released.out]).toEqual([0, expect.stringContaining("no longer")]);
});

test("fault 41: with automate a policy that has not passed a test as it is only reports when a record is archived", async () => {
  const altered = archiveProject("    automate: true\n");
  altered["inventory.yaml"] = altered["inventory.yaml"]?.replace("grace: 30 days", "grace: 29 days") ?? "";
  await run(altered);
  const before = await contentOf(production);
  await service.must("POST", "/environments/prod/archived", { records: [{ policy: "jobs", record: "2" }] });
  const found = async () =>
    (await json<{ prunes: Prune[] }>("list", "prod", "--record", "2")).value.prunes[0];
  const prunes = await waited(found, (one) => one?.status === "reported");
  expect(prunes).toMatchObject({ mode: "report", modeReason: expect.stringContaining("tested") });
  expect(await contentOf(production)).toEqual(before);
});

test.each([
  [["test"], 'see "rehearsal prune test --help"', "UsageInvalid"],
  [["plan", "1"], 'see "rehearsal prune plan --help"', "UsageInvalid"],
  [["hold", ...PROD, "--reason", "x"], 'see "rehearsal prune hold --help"', "UsageInvalid"],
  [["hold", "1", ...PROD], 'see "rehearsal prune hold --help"', "UsageInvalid"],
  [["plan", "1", ...PROD, "--policy", "job"], 'did you mean "jobs"?', "PolicyUnknown"],
  [["show", "x261121abcdefgh"], "rehearsal prune list", "NotFound"],
  [["release", "h261121abcdefgh", "--reason", "x"], "rehearsal prune holds", "NotFound"],
])("%j exits 2 with a hint", async (words, hint, code) => {
  const { exit, value } = await json<Refused>(...words);
  expect(exit).toBe(2);
  expect(value.error).toMatchObject({ code, hint: expect.stringContaining(hint) });
});

test("each function had what it asked for from its own role", () => {
  expect(service.denied()).toEqual([]);
});

/** Looks until it is so; the test's own time-out ends a wait in vain. */
async function waited<T>(look: () => Promise<T>, is: (found: T) => boolean): Promise<T> {
  for (;;) {
    const found = await look();
    if (is(found)) return found;
    await pause(50);
  }
}
