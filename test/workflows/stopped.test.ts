import { RedriveExecutionCommand, type SFNClient, StopExecutionCommand } from "@aws-sdk/client-sfn";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { executionArn } from "../../io/step-functions.ts";
import { sfnClient } from "../local/step-functions/stage.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { LocalService, until } from "../service/local-service.ts";
import { expectEvents, expectUntouched } from "../service/outcome.ts";
import { OUTSIDE, PROJECT, SCHEMA } from "../service/project.ts";

/** Where the step that still runs could leave most behind: there the same release is promoted once more. */
const AGAIN = new Set(["admit:begun", "open:begun"]);

describe("fault 9: an operator stops the execution", () => {
  const server = newestServer();
  const made: DatabaseAddress[] = [];
  /** Invocations under way, those included whose execution is gone. */
  const under: Promise<unknown>[] = [];
  let service: LocalService;
  let release: string;
  /** While it stands, the reconciler waits for it. */
  let unreconciled: Promise<void> | undefined;

  beforeAll(async () => {
    service = await new LocalService(server.address, "stopped", {
      around: (direct) => async (name, payload, signal) => {
        if (name === "reconcile") await unreconciled;
        const work = direct(name, payload, signal);
        under.push(work.catch((error: unknown) => error));
        return work;
      },
    }).start();
    release = await service.release({ ...PROJECT, ...OUTSIDE });
  });

  afterAll(async () => {
    await service.stop();
    await dropDatabases(...made);
  });

  async function environment(name: string, policy: object = {}): Promise<DatabaseAddress> {
    const address = await freshDatabase(server, SCHEMA, `stopped_${name}_${process.pid}`);
    made.push(address);
    await service.register(name, address, policy);
    return address;
  }

  /** What an operator does in the console. */
  async function byHand(
    work: (client: SFNClient, arn: string) => Promise<unknown>,
    id: string,
  ): Promise<void> {
    const client = sfnClient(service.stack.endpoints.stepFunctions);
    try {
      await work(client, executionArn(service.variables.REHEARSAL_PROMOTION_MACHINE ?? "", id));
    } finally {
      client.destroy();
    }
  }

  const stop = (id: string) =>
    byHand(
      (client, arn) =>
        client.send(new StopExecutionCommand({ executionArn: arn, error: "Stopped", cause: "by hand" })),
      id,
    );
  const redrive = (id: string) =>
    byHand((client, arn) => client.send(new RedriveExecutionCommand({ executionArn: arn })), id);

  test.each([
    ["admit:begun", "refused"],
    ["restore:begun", "refused"],
    ["fence:stopped", "refused"],
    ["migrate:begun", "refused"],
    ["migrate:in-transaction", "refused"],
    ["migrate:outside", "rolled-back"],
    ["open:begun", "rolled-back"],
  ])(
    "while it is at %s: it ends %s, and the step that still runs changes nothing more",
    async (point, status) => {
      const name = point.replace(":", "-");
      const address = await environment(name);
      const before = await contentOf(address);
      const gate = service.gate(point);
      const id = await service.promote(name, release);
      await gate.reached();
      await stop(id);
      const detail = await service.until(id, status);
      gate.open();
      await Promise.all(under.splice(0));
      expect(detail.error).toMatchObject({ code: "StepDied", message: expect.stringContaining("stopped") });
      const kept = status === "rolled-back" ? [expect.stringContaining(`__failed_${id}`)] : [];
      await expectUntouched(service, await service.show(id), address, before, kept);
      await expectEvents(service, id, { "promotion.rollback-started": 1 });
      // The environment is free, and the same release goes through.
      if (AGAIN.has(point)) await service.until(await service.promote(name, release), "promoted");
    },
  );

  test("while a person is asked: it ends refused, and a decision that comes then is refused as well", async () => {
    const address = await environment("asked", { decision: "approval" });
    const before = await contentOf(address);
    const id = await service.promote("asked", release);
    await service.until(id, "waiting");
    await stop(id);
    const detail = await service.until(id, "refused");
    await expectUntouched(service, detail, address, before);
    const late = await service.call("POST", `/promotions/${id}/approve`, {}, { key: service.keys.reviewer });
    expect(late).toMatchObject({ status: 409, body: { code: "ApprovalNotWanted" } });
    await expectUntouched(service, await service.show(id), address, before);
  });

  test("fault 15: redriven when it was refused long ago and production has changed since, it changes nothing", async () => {
    const address = await environment("redriven");
    const gate = service.gate("rehearse:begun");
    const id = await service.promote("redriven", release);
    await gate.reached();
    await stop(id);
    gate.open();
    const refused = await service.until(id, "refused");
    await Promise.all(under.splice(0));
    await execute(
      address,
      "alter table videos add column by_hand int; insert into videos (title) values ('new')",
    );
    const before = await contentOf(address);
    await redrive(id);
    // Every step is refused, each time that the machine tries.
    const stale = expect.objectContaining({
      error: expect.objectContaining({ errorType: "AttemptStale" }),
    });
    await until(async () => (await Promise.all(under)).some((answer) => stale.asymmetricMatch(answer)));
    await stop(id);
    await Promise.all(under.splice(0));
    const detail = await service.show(id);
    expect(detail.error).toEqual(refused.error);
    await expectUntouched(service, detail, address, before);
  });

  test("fault 15: redriven before anybody has closed it, it goes on, finds that production has changed, and is refused", async () => {
    const address = await environment("redriven-at-once", { decision: "approval" });
    const id = await service.promote("redriven-at-once", release);
    await service.until(id, "waiting");
    const { promise, resolve } = Promise.withResolvers<void>();
    unreconciled = promise;
    await stop(id);
    await execute(
      address,
      "alter table videos add column by_hand int; insert into videos (title) values ('new')",
    );
    const before = await contentOf(address);
    await redrive(id);
    await until(async () => (await askedTwice(id)) && (await service.executionStatus(id)) === "RUNNING");
    unreconciled = undefined;
    resolve();
    await service.must("POST", `/promotions/${id}/approve`, {}, service.keys.reviewer);
    const detail = await service.until(id, "refused");
    await Promise.all(under.splice(0));
    expect(detail.error).toMatchObject({ code: "DriftFound" });
    await expectUntouched(service, detail, address, before);
  });

  /** Whether decide has been run again: it holds another token then. */
  async function askedTwice(id: string): Promise<boolean> {
    const [row] = await rows<{ n: number }>(
      service.control,
      "select count(*)::int as n from ledger.steps where promotion = $1 and step = 'decide' and status = 'succeeded'",
      [id],
    );
    return (row?.n ?? 0) > 1;
  }
});
