/**
 * The same machines on our engine and, where it is installed, on moto, whose histories are held to recordings of AWS. No
 * expressions in them: moto carries JSONata definitions but has nothing to evaluate JSONata with.
 * Long because every scenario is a machine and its history, written out in full.
 */
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  type SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from "@aws-sdk/client-sfn";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Moto, motoFor } from "../moto.ts";
import { historyOf, machine, openStage, outline, ROLE, sfnClient } from "./stage.ts";

interface Scenario {
  title: string;
  definition: object;
  status: string;
  output?: unknown;
  error?: string;
  history: string[];
}

const pass = (more: object = { End: true }) => ({ Type: "Pass", ...more });
const branch = (state: object) => ({ StartAt: "In", States: { In: state } });
const broken = { Type: "Fail", Error: "Broken", Cause: "on purpose" };
const inline = (state: object) => ({ ProcessorConfig: { Mode: "INLINE" }, ...branch(state) });

const SCENARIOS: Scenario[] = [
  {
    title: "two Pass states",
    definition: machine("A", { A: pass({ Output: { a: 1 }, Next: "B" }), B: pass() }),
    status: "SUCCEEDED",
    output: { a: 1 },
    history: [
      "1<0 ExecutionStarted",
      "2<0 PassStateEntered",
      "3<2 PassStateExited",
      "4<3 PassStateEntered",
      "5<4 PassStateExited",
      "6<5 ExecutionSucceeded",
    ],
  },
  {
    title: "a Succeed with an Output",
    definition: machine("A", { A: { Type: "Succeed", Output: { z: [1, null, "é"] } } }),
    status: "SUCCEEDED",
    output: { z: [1, null, "é"] },
    history: [
      "1<0 ExecutionStarted",
      "2<0 SucceedStateEntered",
      "3<2 SucceedStateExited",
      "4<3 ExecutionSucceeded",
    ],
  },
  {
    title: "a Fail",
    definition: machine("A", { A: broken }),
    status: "FAILED",
    error: "Broken",
    history: ["1<0 ExecutionStarted", "2<0 FailStateEntered", "3<2 ExecutionFailed"],
  },
  {
    title: "a Wait of a second",
    definition: machine("A", { A: { Type: "Wait", Seconds: 1, End: true } }),
    status: "SUCCEEDED",
    output: { in: 1 },
    history: [
      "1<0 ExecutionStarted",
      "2<0 WaitStateEntered",
      "3<2 WaitStateExited",
      "4<3 ExecutionSucceeded",
    ],
  },
  {
    title: "a Choice on a constant",
    definition: machine("A", {
      A: { Type: "Choice", Choices: [{ Condition: true, Next: "B" }], Default: "C" },
      B: { Type: "Succeed" },
      C: broken,
    }),
    status: "SUCCEEDED",
    output: { in: 1 },
    history: [
      "1<0 ExecutionStarted",
      "2<0 ChoiceStateEntered",
      "3<2 ChoiceStateExited",
      "4<3 SucceedStateEntered",
      "5<4 SucceedStateExited",
      "6<5 ExecutionSucceeded",
    ],
  },
  {
    title: "a Choice that matches nothing",
    definition: machine("A", {
      A: { Type: "Choice", Choices: [{ Condition: false, Next: "B" }] },
      B: { Type: "Succeed" },
    }),
    status: "FAILED",
    error: "States.Runtime",
    history: ["1<0 ExecutionStarted", "2<0 ChoiceStateEntered", "3<2 ExecutionFailed"],
  },
  {
    title: "a Parallel with one branch",
    definition: machine("A", {
      A: { Type: "Parallel", Branches: [branch(pass({ Output: 1, End: true }))], End: true },
    }),
    status: "SUCCEEDED",
    output: [1],
    history: [
      "1<0 ExecutionStarted",
      "2<0 ParallelStateEntered",
      "3<2 ParallelStateStarted",
      "4<3 PassStateEntered",
      "5<4 PassStateExited",
      "6<5 ParallelStateSucceeded",
      "7<5 ParallelStateExited",
      "8<7 ExecutionSucceeded",
    ],
  },
  {
    title: "a Parallel whose failure is caught",
    definition: machine("A", {
      A: {
        Type: "Parallel",
        Branches: [branch(broken)],
        Catch: [{ ErrorEquals: ["Broken"], Next: "C" }],
        Next: "C",
      },
      C: pass(),
    }),
    status: "SUCCEEDED",
    output: { Error: "Broken", Cause: "on purpose" },
    history: [
      "1<0 ExecutionStarted",
      "2<0 ParallelStateEntered",
      "3<2 ParallelStateStarted",
      "4<3 FailStateEntered",
      "5<4 ParallelStateFailed",
      "6<5 ParallelStateExited",
      "7<6 PassStateEntered",
      "8<7 PassStateExited",
      "9<8 ExecutionSucceeded",
    ],
  },
  {
    title: "a Parallel that is retried once and fails again",
    definition: machine("A", {
      A: {
        Type: "Parallel",
        Branches: [branch(broken)],
        Retry: [{ ErrorEquals: ["Broken"], IntervalSeconds: 1, MaxAttempts: 1 }],
        End: true,
      },
    }),
    status: "FAILED",
    error: "Broken",
    history: [
      "1<0 ExecutionStarted",
      "2<0 ParallelStateEntered",
      "3<2 ParallelStateStarted",
      "4<3 FailStateEntered",
      "5<4 ParallelStateStarted",
      "6<5 FailStateEntered",
      "7<6 ParallelStateFailed",
      "8<7 ExecutionFailed",
    ],
  },
  {
    title: "a Map of two items, one at a time",
    definition: machine("A", {
      A: { Type: "Map", Items: [1, 2], MaxConcurrency: 1, ItemProcessor: inline(pass()), End: true },
    }),
    status: "SUCCEEDED",
    output: [1, 2],
    history: [
      "1<0 ExecutionStarted",
      "2<0 MapStateEntered",
      "3<2 MapStateStarted",
      "4<3 MapIterationStarted",
      "5<4 PassStateEntered",
      "6<5 PassStateExited",
      "7<6 MapIterationSucceeded",
      "8<6 MapIterationStarted",
      "9<8 PassStateEntered",
      "10<9 PassStateExited",
      "11<10 MapIterationSucceeded",
      "12<11 MapStateSucceeded",
      "13<11 MapStateExited",
      "14<13 ExecutionSucceeded",
    ],
  },
  {
    title: "a Map whose item fails",
    definition: machine("A", {
      A: { Type: "Map", Items: [1], ItemProcessor: inline(broken), End: true },
    }),
    status: "FAILED",
    error: "Broken",
    history: [
      "1<0 ExecutionStarted",
      "2<0 MapStateEntered",
      "3<2 MapStateStarted",
      "4<3 MapIterationStarted",
      "5<4 FailStateEntered",
      "6<5 MapIterationFailed",
      "7<5 MapStateFailed",
      "8<7 ExecutionFailed",
    ],
  },
  {
    title: "an execution that outlives its TimeoutSeconds",
    definition: machine("A", { A: { Type: "Wait", Seconds: 60, End: true } }, { TimeoutSeconds: 1 }),
    status: "TIMED_OUT",
    history: ["1<0 ExecutionStarted", "2<0 WaitStateEntered", "3<2 ExecutionTimedOut"],
  },
];

interface Emulator {
  open(): Promise<{ client: SFNClient; between(): Promise<unknown>; close(): Promise<unknown> }>;
}

const ours: Emulator = {
  open: async () => {
    const stage = await openStage();
    return { client: stage.client, between: async () => undefined, close: stage.close };
  },
};

/** An empty moto that runs what it is given. */
async function openMoto(start: () => Promise<Moto>): ReturnType<Emulator["open"]> {
  const { url, stop } = await start();
  const post = (path: string, body = "") =>
    fetch(`${url}/moto-api/${path}`, {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
    });
  await post("config", '{"stepfunctions":{"execute_state_machine":true}}');
  // Moto 5.2.1 cannot start a second execution beside one it still holds, so each scenario has an empty moto.
  return { client: sfnClient(url), between: () => post("reset"), close: stop };
}

const startMoto = motoFor("step-functions");

const emulators: [string, Emulator][] = [
  ["our engine", ours],
  ...(startMoto ? [["moto", { open: () => openMoto(startMoto) }] satisfies [string, Emulator]] : []),
];

describe.each(emulators)("%s", (_, emulator) => {
  let at: Awaited<ReturnType<Emulator["open"]>>;
  beforeAll(async () => {
    at = await emulator.open();
  });
  afterAll(() => at.close());

  const start = async (definition: object, name: string) => {
    await at.between();
    const { stateMachineArn } = await at.client.send(
      new CreateStateMachineCommand({ name, definition: JSON.stringify(definition), roleArn: ROLE }),
    );
    const { executionArn = "" } = await at.client.send(
      new StartExecutionCommand({ stateMachineArn, name: "one", input: '{"in":1}' }),
    );
    return executionArn;
  };

  const over = async (executionArn: string) => {
    let found = await at.client.send(new DescribeExecutionCommand({ executionArn }));
    while (found.status === "RUNNING")
      found = await at.client.send(new DescribeExecutionCommand({ executionArn }));
    return found;
  };

  test.each(SCENARIOS.map((scenario, index) => ({ ...scenario, name: `machine-${index}` })))(
    "$title",
    async (scenario) => {
      const executionArn = await start(scenario.definition, scenario.name);
      const found = await over(executionArn);
      expect({
        status: found.status,
        error: found.error,
        output: found.output === undefined ? undefined : JSON.parse(found.output),
        history: outline(await historyOf(at.client, executionArn)),
      }).toEqual({
        status: scenario.status,
        error: scenario.error,
        output: scenario.output,
        history: scenario.history,
      });
    },
  );

  test("StopExecution", async () => {
    // Moto stops on a thread of its own, and one that has not begun to wait yet sleeps its time out first: hence not an hour.
    const waits = machine("A", { A: { Type: "Wait", Seconds: 20, End: true } });
    const executionArn = await start(waits, "stopped");
    while ((await historyOf(at.client, executionArn)).at(-1)?.type !== "WaitStateEntered");
    await at.client.send(new StopExecutionCommand({ executionArn }));
    const found = await over(executionArn);
    expect(found.status).toBe("ABORTED");
    expect(outline(await historyOf(at.client, executionArn))).toEqual([
      "1<0 ExecutionStarted",
      "2<0 WaitStateEntered",
      "3<0 ExecutionAborted",
    ]);
  });
});
