import { createServer, request } from "node:http";
import { SFNClient, StopExecutionCommand } from "@aws-sdk/client-sfn";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { executionArn } from "../../io/step-functions.ts";
import type { LambdaRunner } from "../../local/lambda/runner.ts";
import { freePort } from "../../local/postgres.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { LocalService, until } from "../service/local-service.ts";
import { expectUntouched } from "../service/outcome.ts";
import { planned } from "../service/planned.ts";
import { OUTSIDE, PROJECT, SCHEMA } from "../service/project.ts";

type Invoke = LambdaRunner["invoke"];

const server = newestServer();
const made: DatabaseAddress[] = [];
let service: LocalService;
/** Stands around the invocations of one test. */
let around: ((direct: Invoke, ...call: Parameters<Invoke>) => ReturnType<Invoke>) | undefined;
/** True while the bucket takes no copy of the log. */
let logRefused = false;
let stopProxy: () => Promise<void>;

beforeAll(async () => {
  const port = await freePort();
  stopProxy = await startProxy(port);
  service = await new LocalService(server.address, "left-behind", {
    environment: { AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}` },
    around:
      (direct) =>
      (...call) =>
        around === undefined ? direct(...call) : around(direct, ...call),
  }).start();
});

afterAll(async () => {
  await service.stop();
  await stopProxy();
  await dropDatabases(...made);
});

async function environment(name: string, policy: object = {}, sql = ""): Promise<DatabaseAddress> {
  const address = await freshDatabase(server, SCHEMA + sql, `left_${name}_${process.pid}`);
  made.push(address);
  await service.register(name, address, policy);
  return address;
}

/** Hands everything on to the store, but not the log's copies while they are refused. */
async function startProxy(port: number): Promise<() => Promise<void>> {
  const proxy = createServer((from, to) => {
    if (logRefused && from.method === "PUT" && from.url?.includes("/log/")) {
      from.resume();
      to.writeHead(503).end();
      return;
    }
    const { hostname, port: behind } = new URL(service.stack.endpoints.s3);
    const { method, url: path, headers } = from;
    const onward = request({ hostname, port: behind, method, path, headers }, (answer) => {
      to.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(to);
    });
    onward.on("error", () => to.destroy());
    from.pipe(onward);
  });
  await new Promise<void>((resolve) => proxy.listen(port, "127.0.0.1", resolve));
  return async () => {
    proxy.closeAllConnections();
    await new Promise((resolve) => proxy.close(resolve));
  };
}

test("a procedure that committed a part and then failed is taken back, not called refused", async () => {
  const slices = `create procedure public.slices() language plpgsql as $$ begin
    update public.segments set text = 'first' where id <= 1000; commit;
    if exists (select 1 from public.videos where title = 'late') then raise exception 'half-way'; end if;
    update public.segments set text = 'second' where id > 1000; commit; end $$;`;
  const address = await environment("slices", { decision: "approval" }, slices);
  const files = {
    "rehearsal.yaml": "project: videos\n",
    "migrations/0001_slices.sql": "-- rehearsal: no-transaction\ncall slices();\n",
  };
  const plan = await planned(files, (drafted) => `${drafted}reaches: [segments]\n`);
  const id = await service.promote("slices", await service.release(plan));
  await service.until(id, "waiting");
  await execute(address, "insert into videos (title) values ('late')");
  const before = await contentOf(address);
  await service.must("POST", `/promotions/${id}/approve`, {}, service.keys.reviewer);
  const detail = await service.until(id, "rolled-back");
  const failed = `${address.database}__failed_${id}`;
  made.push({ ...address, database: failed });
  expect(detail.error).toMatchObject({ code: "MigrationFailed" });
  await expectUntouched(service, detail, address, before, [failed]);
});

test.each([
  ["migrate:begun", PROJECT],
  ["fence:stopped", { ...PROJECT, ...OUTSIDE }],
])(
  "fault 9: a function that lives on at %s when its execution was stopped touches production no more",
  async (point, files) => {
    const name = point.replace(":", "-");
    const address = await environment(name);
    const before = await contentOf(address);
    const gate = service.gate(point);
    let zombie: ReturnType<Invoke> | undefined;
    around = (direct, step, ...rest) => {
      const answer = direct(step, ...rest);
      if (point.startsWith(step)) zombie = answer;
      return answer;
    };
    const id = await service.promote(name, await service.release(files));
    await gate.reached();
    const client = new SFNClient({ endpoint: service.stack.endpoints.stepFunctions });
    const arn = executionArn(service.variables.REHEARSAL_PROMOTION_MACHINE ?? "", id);
    await client.send(new StopExecutionCommand({ executionArn: arn }));
    const detail = await service.until(id, "refused");
    gate.open();
    expect(await zombie).toMatchObject({ error: { errorType: "AttemptStale" } });
    around = undefined;
    await expectUntouched(service, { ...detail, steps: [] }, address, before);
  },
);

test("fault 23: an invocation that arrives when the promotion has ended does nothing", async () => {
  const address = await environment("late");
  const before = await contentOf(address);
  let payload: unknown;
  around = async (direct, step, given, ...rest) => {
    if (step !== "migrate") return direct(step, given, ...rest);
    payload = given;
    return { error: { errorType: "Unforeseen", errorMessage: "it never arrived", trace: [] } };
  };
  const detail = await service.until(
    await service.promote("late", await service.release(PROJECT)),
    "refused",
  );
  around = undefined;
  expect(await service.stack.lambda.invoke("migrate", payload)).toMatchObject({
    error: { errorType: "AttemptStale" },
  });
  expect(await service.stack.lambda.invoke("roll-back", payload)).toMatchObject({
    payload: { path: "nothing" },
  });
  await expectUntouched(service, detail, address, before);
});

test("fault 31: a bucket that takes no log holds nothing up, and has it all when it is back", async () => {
  const address = await environment("no-log");
  around = (direct, step, ...rest) => {
    if (step === "open") logRefused = true;
    return direct(step, ...rest);
  };
  const id = await service.promote("no-log", await service.release({ ...PROJECT, ...OUTSIDE }));
  await service.until(id, "promoted");
  await until(async () => (await service.executionStatus(id)) !== "RUNNING");
  expect(await service.executionStatus(id)).toBe("SUCCEEDED");
  around = undefined;
  logRefused = false;
  expect(await rows(address, "select state from rehearsal.identity")).toEqual([{ state: "canonical" }]);
  await until(
    async () =>
      (await rows<{ n: number }>(service.control, "select count(*)::int as n from ledger.outbox"))[0]?.n ===
      0,
  );
  expect(await service.must("GET", "/log/verify")).not.toHaveProperty("broken");
});

test("a database that somebody replaced while a decision was waited for does not lock its environment", async () => {
  const address = await environment("replaced", { decision: "approval" });
  const id = await service.promote("replaced", await service.release(PROJECT));
  await service.until(id, "waiting");
  await dropDatabases(address);
  await freshDatabase(server, SCHEMA, address.database);
  await service.must("POST", `/promotions/${id}/reject`, {}, service.keys.reviewer);
  expect((await service.until(id, "refused")).error).toMatchObject({ code: "ApprovalRejected" });
});

test.each(["approved", "expired"])(
  "an answer that comes while decide is tried again is not lost: it was %s",
  async (told) => {
    const name = `again-${told}`;
    const address = await environment(name, { decision: "approval", approvalTimeout: 30 });
    const dies = service.gate("decide:recorded", "dies");
    const again = Promise.withResolvers<void>();
    around = async (direct, step, ...rest) => {
      if (step === "decide" && asked++ > 0) await again.promise;
      return direct(step, ...rest);
    };
    let asked = 0;
    const id = await service.promote(name, await service.release(PROJECT));
    await dies.reached();
    await service.until(id, "waiting");
    if (told === "expired") {
      // The machine has given the first token up, and the approver is told so.
      await until(() => asked > 1);
      const answer = await service.call(
        "POST",
        `/promotions/${id}/approve`,
        {},
        { key: service.keys.reviewer },
      );
      expect(answer.status).toBe(409);
      again.resolve();
      await until(async () => (await service.show(id)).approval?.status === "waiting");
      await service.must("POST", `/promotions/${id}/approve`, {}, service.keys.reviewer);
    } else {
      // Recorded, and its request died before it was handed on.
      await execute(
        service.control,
        `update ledger.approvals set status = 'approved', decided_by = 'reviewer' where promotion = '${id}'`,
      );
      again.resolve();
    }
    await service.until(id, "promoted");
    around = undefined;
    expect(await rows(address, "select count(*)::int as n from public.speakers")).toEqual([{ n: 2 }]);
  },
);

test("fault 42: a decision is handed on by the reconciler, but not while whoever took it may still do so", async () => {
  await environment("their-turn", { decision: "approval" });
  const id = await service.promote("their-turn", await service.release(PROJECT));
  await service.until(id, "waiting");
  const decide = (when: string) =>
    execute(
      service.control,
      `update ledger.approvals set status = 'approved', decided_by = 'reviewer', decided_at = ${when} where promotion = '${id}'`,
    );
  const reconcile = () => service.stack.lambda.invoke("reconcile", {});
  await decide("now()");
  expect(await reconcile()).toMatchObject({
    payload: { actions: expect.not.objectContaining({ [id]: "answered" }) },
  });
  expect((await service.show(id)).steps.map(({ step }) => step)).not.toContain("migrate");
  await decide("now() - interval '31 seconds'");
  await reconcile();
  await service.until(id, "promoted");
});

test("fault 28: what somebody changes by hand before production is opened is drift, and not promised", async () => {
  const address = await environment("by-hand");
  const gate = service.gate("open:begun");
  const id = await service.promote("by-hand", await service.release(PROJECT));
  await gate.reached();
  await execute(address, "create table by_hand (a int)");
  gate.open();
  await service.until(id, "promoted");
  const next = await service.release({ ...PROJECT, "migrations/0003_z.sql": "create table z (a int);\n" });
  const refused = await service.until(await service.promote("by-hand", next), "refused");
  expect(refused.error).toMatchObject({ code: "DriftFound", message: expect.stringContaining("by_hand") });
});
