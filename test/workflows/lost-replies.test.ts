import { StopExecutionCommand } from "@aws-sdk/client-sfn";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { STEPS } from "../../core/steps.ts";
import { executionArn } from "../../io/step-functions.ts";
import { tooManyRequests } from "../../local/lambda/failure.ts";
import { type FaultyProxy, startFaultyProxy } from "../local/faulty-proxy.ts";
import { sfnClient } from "../local/step-functions/stage.ts";
import { dropDatabases, freshDatabase, newestServer, rows } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { type Hook, startHook } from "../service/hook.ts";
import { LocalService } from "../service/local-service.ts";
import { expectEvents, expectPromotedOnce, expectUntouched } from "../service/outcome.ts";
import { OUTSIDE, PROJECT, SCHEMA } from "../service/project.ts";
import { startTcpProxy, type TcpProxy } from "../tcp-proxy.ts";

/** The steps of a promotion that goes its way. */
const AHEAD = STEPS.slice(0, STEPS.indexOf("put-away"));

/** As often as the SDK tries a call before it gives up. */
const TRIES = 3;

describe("replies that are lost", () => {
  const server = newestServer();
  const made: DatabaseAddress[] = [];
  let machine: FaultyProxy;
  let network: TcpProxy;
  let smoke: Hook;
  let smokeStatus = 200;
  /** How often each function is refused from now on, as where all sandboxes are busy. */
  const throttled = new Map<string, number>();
  let service: LocalService;
  let release: string;
  let wanted: Awaited<ReturnType<typeof contentOf>>;

  beforeAll(async () => {
    machine = await startFaultyProxy(() => service.stack.endpoints.stepFunctions);
    network = await startTcpProxy(server.address);
    smoke = await startHook(() => smokeStatus);
    service = await new LocalService(server.address, "lost", {
      environment: { AWS_ENDPOINT_URL_SFN: machine.url },
      around:
        (direct) =>
        async (name, ...rest) => {
          const left = throttled.get(name) ?? 0;
          if (left === 0) return direct(name, ...rest);
          throttled.set(name, left - 1);
          return { error: tooManyRequests() };
        },
      // By hand, so that nobody else's call meets a fault that is meant for ours.
      reconcileSeconds: 3600,
    }).start();
    release = await service.release({ ...PROJECT, ...OUTSIDE });
  });

  afterAll(async () => {
    await service.stop();
    await machine.stop();
    await network.stop();
    await smoke.stop();
    await dropDatabases(...made);
  });

  async function environment(name: string, policy: object = {}): Promise<DatabaseAddress> {
    const address = await freshDatabase(server, SCHEMA, `lost_${name}_${process.pid}`);
    made.push(address);
    await service.register(name, network.through(address), policy);
    return address;
  }

  async function reconcile(): Promise<unknown> {
    return service.stack.lambda.invoke("reconcile", {});
  }

  async function only(name: string): Promise<string> {
    const { promotions } = await service.must<{ promotions: { id: string }[] }>(
      "GET",
      `/promotions?environment=${name}`,
    );
    expect(promotions).toHaveLength(1);
    return promotions[0]?.id ?? "";
  }

  test("fault 8: the reply to StartExecution is lost each time: the promotion runs once, and a repetition finds it", async () => {
    const address = await environment("start-unheard");
    machine.inject({ kind: "lost-reply" }, { times: TRIES });
    const ask = () =>
      service.call<{ id: string }>(
        "POST",
        "/promotions",
        { environment: "start-unheard", release },
        { headers: { "idempotency-key": "start-unheard" } },
      );
    expect(await ask()).toMatchObject({ status: 503, body: { code: "AwsCallFailed" } });
    expect(machine.spent()).toBe(true);
    const id = await only("start-unheard");
    expect(await ask()).toMatchObject({ status: 200, body: { id } });
    const detail = await service.until(id, "promoted");
    wanted = await contentOf(address);
    await expectPromotedOnce(service, detail, address, wanted);
    expect(detail.steps.map((step) => step.attempt)).toEqual(detail.steps.map(() => 1));
    await expectEvents(service, id, { "promotion.created": 1 });
  });

  test("fault 8: StartExecution never arrives: the reconciler starts what the ledger has, once", async () => {
    const address = await environment("start-lost");
    machine.inject({ kind: "reset" }, { times: TRIES });
    const refused = await service.call("POST", "/promotions", { environment: "start-lost", release });
    expect(refused).toMatchObject({ status: 503, body: { code: "AwsCallFailed" } });
    const id = await only("start-lost");
    expect(await service.show(id)).toMatchObject({ status: "created", steps: [] });
    // It holds its environment although nothing runs yet.
    expect(await service.call("POST", "/promotions", { environment: "start-lost", release })).toMatchObject({
      status: 409,
      body: { code: "EnvironmentLocked" },
    });
    expect(await reconcile()).toEqual({ payload: { actions: { [id]: "started" } } });
    expect(await reconcile()).toEqual({ payload: { actions: {} } });
    const detail = await service.until(id, "promoted");
    await expectPromotedOnce(service, detail, address, wanted);
    expect(await reconcile()).toEqual({ payload: { actions: {} } });
  });

  test("fault 5: every step finds all sandboxes busy once, and migrate twice: it is invoked again, and each effect stands once", async () => {
    const address = await environment("throttled");
    for (const step of AHEAD) throttled.set(step, step === "migrate" ? 2 : 1);
    const detail = await service.until(await service.promote("throttled", release), "promoted");
    expect([...throttled.values()]).toEqual(AHEAD.map(() => 0));
    await expectPromotedOnce(service, detail, address, wanted);
    // No attempt was spent: the function never began.
    expect(detail.steps.map((step) => step.attempt)).toEqual(AHEAD.map(() => 1));
  });

  test("fault 42: Step Functions says ABORTED of what the ledger has promoted: promoted it is", async () => {
    const address = await environment("aborted");
    const gate = service.gate("open:recorded");
    const id = await service.promote("aborted", release);
    await gate.reached();
    const client = sfnClient(service.stack.endpoints.stepFunctions);
    const arn = executionArn(service.variables.REHEARSAL_PROMOTION_MACHINE ?? "", id);
    await client.send(new StopExecutionCommand({ executionArn: arn, error: "Stopped", cause: "by hand" }));
    client.destroy();
    expect(await reconcile()).toEqual({ payload: { actions: {} } });
    gate.open();
    expect(await reconcile()).toEqual({ payload: { actions: {} } });
    expect(await service.executionStatus(id)).toBe("ABORTED");
    await expectPromotedOnce(service, await service.show(id), address, wanted);
  });

  test.each(["migrate:verified", "migrate:outside"])(
    "fault 17: the server does what it is asked after %s, and the reply is lost: it is read from the ledger and not done again",
    async (point) => {
      const name = point.replace(":", "-");
      const address = await environment(name);
      const gate = service.gate(point);
      const id = await service.promote(name, release);
      await gate.reached();
      const before = network.struck();
      network.inject({ kind: "cut", from: "server", after: 0 });
      gate.open();
      await expect.poll(() => network.struck(), { timeout: 10_000 }).toBeGreaterThan(before);
      network.heal();
      const detail = await service.until(id, "promoted");
      await expectPromotedOnce(service, detail, address, wanted);
      expect(detail.steps.filter(({ step }) => step === "migrate").map(({ status }) => status)).toEqual(
        expect.arrayContaining(["failed", "succeeded"]),
      );
      expect(await rows(address, "select count(*)::int as n from rehearsal.applied")).toEqual([{ n: 4 }]);
    },
  );

  test("fault 7: the reply to whatever a step asks the server next is lost, at many steps: it is asked again, and the rollback ends", async () => {
    const address = await environment("cut-often", { hooks: { smoke: smoke.url } });
    const before = await contentOf(address);
    smokeStatus = 500;
    const points = [
      "admit:begun",
      "restore:created",
      "rehearse:cloned",
      "fence:stopped",
      "fence:closed",
      "verify:counted",
      "roll-back:closed",
      "roll-back:prepared",
      "roll-back:renamed",
    ];
    const gates = points.map((point) => service.gate(point));
    const id = await service.promote("cut-often", release);
    for (const gate of gates) {
      await gate.reached();
      const struck = network.struck();
      network.inject({ kind: "cut", from: "server", after: 0 });
      gate.open();
      await expect.poll(() => network.struck(), { timeout: 10_000 }).toBeGreaterThan(struck);
      network.heal();
    }
    const detail = await service.until(id, "rolled-back");
    smokeStatus = 200;
    expect(detail.error).toMatchObject({ code: "HookFailed" });
    await expectUntouched(service, detail, address, before, [expect.stringContaining(`__failed_${id}`)]);
  });
});
