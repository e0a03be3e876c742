import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { GetExecutionHistoryCommand, SFNClient } from "@aws-sdk/client-sfn";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { STEPS } from "../../core/steps.ts";
import { executionArn } from "../../io/step-functions.ts";
import type { Container } from "../../local/ecs/containers.ts";
import { LONG_STEPS } from "../../workflows/functions.ts";
import { bundleContainer } from "../infra/bundled-container.ts";
import { dropDatabases, freshDatabase, newestServer, rows } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { type Hook, startHook } from "../service/hook.ts";
import { LocalService, until } from "../service/local-service.ts";
import { expectPromotedOnce, expectUntouched } from "../service/outcome.ts";
import { OUTSIDE, PROJECT, SCHEMA } from "../service/project.ts";
import { runTask } from "../service/tasks.ts";

/** Seconds that the function of rehearse may live here. */
const LIMIT = 3;

/** A statement that outlasts it, and that can be found on the server. */
const LONG = { "migrations/0003_long.sql": `select pg_sleep(${LIMIT + 1});\n` };

const FARGATE = { compute: "fargate" };

describe("long steps in containers", () => {
  const server = newestServer();
  const made: DatabaseAddress[] = [];
  let smoke: Hook;
  let service: LocalService;
  let folder: string;

  beforeAll(async () => {
    smoke = await startHook(() => 500);
    folder = await mkdtemp(join(tmpdir(), "containers-"));
    const bundled = await bundleContainer(folder);
    service = await new LocalService(server.address, "containers", {
      // As it is deployed: with the libraries, threads and WebAssembly that a build found.
      container: pathToFileURL(join(bundled, "main.mjs")),
      limits: { rehearse: { timeoutSeconds: LIMIT } },
      heartbeatSeconds: 3,
    }).start();
  });

  afterAll(async () => {
    await service.stop();
    await smoke.stop();
    await dropDatabases(...made);
    await rm(folder, { recursive: true });
  });

  async function environment(name: string, policy: object = {}): Promise<DatabaseAddress> {
    const address = await freshDatabase(server, SCHEMA, `containers_${name}_${process.pid}`);
    made.push(address);
    await service.register(name, address, policy);
    return address;
  }

  /** Each task that the execution scheduled, in order: `lambda admit`, `ecs snapshot` … */
  async function tasksOf(machine: string, name: string): Promise<string[]> {
    const client = new SFNClient({ endpoint: service.stack.endpoints.stepFunctions });
    const arn = executionArn(service.variables[machine] ?? "", name);
    const { events = [] } = await client.send(
      new GetExecutionHistoryCommand({ executionArn: arn, maxResults: 1000 }),
    );
    client.destroy();
    let state = "";
    return events.flatMap(({ stateEnteredEventDetails: entered, taskScheduledEventDetails: scheduled }) => {
      state = entered?.name ?? state;
      return scheduled === undefined ? [] : [`${scheduled.resourceType} ${state}`];
    });
  }

  /** The container that does the step now; waits for it. */
  async function containerOf(step: string): Promise<Container> {
    let found: Container | undefined;
    await until(() => {
      found = service.stack.containers.running().find((one) => one.step === step);
      return found !== undefined;
    });
    return found as Container;
  }

  const sleeping = (id: string, step: string) =>
    rows(
      server.address,
      "select 1 from pg_stat_activity where application_name ~ $1 and query ~ 'pg_sleep'",
      [`^rehearsal ${id} ${step} \\d+$`],
    );

  test("fault 2: what outlasts its function is refused before anybody is asked, and tells that a container would do it", async () => {
    const address = await environment("short", { decision: "approval" });
    const before = await contentOf(address);
    const id = await service.promote("short", await service.release({ ...PROJECT, ...LONG }));
    const detail = await service.until(id, "refused");
    expect(detail.error).toMatchObject({
      code: "OutlastsFunction",
      message: expect.stringMatching(/^rehearse is not done after \d+ s, and what does it may live 3 s$/),
      hint: expect.stringContaining("set compute: fargate in the environment's policy"),
    });
    expect(detail.approval).toBeNull();
    await expectUntouched(service, detail, address, before);
    expect(await sleeping(id, "rehearse")).toEqual([]);
  });

  test("fault 2: what outlasts its function is promoted where a container does it, and one that is told to stop gives its step back", async () => {
    const address = await environment("long", FARGATE);
    const id = await service.promote("long", await service.release({ ...PROJECT, ...LONG }));
    await until(async () => (await sleeping(id, "migrate")).length > 0);
    const migrating = await containerOf("migrate");
    migrating.stop();
    const detail = await service.until(id, "promoted");
    expect(migrating.exit).toEqual({ code: 143, signal: null });
    await expectPromotedOnce(service, detail, address, await contentOf(address));
    expect(
      await rows(
        address,
        "select path, count(*)::int as n from rehearsal.applied group by path having count(*) > 1",
      ),
    ).toEqual([]);
    expect(await tasksOf("REHEARSAL_PROMOTION_FARGATE_MACHINE", id)).toEqual([
      "lambda admit",
      "ecs snapshot",
      "ecs back-up",
      "ecs restore",
      "ecs rehearse",
      "lambda decide",
      "ecs migrate",
      "ecs migrate",
      "ecs verify",
      "lambda open",
    ]);
  });

  test("fault 1: kill -9 of the container amid a migration: it is missed, the step runs again, and each effect stands once", async () => {
    const release = await service.release({ ...PROJECT, ...OUTSIDE });
    const address = await environment("killed", { ...FARGATE, decision: "approval" });
    const id = await service.promote("killed", release);
    const { evidence } = await service.until(id, "waiting");
    // The container's word is handed on by a function; what people are asked is answered by nobody that way.
    const [{ token } = { token: "" }] = await rows<{ token: string }>(
      service.control,
      "select task_token as token from ledger.approvals where promotion = $1",
      [id],
    );
    const word = { token, outcome: { decision: "automatic" } };
    expect(await service.stack.lambda.invoke("answer", word)).toEqual({ payload: { taken: false } });
    expect((await service.show(id)).status).toBe("waiting");
    // What was begun in containers ends in them, whatever the policy says since.
    await service.must("PATCH", "/environments/killed", { policy: { decision: "approval" } });
    const gate = service.gate("migrate:committed");
    await service.must("POST", `/promotions/${id}/approve`, { evidence }, service.keys.reviewer);
    await gate.reached();
    const migrating = await containerOf("migrate");
    process.kill(migrating.pid, "SIGKILL");
    const detail = await service.until(id, "promoted");
    expect(migrating.exit).toEqual({ code: null, signal: "SIGKILL" });
    await expectPromotedOnce(service, detail, address, await contentOf(address));
    const tasks = await tasksOf("REHEARSAL_PROMOTION_FARGATE_MACHINE", id);
    expect(tasks.filter((task) => task === "ecs migrate")).toHaveLength(2);
    expect(tasks).toContain("ecs fence");
  });

  test("the way back runs in a container as well, and production is what it was", async () => {
    const address = await environment("back", { ...FARGATE, hooks: { smoke: smoke.url } });
    const before = await contentOf(address);
    const id = await service.promote("back", await service.release(PROJECT));
    const detail = await service.until(id, "rolled-back");
    const failed = `${address.database}__failed_${id}`;
    made.push({ ...address, database: failed });
    await expectUntouched(service, detail, address, before, [failed]);
    const tasks = await tasksOf("REHEARSAL_PROMOTION_FARGATE_MACHINE", id);
    expect(tasks.at(-1)).toBe("ecs roll-back");
  });

  test("a task of such an environment runs in a container", async () => {
    await environment("tasks", FARGATE);
    const done = await runTask(service, "/environments/tasks/backups");
    expect(done.status).toBe("succeeded");
    expect(await tasksOf("REHEARSAL_TASK_FARGATE_MACHINE", done.id)).toEqual(["ecs work"]);
  });

  test("a container does exactly the steps that may last", () => {
    expect(STEPS.filter((step) => LONG_STEPS.includes(step as (typeof LONG_STEPS)[number]))).toEqual(
      LONG_STEPS,
    );
  });
});
