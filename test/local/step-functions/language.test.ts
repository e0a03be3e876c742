/**
 * The states language as the local engine runs it, state by state.
 * Long because every case is a machine written out in full.
 */
import { afterEach, expect, test } from "vitest";
import type { Invoke } from "../../../local/step-functions/index.ts";
import { CALLBACK, INVOKE, machine, openStage, outline } from "./stage.ts";
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

const fails =
  (errorType: string): Invoke =>
  async () => ({ error: { errorType, errorMessage: "no", trace: ["at line 1"] } });

test("a task's history has AWS's events in AWS's order, each naming the one before it", async () => {
  const { play } = await stage();
  const run = await play(
    machine("Work", {
      Work: {
        Type: "Task",
        Resource: INVOKE,
        Arguments: { FunctionName: "work", Payload: { n: "{% $states.input.n %}" } },
        TimeoutSeconds: 60,
        Assign: { n: "{% $states.result.Payload.n + 1 %}" },
        Next: "Done",
      },
      Done: { Type: "Succeed", Output: { n: "{% $n %}", was: "{% $states.input.StatusCode %}" } },
    }),
    { n: 41 },
  );
  expect(run.output).toEqual({ n: 42, was: 200 });
  expect(outline(run.events)).toEqual([
    "1<0 ExecutionStarted",
    "2<0 TaskStateEntered",
    "3<2 TaskScheduled",
    "4<3 TaskStarted",
    "5<4 TaskSucceeded",
    "6<5 TaskStateExited",
    "7<6 SucceedStateEntered",
    "8<7 SucceedStateExited",
    "9<8 ExecutionSucceeded",
  ]);
  expect(run.events[2]?.taskScheduledEventDetails).toEqual({
    resourceType: "lambda",
    resource: "invoke",
    region: "us-east-1",
    parameters: '{"FunctionName":"work","Payload":{"n":41}}',
    timeoutInSeconds: 60,
  });
  expect(run.events[5]?.stateExitedEventDetails?.assignedVariables).toEqual({ n: "42" });
});

test("a direct function ARN gets the state's input, returns its payload, and has events of its own", async () => {
  const { play } = await stage({ invoke: async (name, payload) => ({ payload: { name, payload } }) });
  const Resource = "arn:aws:lambda:us-east-1:000000000000:function:direct";
  const run = await play(machine("Work", { Work: { Type: "Task", Resource, End: true } }), { a: 1 });
  expect(run.output).toEqual({ name: Resource, payload: { a: 1 } });
  expect(run.events.map((event) => event.type).slice(2, 5)).toEqual([
    "LambdaFunctionScheduled",
    "LambdaFunctionStarted",
    "LambdaFunctionSucceeded",
  ]);
});

test("all of Assign and Output see the variables as they were before the state", async () => {
  const { play } = await stage();
  const run = await play(
    machine("First", {
      First: { Type: "Pass", Assign: { a: 1, b: 2 }, Next: "Swap" },
      Swap: {
        Type: "Pass",
        Assign: { a: "{% $b %}", b: "{% $a %}" },
        Output: "{% [$a, $b] %}",
        Next: "Last",
      },
      Last: { Type: "Pass", Output: { before: "{% $states.input %}", after: "{% [$a, $b] %}" }, End: true },
    }),
  );
  expect(run.output).toEqual({ before: [1, 2], after: [2, 1] });
});

test("a Choice takes its first true rule with that rule's Assign and Output, else its Default with its own", async () => {
  const { play } = await stage();
  const definition = machine("Which", {
    Which: {
      Type: "Choice",
      Choices: [
        { Condition: "{% $states.input.n > 9 %}", Next: "End", Assign: { size: "big" } },
        {
          Condition: "{% $states.input.n > 0 %}",
          Next: "End",
          Assign: { size: "small" },
          Output: "{% 'ruled' %}",
        },
      ],
      Default: "End",
      Assign: { size: "none" },
    },
    End: { Type: "Pass", Output: "{% [$size, $states.input] %}", End: true },
  });
  expect((await play(definition, { n: 10 })).output).toEqual(["big", { n: 10 }]);
  expect((await play(definition, { n: 1 })).output).toEqual(["small", "ruled"]);
  expect((await play(definition, { n: 0 })).output).toEqual(["none", { n: 0 }]);
});

test("a Choice without a match and without a Default fails the execution", async () => {
  const { play } = await stage();
  const run = await play(
    machine("Which", {
      Which: { Type: "Choice", Choices: [{ Condition: false, Next: "End" }] },
      End: { Type: "Succeed" },
    }),
  );
  expect(run).toMatchObject({ status: "FAILED", error: "States.Runtime" });
});

test("a Wait ends after its seconds or at its timestamp, both of which may be JSONata", async () => {
  const clock = stillClock();
  const one = await stage({ clock });
  const definition = machine("Seconds", {
    Seconds: { Type: "Wait", Seconds: "{% $states.input.s %}", Next: "Timestamp" },
    Timestamp: { Type: "Wait", Timestamp: "{% $states.input.t %}", Next: "Past" },
    Past: { Type: "Wait", Timestamp: "2001-01-01T00:00:00Z", End: true },
  });
  const arn = await one.start(await one.create("waits", definition), { s: 90, t: "2030-01-01T01:00:00Z" });
  await clock.pass(90);
  await clock.pass(3600 - 90);
  const run = await one.ended(arn);
  expect(run.status).toBe("SUCCEEDED");
  expect((run.stopDate?.getTime() ?? 0) - (run.startDate?.getTime() ?? 0)).toBe(3_600_000);
});

test("a Fail's Error and Cause may be JSONata", async () => {
  const { play } = await stage();
  const run = await play(
    machine("No", {
      No: { Type: "Fail", Error: "{% $states.input.code %}", Cause: "{% 'since ' & 'so' %}" },
    }),
    { code: "Refused" },
  );
  expect(run).toMatchObject({ status: "FAILED", error: "Refused", cause: "since so" });
  expect(outline(run.events)).toEqual([
    "1<0 ExecutionStarted",
    "2<0 FailStateEntered",
    "3<2 ExecutionFailed",
  ]);
});

test("a Parallel joins its branches' outputs in order, and one failing branch aborts the others", async () => {
  const clock = stillClock();
  const { play } = await stage({ clock });
  const joined = await play(
    machine("Both", {
      Both: {
        Type: "Parallel",
        Arguments: { n: 1 },
        Branches: [
          machineOf("A", { A: { Type: "Pass", Output: "{% $states.input.n %}", End: true } }),
          machineOf("B", { B: { Type: "Pass", Output: "{% $states.input.n + 1 %}", End: true } }),
        ],
        End: true,
      },
    }),
  );
  expect(joined.output).toEqual([1, 2]);

  const failed = await play(
    machine("Both", {
      Both: {
        Type: "Parallel",
        Branches: [
          machineOf("A", { A: { Type: "Wait", Seconds: 1000, End: true } }),
          machineOf("B", { B: { Type: "Fail", Error: "Broken" } }),
        ],
        Catch: [{ ErrorEquals: ["Broken"], Next: "Caught", Output: "{% $states.errorOutput %}" }],
        End: true,
      },
      Caught: { Type: "Pass", End: true },
    }),
  );
  expect(failed.output).toEqual({ Error: "Broken" });
  const types = failed.events.map((event) => event.type);
  expect(types.slice(-7)).toEqual([
    "FailStateEntered",
    "WaitStateAborted",
    "ParallelStateFailed",
    "ParallelStateExited",
    "PassStateEntered",
    "PassStateExited",
    "ExecutionSucceeded",
  ]);
});

test("a Map runs its items at most MaxConcurrency at a time, with the context's item and the outer variables", async () => {
  let atOnce = 0;
  let most = 0;
  const { play } = await stage({
    invoke: async (_, payload) => {
      most = Math.max(most, ++atOnce);
      await new Promise((resolve) => setImmediate(resolve));
      atOnce -= 1;
      return { payload };
    },
  });
  const run = await play(
    machine("Set", {
      Set: { Type: "Pass", Assign: { unit: "rows" }, Next: "Each" },
      Each: {
        Type: "Map",
        Items: "{% $states.input.tables %}",
        MaxConcurrency: 2,
        ItemSelector: {
          table: "{% $states.context.Map.Item.Value %}",
          at: "{% $states.context.Map.Item.Index %}",
        },
        ItemProcessor: {
          ProcessorConfig: { Mode: "INLINE" },
          ...machineOf("Count", {
            Count: {
              Type: "Task",
              Resource: INVOKE,
              Arguments: { FunctionName: "count", Payload: "{% $states.input %}" },
              Output: "{% $states.result.Payload.table & $states.context.Map.Item.Index & $unit %}",
              End: true,
            },
          }),
        },
        End: true,
      },
    }),
    { tables: ["a", "b", "c", "d", "e"] },
  );
  expect(run.output).toEqual(["a0rows", "b1rows", "c2rows", "d3rows", "e4rows"]);
  expect(most).toBe(2);
  const started = run.events.find((event) => event.type === "MapStateStarted");
  expect(started?.mapStateStartedEventDetails).toEqual({ length: 5 });
  expect(run.events.filter((event) => event.type === "MapIterationSucceeded")).toHaveLength(5);
});

test("a Map tolerates failures up to its limit and then fails with States.ExceedToleratedFailureThreshold", async () => {
  const { play } = await stage({
    invoke: async (_, payload) =>
      (payload as number) > 2 ? { error: { errorType: "Odd", errorMessage: "" } } : { payload },
  });
  const definition = machine("Each", {
    Each: {
      Type: "Map",
      Items: "{% $states.input %}",
      ToleratedFailureCount: 1,
      ItemProcessor: machineOf("One", {
        One: {
          Type: "Task",
          Resource: INVOKE,
          Arguments: { FunctionName: "one", Payload: "{% $states.input %}" },
          Output: "{% $states.result.Payload %}",
          End: true,
        },
      }),
      End: true,
    },
  });
  expect((await play(definition, [1, 3, 2])).output).toEqual([1, 2]);
  expect(await play(definition, [1, 3, 4])).toMatchObject({
    status: "FAILED",
    error: "States.ExceedToleratedFailureThreshold",
  });
});

test("a failing iteration without a tolerance is the Map's own failure, and no items at all are an empty result", async () => {
  const { play } = await stage({ invoke: fails("Broken") });
  const definition = machine("Each", {
    Each: {
      Type: "Map",
      ItemProcessor: machineOf("One", {
        One: { Type: "Task", Resource: INVOKE, Arguments: { FunctionName: "one" }, End: true },
      }),
      End: true,
    },
  });
  const run = await play(definition, [1]);
  expect(run).toMatchObject({ status: "FAILED", error: "Broken" });
  expect(outline(run.events)).toEqual([
    "1<0 ExecutionStarted",
    "2<0 MapStateEntered",
    "3<2 MapStateStarted",
    "4<3 MapIterationStarted",
    "5<4 TaskStateEntered",
    "6<5 TaskScheduled",
    "7<6 TaskStarted",
    "8<7 TaskFailed",
    "9<8 MapIterationFailed",
    "10<8 MapStateFailed",
    "11<10 ExecutionFailed",
  ]);
  expect((await play(definition, [])).output).toEqual([]);
});

test("a function's error is its type, with the type, message and trace as JSON in the cause", async () => {
  const { play } = await stage({ invoke: fails("ValidationError") });
  const run = await play(task({}));
  expect(run).toMatchObject({ status: "FAILED", error: "ValidationError" });
  expect(JSON.parse(run.cause ?? "")).toEqual({
    errorType: "ValidationError",
    errorMessage: "no",
    trace: ["at line 1"],
  });
});

test.each([
  ["TooManyRequestsException", "Lambda.TooManyRequestsException"],
  ["Lambda.TooManyRequestsException", "Lambda.TooManyRequestsException"],
  ["Sandbox.Timedout", "Sandbox.Timedout"],
])("fault 5: the runner's %s reaches Retry and Catch as %s", async (thrown, error) => {
  const { play } = await stage({ invoke: fails(thrown) });
  expect(await play(task({}))).toMatchObject({ status: "FAILED", error });
});

test("Retry waits its backoff, evaluates the arguments anew with the retry count, and then succeeds", async () => {
  const clock = stillClock();
  const payloads: unknown[] = [];
  const one = await stage({
    clock,
    invoke: async (_, payload) => {
      payloads.push(payload);
      return payloads.length < 3 ? { error: { errorType: "Again", errorMessage: "" } } : { payload: "done" };
    },
  });
  const definition = task({
    Arguments: { FunctionName: "f", Payload: "{% $states.context.State.RetryCount %}" },
    Retry: [{ ErrorEquals: ["Again"], IntervalSeconds: 10, BackoffRate: 3, MaxAttempts: 2 }],
    Output: "{% $states.result.Payload %}",
  });
  const arn = await one.start(await one.create("retries", definition));
  await clock.pass(10);
  await clock.pass(30);
  expect((await one.ended(arn)).output).toBe('"done"');
  expect(payloads).toEqual([0, 1, 2]);
  expect((await one.history(arn)).map((event) => event.type)).toEqual([
    "ExecutionStarted",
    "TaskStateEntered",
    ...["TaskScheduled", "TaskStarted", "TaskFailed"],
    ...["TaskScheduled", "TaskStarted", "TaskFailed"],
    ...["TaskScheduled", "TaskStarted", "TaskSucceeded"],
    "TaskStateExited",
    "ExecutionSucceeded",
  ]);
});

test("a Catch sees the error output, assigns from it, and without Output passes it on", async () => {
  const { play } = await stage({ invoke: fails("Broken") });
  const run = await play(
    machine("Work", {
      Work: {
        Type: "Task",
        Resource: INVOKE,
        Arguments: { FunctionName: "f" },
        Catch: [
          { ErrorEquals: ["States.ALL"], Assign: { why: "{% $states.errorOutput.Error %}" }, Next: "After" },
        ],
        Next: "After",
      },
      After: { Type: "Pass", Output: "{% [$why, $states.input.Error] %}", End: true },
    }),
  );
  expect(run.output).toEqual(["Broken", "Broken"]);
});

test("fault 2: a task that outlives its TimeoutSeconds is caught as States.Timeout, its function left running", async () => {
  const clock = stillClock();
  let signal: AbortSignal | undefined;
  const one = await stage({
    clock,
    invoke: (_, __, given) => {
      signal = given;
      return new Promise(() => undefined);
    },
  });
  const definition = machine("Work", {
    Work: {
      Type: "Task",
      Resource: INVOKE,
      Arguments: { FunctionName: "slow" },
      TimeoutSeconds: "{% 30 %}",
      Catch: [{ ErrorEquals: ["States.Timeout"], Output: "late", Next: "After" }],
      End: true,
    },
    After: { Type: "Pass", End: true },
  });
  const arn = await one.start(await one.create("slow", definition));
  await clock.pass(30);
  expect((await one.ended(arn)).output).toBe('"late"');
  expect((await one.history(arn)).map((event) => event.type)).toContain("TaskTimedOut");
  expect(signal?.aborted).toBe(false);
});

test.each(["States.HeartbeatTimeout", "States.Timeout"])(
  "a task whose heartbeat is missed is caught as %s, later beats having moved the deadline",
  async (name) => {
    const clock = stillClock();
    const given = Promise.withResolvers<string>();
    const one = await stage({
      clock,
      invoke: async (_, payload) => {
        given.resolve((payload as { token: string }).token);
        return { payload: null };
      },
    });
    const definition = machine("Ask", {
      Ask: {
        Type: "Task",
        Resource: CALLBACK,
        Arguments: { FunctionName: "ask", Payload: { token: "{% $states.context.Task.Token %}" } },
        TimeoutSeconds: 1000,
        HeartbeatSeconds: 10,
        Catch: [{ ErrorEquals: [name], Output: "silent", Next: "After" }],
        End: true,
      },
      After: { Type: "Pass", End: true },
    });
    const arn = await one.start(await one.create("beats", definition));
    const { SendTaskHeartbeatCommand } = await import("@aws-sdk/client-sfn");
    const taskToken = await given.promise;
    await clock.asleep(10);
    clock.move(6);
    await one.client.send(new SendTaskHeartbeatCommand({ taskToken }));
    await clock.pass(4);
    await clock.pass(6);
    const run = await one.ended(arn);
    expect(run.output).toBe('"silent"');
    await expect(one.client.send(new SendTaskHeartbeatCommand({ taskToken }))).rejects.toMatchObject({
      name: "TaskTimedOut",
    });
  },
);

test("an execution that outlives its own TimeoutSeconds is TIMED_OUT", async () => {
  const clock = stillClock();
  const one = await stage({ clock });
  const definition = machine(
    "Long",
    { Long: { Type: "Wait", Seconds: 100, End: true } },
    { TimeoutSeconds: 60 },
  );
  const arn = await one.start(await one.create("long", definition));
  await clock.pass(60);
  expect((await one.ended(arn)).status).toBe("TIMED_OUT");
  expect((await one.history(arn)).at(-1)?.type).toBe("ExecutionTimedOut");
});

test("an expression that finds nothing is States.QueryEvaluationError, told in the history, and can be caught", async () => {
  const { play } = await stage();
  const run = await play(
    machine("Work", {
      Work: {
        Type: "Task",
        Resource: INVOKE,
        Arguments: { FunctionName: "f" },
        Output: { x: "{% $states.result.Payload.missing %}" },
        Catch: [{ ErrorEquals: ["States.QueryEvaluationError"], Output: "caught", Next: "After" }],
        End: true,
      },
      After: { Type: "Pass", End: true },
    }),
  );
  expect(run.output).toBe("caught");
  const event = run.events.find(({ type }) => type === "EvaluationFailed");
  expect(event?.evaluationFailedEventDetails).toMatchObject({
    error: "States.QueryEvaluationError",
    location: "Output/x",
    state: "Work",
  });
});

test("fault 10: a result over 256 KiB is States.DataLimitExceeded, which States.ALL does not catch", async () => {
  const { play } = await stage({ invoke: async () => ({ payload: "x".repeat(256 * 1024) }) });
  const catching = (name: string) =>
    machine("Work", {
      Work: {
        Type: "Task",
        Resource: INVOKE,
        Arguments: { FunctionName: "f" },
        Catch: [{ ErrorEquals: [name], Output: "caught", Next: "After" }],
        End: true,
      },
      After: { Type: "Pass", End: true },
    });
  expect(await play(catching("States.ALL"))).toMatchObject({
    status: "FAILED",
    error: "States.DataLimitExceeded",
  });
  expect((await play(catching("States.DataLimitExceeded"))).output).toBe("caught");
});

test("an Assign over 256 KiB fails as well", async () => {
  const { play } = await stage();
  const run = await play(
    machine("Grow", {
      Grow: { Type: "Pass", Assign: { big: "{% $join([1..60000].('12345')) %}" }, End: true },
    }),
  );
  expect(run).toMatchObject({ status: "FAILED", error: "States.DataLimitExceeded" });
});

test("the execution's name, start, input and machine stand in the context", async () => {
  const { play } = await stage();
  const run = await play(
    machine("Look", {
      Look: {
        Type: "Pass",
        Output: {
          id: "{% $states.context.Execution.Id %}",
          input: "{% $states.context.Execution.Input.a %}",
          role: "{% $states.context.Execution.RoleArn %}",
          state: "{% $states.context.State.Name %}",
          machine: "{% $states.context.StateMachine.Id %}",
          start: "{% $toMillis($states.context.Execution.StartTime) > 0 %}",
        },
        End: true,
      },
    }),
    { a: 1 },
  );
  expect(run.output).toEqual({
    id: run.arn,
    input: 1,
    role: "arn:aws:iam::000000000000:role/engine",
    state: "Look",
    machine: run.stateMachineArn,
    start: true,
  });
});

test("a distributed Map's states do not see the variables around it", async () => {
  const { play } = await stage();
  const run = await play(
    machine("Set", {
      Set: { Type: "Pass", Assign: { outer: 1 }, Output: [1], Next: "Each" },
      Each: {
        Type: "Map",
        ItemProcessor: {
          ProcessorConfig: { Mode: "DISTRIBUTED", ExecutionType: "STANDARD" },
          ...machineOf("One", { One: { Type: "Pass", Output: "{% $exists($outer) %}", End: true } }),
        },
        End: true,
      },
    }),
  );
  expect(run.output).toEqual([false]);
});

function machineOf(startAt: string, states: Record<string, object>) {
  return { StartAt: startAt, States: states };
}

function task(more: object) {
  return machine("Work", {
    Work: { Type: "Task", Resource: INVOKE, Arguments: { FunctionName: "f" }, End: true, ...more },
  });
}
