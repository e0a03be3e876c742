/** What is deployed, promoted with: the bundles, each sandbox a process under the Runtime API, machines that name versions. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { DescribeExecutionCommand, type SFNClient } from "@aws-sdk/client-sfn";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { STEPS } from "../../core/steps.ts";
import { executionArn } from "../../io/step-functions.ts";
import { built } from "../infra/built.ts";
import { ric } from "../local/ric.ts";
import { sfnClient } from "../local/step-functions/stage.ts";
import { dropDatabases, freshDatabase, newestServer } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { LocalService } from "../service/local-service.ts";
import { expectPromotedOnce, expectUntouched } from "../service/outcome.ts";
import { OUTSIDE, PROJECT, SCHEMA } from "../service/project.ts";

/** Enough for every step of a project this small, and few enough that a process is soon past it. */
const MEMORY_MB = 1024;

const server = newestServer();
const made: DatabaseAddress[] = [];
const folder = mkdtempSync(join(tmpdir(), "rehearsal-bundled-"));
let dist: string;
const loaded = join(folder, "loaded");
const lines: string[] = [];
let service: LocalService;
let client: SFNClient;
let release: string;

beforeAll(async () => {
  mkdirSync(loaded);
  ({ folder: dist } = await built());
  service = await new LocalService(server.address, "bundled", {
    bundles: dist,
    // Where it is found, AWS's own.
    ...(ric !== undefined && { runtime: ric }),
    preload: new URL("../service/loaded-modules.ts", import.meta.url),
    environment: { REHEARSAL_TEST_LOADED: loaded },
    limits: Object.fromEntries([...STEPS, "back-up-worker"].map((name) => [name, { memoryMb: MEMORY_MB }])),
    onLog: (line) => lines.push(line),
  }).start();
  client = sfnClient(service.stack.endpoints.stepFunctions);
  release = await service.release({ ...PROJECT, ...OUTSIDE });
  // Building all of it takes seconds, and many of them beside other tests.
}, 240_000);

afterAll(async () => {
  client.destroy();
  await service.stop();
  await dropDatabases(...made);
  rmSync(folder, { recursive: true });
});

afterEach(({ task }) => {
  // What a function said last is all there is to know of a process that is gone.
  if (task.result?.state === "fail")
    console.error(
      lines
        .filter((line) => !line.startsWith("REPORT"))
        .slice(-20)
        .join("\n"),
    );
});

async function environment(name: string, policy: object = {}): Promise<DatabaseAddress> {
  const address = await freshDatabase(server, SCHEMA, `bundled_${name}_${process.pid}`);
  made.push(address);
  await service.register(name, address, policy);
  return address;
}

/** The version of the machine that the promotion is on. */
async function versionOf(id: string): Promise<string | undefined> {
  const arn = executionArn(service.variables.REHEARSAL_PROMOTION_MACHINE ?? "", id);
  const { stateMachineVersionArn } = await client.send(new DescribeExecutionCommand({ executionArn: arn }));
  return stateMachineVersionArn?.split(":").at(-1);
}

/** The files that each function has read, by its name, without those of the runtime. */
function modulesRead(): Map<string, string[]> {
  const ours = pathToFileURL(join(import.meta.dirname, "../../local/lambda")).href;
  const theirs = ric === undefined ? ours : pathToFileURL(ric).href;
  return new Map(
    readdirSync(loaded).map((name) => {
      const urls = readFileSync(join(loaded, name), "utf8").trim().split("\n");
      const own = (url: string) =>
        url.startsWith("file:") && ![ours, theirs].some((of) => url.startsWith(of));
      return [name, urls.filter(own)];
    }),
  );
}

let wanted: Awaited<ReturnType<typeof contentOf>>;

test("a promotion with a fence goes its whole way, and nothing but the bundles has run", async () => {
  const address = await environment("whole");
  const detail = await service.until(await service.promote("whole", release), "promoted");
  wanted = await contentOf(address);
  await expectPromotedOnce(service, detail, address, wanted);
  expect(detail.steps.map(({ attempt }) => attempt)).toEqual(detail.steps.map(() => 1));
  const read = modulesRead();
  expect([...read.keys()]).toEqual(expect.arrayContaining(["api", ...detail.steps.map(({ step }) => step)]));
  for (const [name, urls] of read) {
    const published = pathToFileURL(join(service.folder, "functions", name, "1/")).href;
    expect([name, urls.filter((url) => !url.startsWith(published))]).toEqual([name, []]);
    expect([name, urls]).toEqual([name, expect.arrayContaining([`${published}main.mjs`])]);
  }
});

test("the console takes a form, sets a cookie and knows it again", async () => {
  const headers = { "sec-fetch-site": "same-origin" };
  const options = { method: "POST", redirect: "manual", headers } as const;
  const body = new URLSearchParams({ key: service.keys.operator });
  const signedIn = await fetch(`${service.url}/console/sign-in`, { ...options, body });
  expect(signedIn.status).toBe(303);
  const [cookie = ""] = signedIn.headers.getSetCookie();
  expect(cookie).toContain("HttpOnly");
  const page = await fetch(`${service.url}/console/promotions`, {
    headers: { ...headers, cookie: cookie.split(";")[0] ?? "" },
  });
  expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=UTF-8"]);
  expect(await page.text()).toContain("whole");
});

test("fault 3: the memory of a step's process runs out: it is killed, begun again, and each effect stands once", async () => {
  const address = await environment("memory");
  const points = ["snapshot:effect", "migrate:outside", "open:opened"];
  for (const point of points) service.gate(point, "fills");
  const detail = await service.until(await service.promote("memory", release), "promoted");
  await expectPromotedOnce(service, detail, address, wanted);
  expect(detail.steps.filter(({ status }) => status === "failed").map(({ step }) => step)).toEqual(
    points.map((point) => point.split(":")[0]),
  );
  expect(lines.filter((line) => line.includes('"errorType":"Runtime.OutOfMemory"'))).toHaveLength(
    points.length,
  );
});

test("a worker's process is killed with a unit of a shared backup taken: the others copy it, and it is told", async () => {
  const address = await environment("shared", { backup: { functions: 3 }, connections: 1 });
  const leader = service.gate("back-up:under-way");
  const killed = service.gate("back-up-worker:taken", "fills");
  const id = await service.promote("shared", release);
  await leader.reached();
  await killed.reached();
  leader.open();
  const detail = await service.until(id, "promoted");
  await expectPromotedOnce(service, detail, address, wanted);
  const step = detail.steps.find(({ step }) => step === "back-up");
  expect(step?.outcome?.shared).toMatchObject({ functions: 3, failed: [{ code: null }] });
  const read = modulesRead().get("back-up-worker") ?? [];
  const published = pathToFileURL(join(service.folder, "functions/back-up-worker/1/")).href;
  expect(read).toEqual(expect.arrayContaining([`${published}main.mjs`]));
  expect(read.filter((url) => !url.startsWith(published))).toEqual([]);
});

test.each([
  ["rehearse:swapped", "refused"],
  ["migrate:outside", "rolled-back"],
])(
  "fault 3: the memory runs out again and again at %s: it ends %s, and production is what it was",
  async (point, status) => {
    const name = point.replace(":", "-");
    const address = await environment(name);
    const before = await contentOf(address);
    for (const _ of ["first", "again"]) service.gate(point, "fills");
    const id = await service.promote(name, release);
    const detail = await service.until(id, status);
    expect(detail.error).toMatchObject({
      code: "StepDied",
      message: expect.stringContaining("Runtime.OutOfMemory"),
    });
    const failed = { ...address, database: `${address.database}__failed_${id}` };
    if (status === "rolled-back") made.push(failed);
    await expectUntouched(
      service,
      detail,
      address,
      before,
      status === "rolled-back" ? [failed.database] : [],
    );
  },
);

test("fault 14: a deploy while a promotion waits for its approval: it ends on the version that it began with, and the next runs on the new", async () => {
  const address = await environment("pinned", { decision: "approval" });
  const id = await service.promote("pinned", release);
  await service.until(id, "waiting");

  // The next build refuses to migrate, and everything else is as it was.
  const next = join(folder, "next");
  cpSync(dist, next, { recursive: true });
  writeFileSync(
    join(next, "functions/migrate/main.mjs"),
    `export const handler = async () => {
      throw Object.assign(new Error("the next build does not migrate"), { name: "NextBuild" });
    };`,
  );
  await service.stack.deploy(next);
  await service.must("POST", `/promotions/${id}/approve`, {}, service.keys.reviewer);
  const detail = await service.until(id, "promoted");
  await expectPromotedOnce(service, detail, address, wanted);
  expect(await versionOf(id)).toBe("1");

  const after = await environment("after");
  const before = await contentOf(after);
  const later = await service.promote("after", release);
  const refused = await service.until(later, "refused");
  expect(refused.error).toMatchObject({
    code: "StepDied",
    message: expect.stringContaining("the next build does not migrate"),
  });
  await expectUntouched(service, refused, after, before);
  expect(await versionOf(later)).toBe("2");
});
