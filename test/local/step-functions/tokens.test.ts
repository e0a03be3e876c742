import { SendTaskFailureCommand, SendTaskSuccessCommand, StopExecutionCommand } from "@aws-sdk/client-sfn";
import { afterEach, expect, test } from "vitest";
import { CALLBACK, machine, openStage } from "./stage.ts";
import { stillClock } from "./still-clock.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

/** A machine that waits for an answer; gives its token, and ways to answer it. */
async function asking(more: object = {}) {
  const clock = stillClock();
  const given = Promise.withResolvers<string>();
  const stage = await openStage({
    clock,
    invoke: async (_, payload) => {
      given.resolve((payload as { token: string }).token);
      return { payload: null };
    },
  });
  open.push(stage);
  const definition = machine("Ask", {
    Ask: {
      Type: "Task",
      Resource: CALLBACK,
      Arguments: { FunctionName: "ask", Payload: { token: "{% $states.context.Task.Token %}" } },
      TimeoutSeconds: 600,
      End: true,
      ...more,
    },
  });
  const arn = await stage.start(await stage.create("asks", definition));
  const taskToken = await given.promise;
  return {
    ...stage,
    clock,
    arn,
    taskToken,
    succeed: (output = '"yes"') => stage.client.send(new SendTaskSuccessCommand({ taskToken, output })),
    fail: () =>
      stage.client.send(new SendTaskFailureCommand({ taskToken, error: "Rejected", cause: "by ann" })),
  };
}

test("fault 12: a token answers once; the second answer is refused and changes nothing", async () => {
  const ask = await asking();
  await ask.succeed();
  await expect(ask.succeed('"no"')).rejects.toMatchObject({ name: "TaskTimedOut" });
  await expect(ask.fail()).rejects.toMatchObject({ name: "TaskTimedOut" });
  expect((await ask.ended(ask.arn)).output).toBe('"yes"');
  await expect(ask.succeed()).rejects.toMatchObject({ name: "TaskTimedOut" });
});

test("two answers at the same time: one is taken", async () => {
  const ask = await asking();
  const answers = await Promise.allSettled([ask.succeed(), ask.fail(), ask.succeed('"also"')]);
  expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});

test("fault 13: an answer after the time-out is refused", async () => {
  const ask = await asking();
  await ask.clock.pass(600);
  expect(await ask.ended(ask.arn)).toMatchObject({ status: "FAILED", error: "States.Timeout" });
  await expect(ask.succeed()).rejects.toMatchObject({ name: "TaskTimedOut" });
});

test("a failed answer carries its error and cause", async () => {
  const ask = await asking();
  await ask.fail();
  expect(await ask.ended(ask.arn)).toMatchObject({ status: "FAILED", error: "Rejected", cause: "by ann" });
  const types = (await ask.history(ask.arn)).map(({ type }) => type);
  expect(types.slice(2)).toEqual([
    "TaskScheduled",
    "TaskStarted",
    "TaskSubmitted",
    "TaskFailed",
    "ExecutionFailed",
  ]);
});

test("a token of a stopped execution is closed", async () => {
  const ask = await asking();
  await ask.client.send(new StopExecutionCommand({ executionArn: ask.arn }));
  await expect(ask.succeed()).rejects.toMatchObject({ name: "TaskTimedOut" });
});

test("an output that is not JSON is InvalidOutput and leaves the task open", async () => {
  const ask = await asking();
  await expect(ask.succeed("{")).rejects.toMatchObject({ name: "InvalidOutput" });
  await ask.succeed();
  expect((await ask.ended(ask.arn)).status).toBe("SUCCEEDED");
});

test("abuse 27: a made-up token is InvalidToken, one of an execution that is not here TaskDoesNotExist", async () => {
  const ask = await asking();
  const send = (taskToken: string) => ask.client.send(new SendTaskSuccessCommand({ taskToken, output: "1" }));
  await expect(send("made up")).rejects.toMatchObject({ name: "InvalidToken" });
  const forged = (arn: string) => Buffer.from(JSON.stringify([arn, "guess"])).toString("base64url");
  await expect(send(forged(ask.arn))).rejects.toMatchObject({ name: "InvalidToken" });
  await expect(send(forged("arn:aws:states:x:y:execution:m:none"))).rejects.toMatchObject({
    name: "TaskDoesNotExist",
  });
});
