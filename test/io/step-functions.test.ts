import { afterEach, expect, test } from "vitest";
import { executionArn, openStepFunctions } from "../../io/step-functions.ts";
import { CALLBACK, machine, openStage } from "../local/step-functions/stage.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const CREDENTIALS = { AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };
Object.assign(process.env, CREDENTIALS);

async function asking() {
  const given = Promise.withResolvers<string>();
  const stage = await openStage({
    invoke: async (_, payload) => {
      given.resolve(payload as string);
      return { payload: null };
    },
  });
  open.push(stage);
  const arn = await stage.create(
    "asks",
    machine("Ask", {
      Ask: {
        Type: "Task",
        Resource: CALLBACK,
        Arguments: { FunctionName: "ask", Payload: "{% $states.context.Task.Token %}" },
        TimeoutSeconds: 60,
        End: true,
      },
    }),
  );
  return { ...stage, machineArn: arn, token: given.promise, io: openStepFunctions({ endpoint: stage.url }) };
}

test("fault 8: starting again after a lost reply is the same execution, even when it has ended by then", async () => {
  const { io, machineArn, token, ended } = await asking();
  const arn = await io.startExecution("p-1", machineArn, { b: 1, a: [2] });
  expect(await io.startExecution("p-1", machineArn, { a: [2], b: 1 })).toBe(arn);
  await io.sendTaskSuccess(await token, { by: "ann" });
  await ended(arn);
  expect(await io.startExecution("p-1", machineArn, { a: [2], b: 1 })).toBe(arn);
  await expect(io.startExecution("p-1", machineArn, { a: 3 })).rejects.toMatchObject({
    code: "ExecutionNameTaken",
    status: 409,
    hint: expect.stringContaining("start a new promotion"),
  });
  expect(await io.describeExecution(arn)).toMatchObject({
    name: "p-1",
    status: "SUCCEEDED",
    input: { a: [2], b: 1 },
    output: { by: "ann" },
  });
});

test("fault 12: a token that was used is TaskTokenUsed, and so is one that never was", async () => {
  const { io, machineArn, token } = await asking();
  await io.startExecution("p-1", machineArn, {});
  await io.sendTaskFailure(await token, "Rejected", "no");
  for (const answer of [
    io.sendTaskSuccess(await token, {}),
    io.sendTaskFailure(await token, "Rejected", "no"),
    io.sendTaskSuccess("made up", {}),
  ])
    await expect(answer).rejects.toMatchObject({
      code: "TaskTokenUsed",
      status: 409,
      hint: expect.stringContaining("decided before, timed out, or the promotion ended"),
    });
});

test("fault 9: stopping ends the execution with the reason given; stopping again is harmless", async () => {
  const { io, machineArn, ended } = await asking();
  const arn = await io.startExecution("p-1", machineArn, {});
  await io.stopExecution(arn, "Cancelled", "by ann");
  await ended(arn);
  await io.stopExecution(arn, "Cancelled", "by ann");
  expect(await io.describeExecution(arn)).toMatchObject({
    status: "ABORTED",
    error: "Cancelled",
    cause: "by ann",
  });
  expect(await io.describeExecution(`${arn}-none`)).toBeUndefined();
});

test("a machine that is not there is AwsCallFailed, and may be tried again", async () => {
  const { io, machineArn } = await asking();
  await expect(io.startExecution("p-1", `${machineArn}-none`, {})).rejects.toMatchObject({
    code: "AwsCallFailed",
    retryable: true,
    facts: { service: "Step Functions", operation: "StartExecution" },
    hint: expect.stringContaining("check the region"),
  });
});

test("an execution has its machine's name alone, whichever alias or version of it was started", () => {
  const machineArn = "arn:aws:states:us-east-1:000000000000:stateMachine:promotion";
  for (const started of [machineArn, `${machineArn}:live`, `${machineArn}:12`])
    expect(executionArn(started, "p1")).toBe("arn:aws:states:us-east-1:000000000000:execution:promotion:p1");
});
