/**
 * The true definitions on the true engine, with a failure injected at every state: each ends where the runbook says.
 *
 * Long because each state has its failure, and the runbook its line.
 */
import type { SFNClient } from "@aws-sdk/client-sfn";
import { SendTaskSuccessCommand } from "@aws-sdk/client-sfn";
import validate from "asl-validator";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RehearsalError, retryableCodes } from "../../core/errors.ts";
import { endsAfterFailure } from "../../docs/runbook.ts";
import { parseDefinition } from "../../local/step-functions/definition.ts";
import type { Invoke, LambdaError } from "../../local/step-functions/index.ts";
import type { StateMachine } from "../../workflows/asl.ts";
import { promotionDefinition, rollbackDefinition } from "../../workflows/promotion.asl.ts";
import { hastyClock } from "../local/step-functions/hasty-clock.ts";
import { openStage } from "../local/step-functions/stage.ts";

const definitions = { promotion: promotionDefinition(), rollback: rollbackDefinition() };

test.each(Object.entries(definitions))(
  "the %s machine is States Language to two validators",
  (_, machine) => {
    expect(validate(machine, { checkPaths: true, checkArn: true })).toMatchObject({
      isValid: true,
      errors: [],
    });
    expect(parseDefinition(JSON.stringify(machine))).toHaveProperty("definition");
  },
);

/** How a state is made to fail, and how often its function is asked before the machine gives up. */
const failures: Record<string, { error: LambdaError | "silence"; asked: number }> = {
  "a refusal": {
    error: lambdaError(new RehearsalError("CheckFailed", { check: "c", rows: 1, sample: "" })),
    asked: 1,
  },
  "a failure that may be tried again, each time": {
    error: lambdaError(new RehearsalError("DatabaseUnreachable", { database: "d", reason: "gone" })),
    asked: 7,
  },
  "a time-out of the function": {
    error: { errorType: "Sandbox.Timedout", errorMessage: "timed out" },
    asked: 2,
  },
  "a death of the function": {
    error: { errorType: "Runtime.ExitError", errorMessage: "exit status 1" },
    asked: 2,
  },
  "a throttled service": {
    error: { errorType: "Lambda.TooManyRequestsException", errorMessage: "Rate Exceeded." },
    asked: 7,
  },
  "something nobody foresaw": {
    error: { errorType: "TypeError", errorMessage: "x is not a function" },
    asked: 1,
  },
  "no answer at all": { error: "silence", asked: 1 },
};

function lambdaError({ name, message }: Error): LambdaError {
  return { errorType: name, errorMessage: message };
}

/** What the functions say when nothing fails; `committed` is what the rollback finds. */
function answers(
  options: Required<Pick<Play, "fence" | "committed" | "alone" | "workers">>,
): Record<string, object> {
  const { alone, fence, workers } = options;
  return {
    admit: {
      ...{ pending: 2, rehearseOnly: alone, fence, approvalTimeout: 3600 },
      ...(workers > 0 && { backupWorkers: workers }),
    },
    "back-up-worker": { units: 1, more: false },
    "put-away": { ended: "rehearsed" },
    open: { ended: "promoted" },
    refuse: { ended: "refused", message: "it was refused" },
    "roll-back": options.committed
      ? { path: "swap", reason: "it was rolled back" }
      : { path: "nothing", reason: "it was rolled back" },
    hold: { ended: "held", message: "it is held" },
  };
}

interface Play {
  failing: Record<string, LambdaError | "silence">;
  fence?: boolean;
  committed?: boolean;
  /** A rehearsal alone. */
  alone?: boolean;
  /** That copy a backup beside its step. */
  workers?: number;
  /** What a worker says each time. */
  saying?: () => object;
}

describe("a failure at every state ends where the runbook says", () => {
  let stage: Awaited<ReturnType<typeof openStage>>;
  let client: SFNClient;
  let invoke: Invoke;
  const clock = hastyClock();

  beforeAll(async () => {
    stage = await openStage({ clock, invoke: (...call) => invoke(...call) });
    client = stage.client;
  });
  afterAll(() => stage.close());

  /** Runs a machine to its end; returns the states it entered, how often each function was asked, and the end. */
  async function play(
    machine: StateMachine,
    { failing, fence = true, committed = true, alone = false, workers = 0, saying }: Play,
  ) {
    const known = answers({ fence, committed, alone, workers });
    const asked: Record<string, number> = {};
    const said: unknown[] = [];
    const workersAsked: number[] = [];
    invoke = async (name, payload) => {
      const input = payload as { token?: string; error: unknown };
      asked[name] = (asked[name] ?? 0) + 1;
      const error = failing[name];
      if (error === "silence") {
        // The engine begins to wait for its time-out right after it has asked us.
        setImmediate(clock.timeOut);
        return new Promise(() => undefined);
      }
      if (error !== undefined) return { error };
      if (input.error) said.push(input.error);
      if (name === "back-up-worker" && saying !== undefined) return { payload: saying() };
      if (name === "back-up-worker") workersAsked.push((payload as { worker: number }).worker);
      if (input.token !== undefined)
        await client.send(
          new SendTaskSuccessCommand({ taskToken: input.token, output: '{"decision":"automatic"}' }),
        );
      return { payload: known[name] ?? {} };
    };
    const run = await stage.play(machine, { promotion: "p1" });
    const entered = run.events.flatMap(
      ({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name ?? [],
    );
    return {
      status: run.status,
      error: run.error,
      cause: run.cause,
      entered,
      end: entered.at(-1) ?? "",
      asked,
      said,
      workersAsked,
    };
  }

  const STATES = definitions.promotion.States;
  const tasks = Object.keys(STATES).filter((name) => STATES[name]?.Type === "Task");
  const ahead = tasks.slice(0, tasks.indexOf("open") + 1);
  const alone = ["admit", "snapshot", "back-up", "restore", "rehearse", "put-away"];
  const back = tasks.slice(tasks.indexOf("put-away") + 1);
  const statusOf: Record<string, { status: string; error?: string }> = {
    promoted: { status: "SUCCEEDED" },
    rehearsed: { status: "SUCCEEDED" },
    refused: { status: "FAILED", error: "Refused" },
    "rolled-back": { status: "FAILED", error: "RolledBack" },
    held: { status: "FAILED", error: "Held" },
    "held-without-word": { status: "FAILED", error: "Held" },
  };

  test("without a failure every step runs once, in the order of the runbook", async () => {
    const run = await play(definitions.promotion, { failing: {} });
    expect(run.entered.filter((name) => tasks.includes(name))).toEqual(ahead);
    expect(run.asked).toEqual(Object.fromEntries(ahead.map((name) => [name, 1])));
    expect(run).toMatchObject({ end: "promoted", ...statusOf.promoted });
  });

  test("a rehearsal alone ends behind the rehearsal, and nothing beyond is asked", async () => {
    const run = await play(definitions.promotion, { failing: {}, alone: true });
    expect(run.asked).toEqual(Object.fromEntries(alone.map((name) => [name, 1])));
    expect(run).toMatchObject({ end: "rehearsed", ...statusOf.rehearsed });
  });

  describe.each(Object.entries(failures))("%s", (_, { error, asked }) => {
    test.each(ahead)("at %s", async (step) => {
      const ends: string[] = [];
      for (const committed of [true, false]) {
        const run = await play(definitions.promotion, { failing: { [step]: error }, committed });
        expect(run).toMatchObject(statusOf[run.end] ?? {});
        // What came before ran once, what failed was asked as often as is meant, and nothing after it ran.
        const before = ahead.slice(0, ahead.indexOf(step));
        expect(run.asked).toMatchObject({
          ...Object.fromEntries(before.map((name) => [name, 1])),
          [step]: asked,
        });
        for (const later of ahead.slice(ahead.indexOf(step) + 1)) expect(run.asked).not.toHaveProperty(later);
        // Whoever answers the failure was told of it.
        expect(run.said[0]).toMatchObject({
          Error: error === "silence" ? "States.Timeout" : error.errorType,
        });
        ends.push(run.end);
      }
      expect(new Set(ends)).toEqual(new Set(endsAfterFailure(definitions.promotion, step)));
    });

    test.each(alone)("at %s of a rehearsal alone: refused, with nothing beyond asked", async (step) => {
      const run = await play(definitions.promotion, { failing: { [step]: error }, alone: true });
      expect(run).toMatchObject({ end: "refused", ...statusOf.refused });
      const before = alone.slice(0, alone.indexOf(step));
      expect(run.asked).toEqual({
        ...Object.fromEntries(before.map((name) => [name, 1])),
        [step]: asked,
        refuse: 1,
      });
    });

    test.each(back)("at %s, on the way back", async (step) => {
      // What leads there: something committed gone wrong, nothing committed, or an end that cannot be opened.
      const before = { "roll-back": "verify", refuse: "snapshot", hold: "open" }[step] ?? "";
      const refusal = lambdaError(new RehearsalError("CheckFailed", { check: "c", rows: 1, sample: "" }));
      for (const machine of step === "hold" ? [definitions.promotion] : Object.values(definitions)) {
        const run = await play(machine, {
          failing: { [before]: refusal, [step]: error },
          committed: step === "roll-back",
        });
        expect(run.asked[step]).toBe(asked);
        expect([run.end]).toEqual(endsAfterFailure(machine, step));
        expect(run).toMatchObject(statusOf[run.end] ?? {});
      }
    });
  });

  test("a failure that may be tried again and does not come again is not noticed, at any step", async () => {
    for (const [index, code] of retryableCodes().entries()) {
      const step = ahead[index % ahead.length] ?? "";
      const failing = failingOnce(step, { errorType: code, errorMessage: "once" });
      const run = await play(definitions.promotion, { failing });
      expect(run).toMatchObject({ end: "promoted", asked: { [step]: 2 } });
    }
  });

  test("without a fence the fence is left out", async () => {
    const run = await play(definitions.promotion, { failing: {}, fence: false });
    expect(run.entered).not.toContain("fence");
    expect(run.end).toBe("promoted");
  });

  describe("a backup that several copy", () => {
    test.each([1, 3, 15])(
      "is led by its step, with %i workers beside it that are asked once each",
      async (workers) => {
        const run = await play(definitions.promotion, { failing: {}, workers });
        expect(run.workersAsked.sort((one, other) => one - other)).toEqual(
          Array.from({ length: workers }, (_, place) => place + 1),
        );
        expect(run.asked).toEqual({
          ...Object.fromEntries(ahead.map((name) => [name, 1])),
          "back-up-worker": workers,
        });
        expect(run).toMatchObject({ end: "promoted", ...statusOf.promoted });
      },
    );

    test.each(Object.entries(failures))("%s of its workers keeps it from nothing", async (_, { error }) => {
      const run = await play(definitions.promotion, { failing: { "back-up-worker": error }, workers: 2 });
      expect(run).toMatchObject({ end: "promoted", ...statusOf.promoted });
      expect(run.said).toEqual([]);
      expect(run.asked).toMatchObject({ "back-up": 1, restore: 1 });
    });

    test.each(Object.entries(failures))("%s of its step ends as alone", async (_, { error, asked }) => {
      const run = await play(definitions.promotion, { failing: { "back-up": error }, workers: 2 });
      expect(run).toMatchObject({
        end: "refused",
        ...statusOf.refused,
        asked: { "back-up": asked, refuse: 1 },
      });
      expect(run.asked).not.toHaveProperty("restore");
      expect(run.said[0]).toMatchObject({
        Error: error === "silence" ? "States.Timeout" : error.errorType,
      });
    });

    test("calls a worker again that has more to do, and no more often than an execution has room for", async () => {
      let left = 3;
      const some = () => ({ units: 1, more: left-- > 0 });
      const known = await play(definitions.promotion, { failing: {}, workers: 1, saying: some });
      expect(known).toMatchObject({ end: "promoted", asked: { "back-up-worker": 4 } });
      const always = () => ({ units: 1, more: true });
      expect(await play(definitions.promotion, { failing: {}, workers: 1, saying: always })).toMatchObject({
        end: "promoted",
        asked: { "back-up-worker": 80 },
      });
    });
  });

  test("the rollback by itself ends rolled back, or refused where nothing was committed", async () => {
    expect(await play(definitions.rollback, { failing: {} })).toMatchObject({
      end: "rolled-back",
      cause: "it was rolled back",
    });
    expect(await play(definitions.rollback, { failing: {}, committed: false })).toMatchObject({
      end: "refused",
      cause: "it was refused",
    });
  });
});

/** A script in which the step fails when it is asked first, and never after. */
function failingOnce(step: string, error: LambdaError): Play["failing"] {
  let left: LambdaError | undefined = error;
  return Object.defineProperty({}, step, {
    get: () => {
      const now = left;
      left = undefined;
      return now;
    },
  });
}
