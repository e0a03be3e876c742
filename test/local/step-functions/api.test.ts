/**
 * The API of Step Functions as the SDK speaks it to our endpoint: machines, executions, histories, and what AWS refuses.
 * Long because each operation has its cases, on stages of their own.
 */
import {
  CreateStateMachineCommand,
  DeleteStateMachineCommand,
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  DescribeStateMachineForExecutionCommand,
  GetExecutionHistoryCommand,
  ListActivitiesCommand,
  ListExecutionsCommand,
  ListStateMachinesCommand,
  RedriveExecutionCommand,
  StartExecutionCommand,
  StopExecutionCommand,
  UpdateStateMachineCommand,
  ValidateStateMachineDefinitionCommand,
} from "@aws-sdk/client-sfn";
import { afterEach, expect, test } from "vitest";
import { INVOKE, machine, openStage, outline, ROLE } from "./stage.ts";
import { stillClock } from "./still-clock.ts";

const open: { close(): Promise<void> }[] = [];
async function stage(options: Parameters<typeof openStage>[0] = {}) {
  const one = await openStage(options);
  open.push(one);
  return one;
}
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const waits = machine("Wait", { Wait: { Type: "Wait", Seconds: 60, End: true } });
const passes = machine("Pass", { Pass: { Type: "Pass", End: true } });

test("creating the same machine twice is one machine, and another definition under its name is refused", async () => {
  const { client, create } = await stage();
  const first = await create("m", passes);
  expect(await create("m", passes)).toBe(first);
  await expect(create("m", waits)).rejects.toMatchObject({ name: "StateMachineAlreadyExists" });
  const list = await client.send(new ListStateMachinesCommand({}));
  expect(list.stateMachines?.map(({ name }) => name)).toEqual(["m"]);
});

test("fault 14: an execution keeps the definition it began with when its machine is updated", async () => {
  const clock = stillClock();
  const one = await stage({ clock });
  const arn = await one.create("m", waits);
  const before = await one.start(arn);
  await one.client.send(
    new UpdateStateMachineCommand({ stateMachineArn: arn, definition: JSON.stringify(passes) }),
  );
  const pinned = await one.client.send(new DescribeStateMachineForExecutionCommand({ executionArn: before }));
  expect(JSON.parse(pinned.definition ?? "")).toEqual(waits);
  const current = await one.client.send(new DescribeStateMachineCommand({ stateMachineArn: arn }));
  expect(JSON.parse(current.definition ?? "")).toEqual(passes);
  await clock.pass(60);
  expect((await one.ended(before)).status).toBe("SUCCEEDED");
});

test("fault 8: StartExecution with the same name and input is the same execution while it runs", async () => {
  const clock = stillClock();
  const one = await stage({ clock });
  const arn = await one.create("m", waits);
  const first = await one.start(arn, { a: 1 }, "p-1");
  expect(await one.start(arn, { a: 1 }, "p-1")).toBe(first);
  await expect(one.start(arn, { a: 2 }, "p-1")).rejects.toMatchObject({ name: "ExecutionAlreadyExists" });
  await clock.pass(60);
  await one.ended(first);
  await expect(one.start(arn, { a: 1 }, "p-1")).rejects.toMatchObject({ name: "ExecutionAlreadyExists" });
});

test("StartExecution refuses what AWS refuses: no JSON, too much of it, a bad name, an unknown machine", async () => {
  const { client, create } = await stage();
  const stateMachineArn = await create("m", passes);
  const start = (input: string, name?: string) =>
    client.send(new StartExecutionCommand({ stateMachineArn, input, name }));
  await expect(start("{")).rejects.toMatchObject({ name: "InvalidExecutionInput" });
  await expect(start(JSON.stringify("x".repeat(262_144)))).rejects.toMatchObject({
    name: "ValidationException",
  });
  for (const name of ["a b", "a/b", "a:b", "x".repeat(81), "tab\t"])
    await expect(start("{}", name)).rejects.toMatchObject({ name: "InvalidName" });
  await expect(
    client.send(new StartExecutionCommand({ stateMachineArn: `${stateMachineArn}x` })),
  ).rejects.toMatchObject({ name: "StateMachineDoesNotExist" });
});

test("names that a file system may not tell apart are different executions", async () => {
  const one = await stage();
  const arn = await one.create("m", passes);
  const names = ["a", "A", "..", "é", "e\u0301"];
  const arns = await Promise.all(names.map((name) => one.start(arn, {}, name)));
  for (const executionArn of arns) expect((await one.ended(executionArn)).status).toBe("SUCCEEDED");
  expect(new Set(arns).size).toBe(names.length);
});

test("executions are listed newest first, by status, and in pages", async () => {
  const clock = stillClock();
  const one = await stage({ clock });
  const stateMachineArn = await one.create("m", waits);
  for (const name of ["a", "b", "c"]) await one.start(stateMachineArn, {}, name);
  const executionArn = await one.start(stateMachineArn, {}, "d");
  await one.client.send(new StopExecutionCommand({ executionArn, error: "Enough", cause: "said so" }));
  const page = await one.client.send(
    new ListExecutionsCommand({ stateMachineArn, maxResults: 2, statusFilter: "RUNNING" }),
  );
  const rest = await one.client.send(
    new ListExecutionsCommand({
      stateMachineArn,
      maxResults: 2,
      statusFilter: "RUNNING",
      nextToken: page.nextToken,
    }),
  );
  expect([page, rest].map(({ executions }) => executions?.map(({ name }) => name))).toEqual([
    ["c", "b"],
    ["a"],
  ]);
  expect(rest.nextToken).toBeUndefined();
  await expect(
    one.client.send(new ListExecutionsCommand({ stateMachineArn, nextToken: "made up" })),
  ).rejects.toMatchObject({ name: "InvalidToken" });
});

test("fault 9: StopExecution ends it ABORTED with the error and cause, and stopping again changes nothing", async () => {
  const one = await stage({ clock: stillClock() });
  const executionArn = await one.start(await one.create("m", waits));
  const stop = new StopExecutionCommand({ executionArn, error: "Enough", cause: "said so" });
  const { stopDate } = await one.client.send(stop);
  expect(await one.ended(executionArn)).toMatchObject({
    status: "ABORTED",
    error: "Enough",
    cause: "said so",
  });
  expect((await one.client.send(stop)).stopDate).toEqual(stopDate);
  const events = await one.history(executionArn);
  expect(events.at(-1)).toMatchObject({
    type: "ExecutionAborted",
    executionAbortedEventDetails: { error: "Enough", cause: "said so" },
  });
});

test("the history comes in pages and in either order", async () => {
  const one = await stage();
  const run = await one.play(passes);
  const back = await one.client.send(
    new GetExecutionHistoryCommand({ executionArn: run.arn, reverseOrder: true, maxResults: 3 }),
  );
  expect(outline(back.events ?? [])).toEqual([
    "4<3 ExecutionSucceeded",
    "3<2 PassStateExited",
    "2<0 PassStateEntered",
  ]);
  expect(back.nextToken).toBeDefined();
});

test("status changes are told in order, in EventBridge's shape", async () => {
  const one = await stage();
  const run = await one.play(passes, { a: 1 });
  expect(one.changes.map(({ detail }) => detail.status)).toEqual(["RUNNING", "SUCCEEDED"]);
  expect(one.changes[1]).toMatchObject({
    source: "aws.states",
    "detail-type": "Step Functions Execution Status Change",
    resources: [run.arn],
    detail: {
      executionArn: run.arn,
      stateMachineArn: run.stateMachineArn,
      name: run.name,
      input: '{"a":1}',
      output: '{"a":1}',
      startDate: run.startDate?.getTime(),
      stopDate: run.stopDate?.getTime(),
    },
  });
});

test("a redriven execution goes on from the failed state with its input, its retries and time-outs begun anew", async () => {
  let broken = true;
  const calls: string[] = [];
  const one = await stage({
    invoke: async (name) => {
      calls.push(name);
      return name === "second" && broken
        ? { error: { errorType: "Broken", errorMessage: "" } }
        : { payload: name };
    },
  });
  const step = (FunctionName: string, more: object) => ({
    Type: "Task",
    Resource: INVOKE,
    Arguments: { FunctionName },
    Output: "{% $states.result.Payload %}",
    ...more,
  });
  const definition = machine("First", {
    First: step("first", { Next: "Second", Assign: { drawn: "{% $uuid() %}" } }),
    Second: step("second", { Output: "{% [$states.input, $drawn] %}", End: true }),
  });
  const failed = await one.play(definition);
  expect(failed).toMatchObject({ status: "FAILED", redriveStatus: "REDRIVABLE" });
  const drawn = failed.events.find(({ type }) => type === "TaskStateExited")?.stateExitedEventDetails
    ?.assignedVariables?.drawn;
  broken = false;
  await one.client.send(new RedriveExecutionCommand({ executionArn: failed.arn }));
  const run = await one.ended(failed.arn, 1);
  expect(run).toMatchObject({ status: "SUCCEEDED", redriveCount: 1, redriveStatus: "NOT_REDRIVABLE" });
  expect(JSON.parse(run.output ?? "")).toEqual(["first", JSON.parse(drawn ?? "")]);
  expect(calls).toEqual(["first", "second", "second"]);
  expect(outline(await one.history(failed.arn)).slice(-7)).toEqual([
    "11<10 ExecutionFailed",
    "12<11 ExecutionRedriven",
    "13<12 TaskScheduled",
    "14<13 TaskStarted",
    "15<14 TaskSucceeded",
    "16<15 TaskStateExited",
    "17<16 ExecutionSucceeded",
  ]);
  await expect(
    one.client.send(new RedriveExecutionCommand({ executionArn: failed.arn })),
  ).rejects.toMatchObject({ name: "ExecutionNotRedrivable" });
});

test("a redriven Map runs only the iterations that failed or were aborted", async () => {
  let broken = true;
  const calls: unknown[] = [];
  const one = await stage({
    invoke: async (_, payload) => {
      calls.push(payload);
      return payload === 2 && broken ? { error: { errorType: "Broken", errorMessage: "" } } : { payload };
    },
  });
  const failed = await one.play(
    machine("Each", {
      Each: {
        Type: "Map",
        MaxConcurrency: 1,
        ItemProcessor: {
          StartAt: "One",
          States: {
            One: {
              Type: "Task",
              Resource: INVOKE,
              Arguments: { FunctionName: "f", Payload: "{% $states.input %}" },
              Output: "{% $states.result.Payload %}",
              End: true,
            },
          },
        },
        End: true,
      },
    }),
    [1, 2, 3],
  );
  broken = false;
  await one.client.send(new RedriveExecutionCommand({ executionArn: failed.arn }));
  expect((await one.ended(failed.arn, 1)).output).toBe("[1,2,3]");
  expect(calls).toEqual([1, 2, 2, 3]);
});

test.each([
  ["JSONPath", { StartAt: "A", States: { A: { Type: "Pass", End: true } } }, /QueryLanguage JSONata/],
  ["a JSONPath field", machine("A", { A: { Type: "Pass", Parameters: {}, End: true } }), /Parameters/],
  ["a missing target", machine("A", { A: { Type: "Pass", Next: "B" } }), /no state "B"/],
  ["a state nothing leads to", machine("A", { A: { Type: "Succeed" }, B: { Type: "Succeed" } }), /States\/B/],
  ["neither Next nor End", machine("A", { A: { Type: "Pass" } }), /exactly one of Next and End/],
  [
    "JSONata that does not parse",
    machine("A", { A: { Type: "Pass", Output: "{% 1 + %}", End: true } }),
    /not parse/,
  ],
  [
    "a service that is not served",
    machine("A", { A: { Type: "Task", Resource: "arn:aws:states:::sqs:sendMessage", End: true } }),
    /is not served here/,
  ],
  [
    "States.ALL beside another",
    machine("A", {
      A: {
        Type: "Task",
        Resource: INVOKE,
        Retry: [{ ErrorEquals: ["States.ALL", "X"] }],
        End: true,
      },
    }),
    /stand alone and last/,
  ],
  [
    "an inner variable with an outer one's name",
    machine("A", {
      A: { Type: "Pass", Assign: { v: 1 }, Next: "B" },
      B: {
        Type: "Parallel",
        Branches: [{ StartAt: "C", States: { C: { Type: "Pass", Assign: { v: 2 }, End: true } } }],
        End: true,
      },
    }),
    /"v" is already assigned in an outer scope/,
  ],
])(
  "a definition with %s is InvalidDefinition, and validation says the same",
  async (_, definition, words) => {
    const { client } = await stage();
    const text = JSON.stringify(definition);
    await expect(
      client.send(new CreateStateMachineCommand({ name: "m", definition: text, roleArn: ROLE })),
    ).rejects.toMatchObject({ name: "InvalidDefinition", message: expect.stringMatching(words) });
    const verdict = await client.send(new ValidateStateMachineDefinitionCommand({ definition: text }));
    expect(verdict.result).toBe("FAIL");
  },
);

test("what is not served is UnknownOperationException with 501, and an unknown execution does not exist", async () => {
  const { client } = await stage();
  await expect(client.send(new ListActivitiesCommand({}))).rejects.toMatchObject({
    name: "UnknownOperationException",
    $metadata: { httpStatusCode: 501 },
  });
  await expect(
    client.send(new DescribeExecutionCommand({ executionArn: "arn:aws:states:x:y:execution:m:none" })),
  ).rejects.toMatchObject({ name: "ExecutionDoesNotExist" });
});

test("a request under another host's name is refused, so that no web page can rebind its way in", async () => {
  const { url } = await stage();
  const { request } = await import("node:http");
  const status = await new Promise((resolve, reject) => {
    const ask = request(url, { method: "POST", headers: { host: "evil.example" } }, (reply) => {
      reply.resume();
      resolve(reply.statusCode);
    });
    ask.on("error", reject);
    ask.end("{}");
  });
  expect(status).toBe(403);
});

test("a deleted machine takes no more executions; those it has go on", async () => {
  const clock = stillClock();
  const one = await stage({ clock });
  const stateMachineArn = await one.create("m", waits);
  const executionArn = await one.start(stateMachineArn);
  await one.client.send(new DeleteStateMachineCommand({ stateMachineArn }));
  await expect(one.start(stateMachineArn)).rejects.toMatchObject({ name: "StateMachineDoesNotExist" });
  await clock.pass(60);
  expect((await one.ended(executionArn)).status).toBe("SUCCEEDED");
});
