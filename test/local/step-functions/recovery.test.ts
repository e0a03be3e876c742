import { expect, test } from "vitest";
import { delayOf, matches, recoveryFrom } from "../../../local/step-functions/recovery.ts";
import type { Retrier, TaskState } from "../../../local/step-functions/states-language.ts";

const task = (rules: Partial<TaskState>): TaskState => ({
  Type: "Task",
  Resource: "arn:aws:states:::lambda:invoke",
  ...rules,
});

test("backoff grows by its rate from its interval, is capped, and full jitter takes a share of it", () => {
  const retrier: Retrier = {
    ErrorEquals: ["X"],
    IntervalSeconds: 3,
    BackoffRate: 2,
    MaxDelaySeconds: 20,
  };
  expect([0, 1, 2, 3, 9].map((used) => delayOf(retrier, used, 0.9))).toEqual([
    3_000, 6_000, 12_000, 20_000, 20_000,
  ]);
  const jittered: Retrier = { ...retrier, JitterStrategy: "FULL" };
  expect([0, 1, 3].map((used) => delayOf(jittered, used, 0.5))).toEqual([1_500, 3_000, 10_000]);
  expect(delayOf(jittered, 0, 0)).toBe(0);
});

test("a retrier without numbers waits 1, 2 and 4 seconds and then gives up", () => {
  const state = task({ Retry: [{ ErrorEquals: ["States.ALL"] }] });
  const decisions = [0, 1, 2, 3].map((used) => recoveryFrom(state, { Error: "X" }, [used], 0.3));
  expect(decisions).toEqual([
    { retry: { retrier: 0, delayMilliseconds: 1_000 } },
    { retry: { retrier: 0, delayMilliseconds: 2_000 } },
    { retry: { retrier: 0, delayMilliseconds: 4_000 } },
    { fail: true },
  ]);
});

test("each retrier counts for itself, and one that is used up leads to the catcher", () => {
  const state = task({
    Retry: [
      { ErrorEquals: ["ErrorA", "ErrorB"], MaxAttempts: 2 },
      { ErrorEquals: ["ErrorC"], IntervalSeconds: 5 },
    ],
    Catch: [{ ErrorEquals: ["States.ALL"], Next: "Z" }],
  });
  // The worked example of "Handling errors in Step Functions workflows": A, B, C, B.
  expect(recoveryFrom(state, { Error: "ErrorA" }, [], 0)).toEqual({
    retry: { retrier: 0, delayMilliseconds: 1_000 },
  });
  expect(recoveryFrom(state, { Error: "ErrorB" }, [1], 0)).toEqual({
    retry: { retrier: 0, delayMilliseconds: 2_000 },
  });
  expect(recoveryFrom(state, { Error: "ErrorC" }, [2], 0)).toEqual({
    retry: { retrier: 1, delayMilliseconds: 5_000 },
  });
  expect(recoveryFrom(state, { Error: "ErrorB" }, [2, 1], 0)).toMatchObject({ catcher: { Next: "Z" } });
});

test("MaxAttempts 0 never retries", () => {
  const state = task({ Retry: [{ ErrorEquals: ["States.ALL"], MaxAttempts: 0 }] });
  expect(recoveryFrom(state, { Error: "X" }, [], 0)).toEqual({ fail: true });
});

test("States.ALL takes everything but the terminal errors", () => {
  expect(matches(["States.ALL"], { Error: "Anything" })).toBe(true);
  expect(matches(["States.ALL"], { Error: "States.Timeout" })).toBe(true);
  expect(matches(["States.ALL"], {})).toBe(true);
  expect(matches(["States.ALL"], { Error: "States.DataLimitExceeded" })).toBe(false);
  expect(matches(["States.DataLimitExceeded"], { Error: "States.DataLimitExceeded" })).toBe(true);
  expect(matches(["States.ALL"], { Error: "States.Runtime" })).toBe(false);
  expect(matches(["States.Runtime"], { Error: "States.Runtime" })).toBe(false);
});

test("States.TaskFailed takes everything but a time-out and the terminal errors", () => {
  expect(matches(["States.TaskFailed"], { Error: "Anything" })).toBe(true);
  expect(matches(["States.TaskFailed"], { Error: "States.Timeout" })).toBe(false);
  expect(matches(["States.TaskFailed"], { Error: "States.Timeout", heartbeat: true })).toBe(false);
});

test("a missed heartbeat is met by both States.HeartbeatTimeout and States.Timeout", () => {
  const missed = { Error: "States.Timeout", heartbeat: true } as const;
  expect(matches(["States.HeartbeatTimeout"], missed)).toBe(true);
  expect(matches(["States.Timeout"], missed)).toBe(true);
  expect(matches(["States.HeartbeatTimeout"], { Error: "States.Timeout" })).toBe(false);
});
