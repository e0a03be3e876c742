/** The true task machine on the true engine: whatever the function does, a task ends done, or failed with its reason. */
import validate from "asl-validator";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RehearsalError } from "../../core/errors.ts";
import { parseDefinition } from "../../local/step-functions/definition.ts";
import type { Invoke, LambdaError } from "../../local/step-functions/index.ts";
import { taskDefinition } from "../../workflows/task.asl.ts";
import { hastyClock } from "../local/step-functions/hasty-clock.ts";
import { openStage } from "../local/step-functions/stage.ts";

const machine = taskDefinition();
const refusal = (error: RehearsalError): LambdaError => ({
  errorType: error.code,
  errorMessage: error.message,
});
const GONE = refusal(new RehearsalError("DatabaseUnreachable", { database: "d", reason: "gone" }));
const CORRUPT = refusal(new RehearsalError("BackupCorrupt", { object: "o", reason: "a flipped bit" }));
const CLOSED = { ended: "failed", message: "the backup's object is not what was written" };

let stage: Awaited<ReturnType<typeof openStage>>;
let invoke: Invoke;

beforeAll(async () => {
  stage = await openStage({
    clock: hastyClock(),
    invoke: (...call) => invoke(...call),
  });
});

afterAll(() => stage.close());

const isError = (said: object): said is LambdaError => "errorType" in said;

/** Plays the machine with a function that answers work and close; what it was asked with, and the end. */
async function play(work: () => object | LambdaError, close: () => object | LambdaError = () => CLOSED) {
  const asked: string[] = [];
  invoke = async (name, payload) => {
    const { task, error } = payload as { task: string; error: { Error: string } | null };
    asked.push([name, task, error?.Error ?? "work"].join(" "));
    const said = error === null ? work() : close();
    return isError(said) ? { error: said } : { payload: said };
  };
  const { status, error, cause } = await stage.play(machine, { task: "t1" });
  return { asked, status, error, cause };
}

test("the task machine is States Language to two validators", () => {
  expect(validate(machine, { checkPaths: true, checkArn: true })).toMatchObject({
    isValid: true,
    errors: [],
  });
  expect(parseDefinition(JSON.stringify(machine))).toHaveProperty("definition");
});

test("a task that goes well is asked for once", async () => {
  expect(await play(() => ({ backup: "b1" }))).toMatchObject({
    status: "SUCCEEDED",
    asked: ["task t1 work"],
  });
});

test("a failure that may be tried again and does not come again is not noticed", async () => {
  const answers: object[] = [GONE, { backup: "b1" }];
  const run = await play(() => answers.shift() ?? {});
  expect(run).toMatchObject({ status: "SUCCEEDED", asked: ["task t1 work", "task t1 work"] });
});

test("a refusal closes the task at once, and the execution tells the task's reason", async () => {
  expect(await play(() => CORRUPT)).toEqual({
    asked: ["task t1 work", "task t1 BackupCorrupt"],
    status: "FAILED",
    error: "TaskFailed",
    cause: CLOSED.message,
  });
});

test("a task that had ended well before its answer was lost is closed as done", async () => {
  const died = { errorType: "Runtime.ExitError", errorMessage: "exit status 1" };
  const run = await play(
    () => died,
    () => ({ backup: "b1" }),
  );
  expect(run).toMatchObject({
    status: "SUCCEEDED",
    asked: ["task t1 work", "task t1 work", "task t1 Runtime.ExitError"],
  });
});

test("where even closing fails the execution fails, and the reconciler is left to close it", async () => {
  const run = await play(
    () => CORRUPT,
    () => GONE,
  );
  expect(run).toMatchObject({ status: "FAILED", error: "TaskFailed" });
  expect(run.asked).toHaveLength(1 + 7);
});
