/** The twins whose long steps run in containers, on the true engine: what a container or ECS does wrong ends as a function's failure does. */
import { SendTaskFailureCommand, SendTaskSuccessCommand } from "@aws-sdk/client-sfn";
import validate from "asl-validator";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RehearsalError, retryableCodes } from "../../core/errors.ts";
import { endsAfterFailure } from "../../docs/runbook.ts";
import { failureOf, stopped } from "../../functions/container/failure.ts";
import { readOrder } from "../../functions/container/order.ts";
import { parseDefinition } from "../../local/step-functions/definition.ts";
import type { RunTask } from "../../local/step-functions/index.ts";
import type { StateMachine, TaskState } from "../../workflows/asl.ts";
import { CONTAINER, LONG_STEPS } from "../../workflows/functions.ts";
import { promotionDefinition, rollbackDefinition } from "../../workflows/promotion.asl.ts";
import { taskDefinition } from "../../workflows/task.asl.ts";
import { hastyClock } from "../local/step-functions/hasty-clock.ts";
import { openStage } from "../local/step-functions/stage.ts";

const FARGATE = { compute: "fargate" } as const;
const twins: Record<string, [lambda: StateMachine, fargate: StateMachine]> = {
  promotion: [promotionDefinition(), promotionDefinition(FARGATE)],
  rollback: [rollbackDefinition(), rollbackDefinition(FARGATE)],
  task: [taskDefinition(), taskDefinition(FARGATE)],
};

const inContainer = (state: StateMachine["States"][string] | undefined): state is TaskState =>
  state?.Type === "Task" && state.Resource.startsWith("arn:aws:states:::ecs:");

describe.each(Object.entries(twins))("the %s machine in containers", (_, [lambda, fargate]) => {
  test("is States Language to two validators", () => {
    // It notes things in what it is given.
    expect(validate(structuredClone(fargate), { checkPaths: true, checkArn: true })).toMatchObject({
      isValid: true,
      errors: [],
    });
    expect(parseDefinition(JSON.stringify(fargate))).toHaveProperty("definition");
  });

  test("differs from its twin in the long steps alone, and these lead where theirs do", () => {
    expect(Object.keys(fargate.States)).toEqual(Object.keys(lambda.States));
    for (const [name, state] of Object.entries(fargate.States)) {
      const twin = lambda.States[name];
      // Of a Parallel, the long step in its first branch.
      if (state.Type === "Parallel") continue;
      const long = name === "work" || LONG_STEPS.some((step) => step === name);
      expect(inContainer(state), name).toBe(long);
      if (!inContainer(state)) expect(state).toEqual(twin);
      else expect({ ...state, ...DIFFERENT }).toEqual({ ...twin, ...DIFFERENT, Assign: expect.anything() });
    }
  });

  test("differs from its twin in the same way where several take a backup: who leads is in the container, workers are functions", () => {
    for (const [name, state] of Object.entries(fargate.States)) {
      const twin = lambda.States[name];
      if (state.Type !== "Parallel" || twin?.Type !== "Parallel") continue;
      const [leads, ...others] = state.Branches;
      expect(inContainer(leads?.States["back-up-leads"])).toBe(true);
      expect(others).toEqual(twin.Branches.slice(1));
      expect({ ...state, Branches: [] }).toEqual({ ...twin, Branches: [] });
    }
  });

  test("has a time-out, a heartbeat and both catchers at each long step, and tries again what may be tried again", () => {
    for (const state of Object.values(fargate.States).filter(inContainer)) {
      expect(state).toMatchObject({
        HeartbeatSeconds: CONTAINER.heartbeatSeconds,
        Retry: [
          { ErrorEquals: [...retryableCodes(), "Container.Stopped"] },
          { ErrorEquals: expect.arrayContaining(["AmazonECS.Unknown", "ECS.AmazonECSException"]) },
          { ErrorEquals: ["States.HeartbeatTimeout"], MaxAttempts: 1 },
        ],
        Catch: [
          { ErrorEquals: ["States.Timeout", "States.HeartbeatTimeout"] },
          { ErrorEquals: ["States.ALL"] },
        ],
      });
      expect(state.TimeoutSeconds).toBeTruthy();
    }
  });
});

/** What a long step's state has otherwise than its twin's; `Assign` is held to account by what the machine does. */
const DIFFERENT = {
  Resource: "",
  Arguments: {},
  TimeoutSeconds: 0,
  HeartbeatSeconds: 0,
  Retry: [],
  Assign: expect.anything(),
};

type Doing = "well" | "silent" | { unstarted: string } | { thrown: Error } | "stopped";

const refusal = new RehearsalError("CheckFailed", { check: "c", rows: 1, sample: "" });
const KINDS: Record<string, { doing: Doing; asked: number }> = {
  refuses: { doing: { thrown: refusal }, asked: 1 },
  "fails in a way that may be tried again, each time": {
    doing: { thrown: new RehearsalError("DatabaseUnreachable", { database: "d", reason: "gone" }) },
    asked: 7,
  },
  "is told to stop, each time": { doing: "stopped", asked: 7 },
  "is not started by ECS, for a quarter of an hour": { doing: { unstarted: "AmazonECS.Unknown" }, asked: 13 },
  "is not allowed to be started": { doing: { unstarted: "ECS.AccessDeniedException" }, asked: 1 },
  "dies or never comes to a first word": { doing: "silent", asked: 2 },
  "does what nobody foresaw": { doing: { thrown: new TypeError("x is not a function") }, asked: 1 },
};

describe("a container that", () => {
  let stage: Awaited<ReturnType<typeof openStage>>;
  let doing: (step: string) => Doing = () => "well";
  const asked: Record<string, number> = {};
  const overrides: string[] = [];
  const inputs: Record<string, unknown> = {};
  const clock = hastyClock();

  const ANSWERS: Record<string, object> = {
    admit: { pending: 2, rehearseOnly: false, fence: true, approvalTimeout: 3600, containerSeconds: 7200 },
    open: { ended: "promoted" },
    refuse: { ended: "refused", message: "it was refused" },
    "roll-back": { path: "swap", reason: "it was rolled back" },
    hold: { ended: "held", message: "it is held" },
    task: { ended: "failed", message: "it failed" },
  };

  /** What the entry of the container does, in one place: read the order, answer under its token. */
  const runTask: RunTask = async (given) => {
    const { ContainerOverrides } = (given as unknown as { Overrides: { ContainerOverrides: Override[] } })
      .Overrides;
    overrides.push(JSON.stringify({ ContainerOverrides }));
    const [{ Environment = [] } = {}] = ContainerOverrides;
    const order = readOrder(Object.fromEntries(Environment.map(({ Name, Value }) => [Name, Value])));
    asked[order.step] = (asked[order.step] ?? 0) + 1;
    inputs[order.step] = order.input;
    const now = doing(order.step);
    if (typeof now === "object" && "unstarted" in now) return { fault: { Error: now.unstarted, Cause: "" } };
    if (now === "silent") setImmediate(clock.timeOut);
    else void answer(order.token, order.step, now);
    return { result: { Tasks: [], Failures: [] } };
  };

  async function answer(
    taskToken: string,
    step: string,
    now: Exclude<Doing, "silent" | { unstarted: string }>,
  ) {
    if (now === "well") {
      const output = JSON.stringify(ANSWERS[step] ?? {});
      await stage.client.send(new SendTaskSuccessCommand({ taskToken, output }));
      return;
    }
    const failure = now === "stopped" ? stopped("SIGTERM") : failureOf(now.thrown);
    await stage.client.send(new SendTaskFailureCommand({ taskToken, ...failure }));
  }

  beforeAll(async () => {
    stage = await openStage({
      clock,
      runTask,
      invoke: async (name, payload) => {
        const { token } = payload as { token?: string };
        if (token !== undefined)
          await stage.client.send(new SendTaskSuccessCommand({ taskToken: token, output: "{}" }));
        return { payload: ANSWERS[name] ?? {} };
      },
    });
  });
  afterAll(() => stage.close());

  async function play(machine: StateMachine, input: object, does: (step: string) => Doing) {
    for (const step of Object.keys(asked)) delete asked[step];
    doing = does;
    const run = await stage.play(machine, input);
    const entered = run.events.flatMap(
      ({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name ?? [],
    );
    return { end: entered.at(-1), asked: { ...asked }, cause: run.cause };
  }

  const [, promotion] = twins.promotion ?? [];
  const [, rollback] = twins.rollback ?? [];
  const [, task] = twins.task ?? [];
  if (promotion === undefined || rollback === undefined || task === undefined) throw new Error("no twins");

  test("does well brings the promotion to its end, and the way back to its own", async () => {
    expect(await play(promotion, { promotion: "p1" }, () => "well")).toMatchObject({ end: "promoted" });
    expect(await play(rollback, { promotion: "p1" }, () => "well")).toEqual({
      end: "rolled-back",
      asked: { "roll-back": 1 },
      cause: "it was rolled back",
    });
    expect(await play(task, { task: "t1" }, () => "well")).toMatchObject({ end: "done", asked: { task: 1 } });
    expect(inputs).toMatchObject({
      migrate: { promotion: "p1", error: null },
      task: { task: "t1", error: null },
    });
  });

  describe.each(Object.entries(KINDS))("%s", (_, { doing: does, asked: times }) => {
    const ahead = LONG_STEPS.filter((step) => step !== "roll-back");

    test.each(ahead)("at %s, ends where the runbook says", async (step) => {
      const run = await play(promotion, { promotion: "p1" }, (one) => (one === step ? does : "well"));
      expect(run.asked[step]).toBe(times);
      expect(endsAfterFailure(promotion, step)).toContain(run.end);
      expect(run.end).toBe(["fence", "migrate", "verify"].includes(step) ? "rolled-back" : "refused");
    });

    test("on the way back, leaves everything held", async () => {
      const run = await play(rollback, { promotion: "p1" }, () => does);
      expect(run).toMatchObject({ end: "held", asked: { "roll-back": times } });
    });

    test("at a task, has it closed by a function", async () => {
      const run = await play(task, { task: "t1" }, () => does);
      expect(run).toMatchObject({ end: "failed", asked: { task: times }, cause: "it failed" });
    });
  });

  test("is told of a failure is told so much of it as ECS takes", async () => {
    const long = new TypeError('"\\\n'.repeat(20_000));
    overrides.length = 0;
    const run = await play(promotion, { promotion: "p1" }, (one) =>
      one === "migrate" ? { thrown: long } : "well",
    );
    expect(run.end).toBe("rolled-back");
    expect(inputs["roll-back"]).toMatchObject({
      error: { Error: "TypeError", Cause: expect.stringMatching(/^.{500}$/s) },
    });
    // A task token may have 2,048 characters, and ours are shorter.
    expect(Math.max(...overrides.map((text) => text.length))).toBeLessThan(8_192 - 2_048);
  });
});

interface Override {
  Environment: { Name: string; Value: string }[];
}
