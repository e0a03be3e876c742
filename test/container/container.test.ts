/** The container's entry as a process: what it answers to the machine, and how it ends. */
import { spawn } from "node:child_process";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { StopExecutionCommand } from "@aws-sdk/client-sfn";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RehearsalError } from "../../core/errors.ts";
import { failureOf } from "../../functions/container/failure.ts";
import { readOrder } from "../../functions/container/order.ts";
import { type Container, type Containers, startContainers } from "../../local/ecs/containers.ts";
import { machine, openStage } from "../local/step-functions/stage.ts";
import { startAnswers } from "./answers.ts";
import { taskOf } from "./order.ts";

describe("a container", () => {
  let stage: Awaited<ReturnType<typeof openStage>>;
  /** Never answers, so that a step is at work until somebody ends it. */
  let secrets: Server;
  let answers: Awaited<ReturnType<typeof startAnswers>>;
  let containers: Containers;
  let environment: Record<string, string>;
  const started: Container[] = [];

  beforeAll(async () => {
    secrets = createServer(() => undefined);
    await new Promise<void>((resolve) => secrets.listen(0, "127.0.0.1", resolve));
    stage = await openStage({
      runTask: async (given) => {
        const answer = await containers.runTask(given);
        const newest = containers.running().at(-1);
        if (newest !== undefined) started.push(newest);
        return answer;
      },
    });
    answers = await startAnswers(() => stage.client);
    environment = {
      ...answers.variables,
      ...{ AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" },
      AWS_ENDPOINT_URL_SFN: stage.url,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: `http://127.0.0.1:${(secrets.address() as AddressInfo).port}`,
      REHEARSAL_CONTROL_SECRET: "rehearsal/control-database",
      REHEARSAL_BUCKET: "none",
    };
    containers = startContainers({
      entry: new URL("../../functions/container/main.ts", import.meta.url),
      environment,
      onLog: () => undefined,
    });
  });

  afterAll(async () => {
    await containers.stop();
    await answers.stop();
    await stage.close();
    secrets.closeAllConnections();
    await new Promise((resolve) => secrets.close(resolve));
  });

  /** Starts an execution whose one state has the order done; the token is the state's own. */
  async function begin(order: Record<string, string>): Promise<string> {
    const task = {
      Type: "Task",
      Resource: "arn:aws:states:::ecs:runTask.waitForTaskToken",
      Arguments: taskOf({ REHEARSAL_TASK_TOKEN: "{% $states.context.Task.Token %}", ...order }),
      TimeoutSeconds: 3_600,
      End: true,
    };
    started.length = 0;
    return stage.start(await stage.create(`m${++machines}`, machine("run", { run: task })));
  }
  let machines = 0;

  async function startedOne(): Promise<Container> {
    for (;;) {
      const [one] = started;
      if (one !== undefined) return one;
      await pause(10);
    }
  }

  /** Begun when it asks for the ledger's address, which nobody tells it. */
  const atWork = () => new Promise<IncomingMessage>((resolve) => secrets.once("request", resolve));

  async function exitOf(container: Container): Promise<Container["exit"]> {
    while (container.exit === undefined) await pause(10);
    return container.exit;
  }

  test("that is told to stop gives its step back, and ends", async () => {
    const working = atWork();
    const execution = await begin({});
    const container = await startedOne();
    await working;
    container.stop();
    expect(await stage.ended(execution)).toMatchObject({
      status: "FAILED",
      error: "Container.Stopped",
      cause: JSON.stringify({
        errorType: "Container.Stopped",
        errorMessage: "the container was told SIGTERM",
        trace: [],
      }),
    });
    expect(await exitOf(container)).toEqual({ code: 143, signal: null });
  });

  test("for which nobody waits any more ends by itself, in the midst of its step", async () => {
    const working = atWork();
    const execution = await begin({ REHEARSAL_HEARTBEAT_SECONDS: "0.6" });
    const container = await startedOne();
    await working;
    await stage.client.send(new StopExecutionCommand({ executionArn: execution }));
    expect(await exitOf(container)).toEqual({ code: 3, signal: null });
  });

  test("does no step that functions do", async () => {
    const ended = await stage.ended(await begin({ REHEARSAL_STEP: "decide" }));
    expect(ended).toMatchObject({ status: "FAILED", error: "Error" });
    expect(JSON.parse(ended.cause ?? "")).toMatchObject({ errorMessage: "no container does decide" });
    expect(await exitOf(await startedOne())).toEqual({ code: 1, signal: null });
  });

  test("whose order cannot be read ends at once, for there is nobody to answer", async () => {
    await begin({ REHEARSAL_TASK_TOKEN: "" });
    expect(await exitOf(await startedOne())).toEqual({ code: 1, signal: null });
    expect(() => readOrder({})).toThrow(/REHEARSAL_STEP/);
    const { REHEARSAL_STEP = "", ...rest } = variablesOf(taskOf({ REHEARSAL_INPUT: "{" }));
    expect(() => readOrder({ REHEARSAL_STEP, ...rest })).toThrow(/it is not JSON/);
  });

  test("ends with the host that started it, whatever it is at", async () => {
    const working = atWork();
    const host = spawn(
      process.execPath,
      [fileURLToPath(new URL("./host.ts", import.meta.url)), JSON.stringify(environment)],
      { stdio: ["ignore", "ignore", "inherit"] },
    );
    const { socket } = await working;
    host.kill("SIGKILL");
    await new Promise((resolve) => socket.once("close", resolve));
  });

  test("is not begun where ECS would not begin it", async () => {
    const refused = async (given: object) => {
      const answer = await containers.runTask(given);
      return "fault" in answer ? answer.fault : undefined;
    };
    expect(await refused(taskOf({ REHEARSAL_INPUT: "x".repeat(8_192) }))).toEqual({
      Error: "ECS.InvalidParameterException",
      Cause: "Container Overrides length must be at most 8192",
    });
    expect(await refused({ ...taskOf({}), NetworkConfiguration: undefined })).toMatchObject({
      Error: "ECS.InvalidParameterException",
    });
  });
});

describe("what a container tells of a failure", () => {
  test("is what Lambda would tell: the code, and the error as JSON", () => {
    const { error, cause } = failureOf(
      new RehearsalError("CheckFailed", { check: "c", rows: 1, sample: "s" }),
    );
    expect(error).toBe("CheckFailed");
    expect(JSON.parse(cause)).toEqual({
      errorType: "CheckFailed",
      errorMessage: "c returned 1 rows and should return none: s",
      trace: expect.arrayContaining([expect.stringMatching(/^CheckFailed: c returned/)]),
    });
    expect(failureOf("a string").error).toBe("string");
  });

  test.each(["x", '"', "\u0001", "\u{1f600}"])(
    "is no more than Step Functions takes, of whatever it is made: %j",
    (of) => {
      const { cause } = failureOf(new Error(of.repeat(100_000)));
      expect(cause.length).toBeLessThanOrEqual(32_768);
      expect(JSON.parse(cause)).toMatchObject({
        errorType: "Error",
        errorMessage: expect.stringContaining(of),
      });
    },
  );
});

function variablesOf(task: object): Record<string, string> {
  const { Overrides } = task as { Overrides: { ContainerOverrides: [{ Environment: Variable[] }] } };
  return Object.fromEntries(
    Overrides.ContainerOverrides[0].Environment.map(({ Name, Value }) => [Name, Value]),
  );
}

interface Variable {
  Name: string;
  Value: string;
}
