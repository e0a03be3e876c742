import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import {
  CreateStateMachineCommand,
  SendTaskSuccessCommand,
  StartExecutionCommand,
} from "@aws-sdk/client-sfn";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CALLBACK, historyOf, INVOKE, machine, openStage, ROLE, sfnClient } from "./stage.ts";
import { stillClock } from "./still-clock.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "engine-crash-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const call = (name: string, payload: unknown, more: object = { End: true }) => ({
  Type: "Task",
  Resource: INVOKE,
  Arguments: { FunctionName: name, Payload: payload },
  TimeoutSeconds: 60,
  Output: "{% $states.result.Payload %}",
  ...more,
});

/** Every kind of state, with a value drawn at random at the start that everything after it carries. */
const everything = machine("Draw", {
  Draw: { Type: "Pass", Assign: { drawn: "{% $uuid() %}" }, Next: "One" },
  One: call("one", "{% $drawn %}", { Next: "Both" }),
  Both: {
    Type: "Parallel",
    Branches: [
      { StartAt: "Left", States: { Left: call("left", "{% $drawn %}") } },
      {
        StartAt: "Rest",
        States: { Rest: { Type: "Wait", Seconds: 1, Next: "Right" }, Right: call("right", "{% $drawn %}") },
      },
    ],
    Next: "Each",
  },
  Each: {
    Type: "Map",
    Items: [1, 2],
    MaxConcurrency: 1,
    ItemProcessor: { StartAt: "Item", States: { Item: call("item", "{% $drawn %}") } },
    Next: "Ask",
  },
  Ask: {
    Type: "Task",
    Resource: CALLBACK,
    Arguments: {
      FunctionName: "answers-itself",
      Payload: { token: "{% $states.context.Task.Token %}", drawn: "{% $drawn %}" },
    },
    TimeoutSeconds: 60,
    Next: "Done",
  },
  Done: { Type: "Succeed", Output: { drawn: "{% $drawn %}", answer: "{% $states.input %}" } },
});

test("fault 1: killed at any line of the journal, the execution goes on where it was and ends as if nothing was", async () => {
  // Each life is killed at a later write than the one before it got to, at a different side of the write each time.
  const sides = ["before", "torn", "after"];
  let lives = 0;
  let status: string | undefined;
  for (; status === undefined; lives++) {
    expect(lives).toBeLessThan(60);
    const life = startEngine(folder, 2 + (lives % 4), sides[lives % 3] ?? "before");
    status = await Promise.race([play(life.url), life.ended, life.gone]);
    await life.kill();
  }
  expect(status).toBe("SUCCEEDED");
  expect(lives).toBeGreaterThan(8);

  const last = startEngine(folder, 0);
  const client = sfnClient((await last.url) ?? "");
  const arn = "arn:aws:states:us-east-1:000000000000:execution:everything:p-1";
  const events = await historyOf(client, arn);
  await last.kill();

  const effects = (await readFile(join(folder, "effects"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { name: string; payload: string | { drawn: string } });
  const drawn = new Set(
    effects.map(({ payload }) => (typeof payload === "string" ? payload : payload.drawn)),
  );
  expect(drawn.size).toBe(1);
  expect(new Set(effects.map(({ name }) => name))).toEqual(
    new Set(["one", "left", "right", "item", "answers-itself"]),
  );
  const output = events.at(-1)?.executionSucceededEventDetails?.output ?? "";
  expect(JSON.parse(output)).toEqual({ drawn: [...drawn][0], answer: "answered" });

  // The history is whole: numbered without gaps, every state entered and left once, every task finished once.
  expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
  const count = (type: string) => events.filter((event) => event.type === type).length;
  expect([
    count("TaskStateEntered"),
    count("TaskScheduled"),
    count("TaskSucceeded"),
    count("TaskStateExited"),
  ]).toEqual([6, 6, 6, 6]);
  expect(count("MapIterationStarted")).toBe(2);
  expect(count("MapIterationSucceeded")).toBe(2);
});

/** Makes the machine and starts the execution, as a client does that may have lost earlier replies. Never resolves. */
async function play(url: Promise<string | undefined>): Promise<undefined> {
  const client = sfnClient((await url) ?? "http://127.0.0.1:9");
  try {
    const { stateMachineArn } = await client.send(
      new CreateStateMachineCommand({
        name: "everything",
        definition: JSON.stringify(everything),
        roleArn: ROLE,
      }),
    );
    await client.send(new StartExecutionCommand({ stateMachineArn, name: "p-1", input: "{}" }));
  } catch {
    // The process was killed while it answered, or the execution has already ended: the next life will tell.
  }
  return new Promise(() => undefined);
}

test("a token given out before a kill is answered after it, its function not called again", async () => {
  const definition = machine("Ask", {
    Ask: {
      Type: "Task",
      Resource: CALLBACK,
      Arguments: { FunctionName: "ask", Payload: { token: "{% $states.context.Task.Token %}" } },
      End: true,
    },
  });
  const first = startEngine(folder, 0);
  const before = sfnClient((await first.url) ?? "");
  const { stateMachineArn } = await before.send(
    new CreateStateMachineCommand({ name: "asks", definition: JSON.stringify(definition), roleArn: ROLE }),
  );
  const { executionArn = "" } = await before.send(new StartExecutionCommand({ stateMachineArn }));
  while (!(await historyOf(before, executionArn)).some(({ type }) => type === "TaskSubmitted"));
  await first.kill();

  const second = startEngine(folder, 0);
  const after = sfnClient((await second.url) ?? "");
  const [effect] = (await readFile(join(folder, "effects"), "utf8")).trim().split("\n");
  const { token } = (JSON.parse(effect ?? "") as { payload: { token: string } }).payload;
  await after.send(new SendTaskSuccessCommand({ taskToken: token, output: '{"by":"ann"}' }));
  expect(await second.ended).toBe("SUCCEEDED");
  await second.kill();
  expect((await readFile(join(folder, "effects"), "utf8")).trim().split("\n")).toHaveLength(1);
});

test("waits, backoffs and time-outs count from when they began, across a restart", async () => {
  const clock = stillClock();
  let calls = 0;
  const invoke = async () => {
    calls += 1;
    return calls === 1
      ? { error: { errorType: "Again", errorMessage: "" } }
      : new Promise<never>(() => undefined);
  };
  const definition = machine(
    "Rest",
    {
      Rest: { Type: "Wait", Seconds: 100, Next: "Work" },
      Work: call("work", 1, {
        TimeoutSeconds: 50,
        Retry: [{ ErrorEquals: ["Again"], IntervalSeconds: 30, MaxAttempts: 1 }],
        Catch: [
          { ErrorEquals: ["States.Timeout"], Output: "{% $states.context.State.RetryCount %}", Next: "Late" },
        ],
        End: true,
      }),
      Late: { Type: "Pass", End: true },
    },
    { TimeoutSeconds: 1000 },
  );
  const lives = async (act: (stage: Awaited<ReturnType<typeof openStage>>) => Promise<unknown>) => {
    const stage = await openStage({ clock, folder, invoke });
    const result = await act(stage);
    await stage.stop();
    return result;
  };
  const arn = (await lives(async (stage) => stage.start(await stage.create("m", definition)))) as string;
  await lives(async () => {
    clock.move(60);
    await clock.pass(40);
    await clock.asleep(30);
  });
  await lives(async () => {
    clock.move(20);
    await clock.pass(10);
    await clock.asleep(50);
  });
  const ended = await lives(async (stage) => {
    clock.move(20);
    await clock.pass(30);
    return (await stage.ended(arn)).output;
  });
  // One retry was used before the restarts and is still used after them; the interrupted task was called once more.
  expect(ended).toBe("1");
  expect(calls).toBe(3);
});

test("a journal whose first line is torn never was an execution", async () => {
  const life = startEngine(folder, 1, "torn");
  void play(life.url);
  await life.gone;
  const stage = await openStage({ folder: join(folder, "engine") });
  expect(await readdir(join(folder, "engine", "executions"))).toEqual([]);
  await stage.stop();
});

/** Runs the engine as a process of its own. */
function startEngine(folder: string, killAt: number, where = "before") {
  const script = join(fileURLToPath(import.meta.url), "../engine-process.ts");
  const child = spawn(process.execPath, [script, folder, String(killAt), where], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = Promise.withResolvers<string | undefined>();
  const ended = Promise.withResolvers<string | undefined>();
  const gone = new Promise<undefined>((resolve) =>
    child.on("close", () => {
      url.resolve(undefined);
      resolve(undefined);
    }),
  );
  createInterface({ input: child.stdout }).on("line", (line) => {
    const [word, rest] = line.split(" ");
    if (word === "ready") url.resolve(rest);
    if (word === "ended") ended.resolve(rest);
  });
  return {
    url: url.promise,
    /** The status the execution ended with, once it has. */
    ended: ended.promise,
    gone,
    kill: async () => {
      child.kill("SIGKILL");
      await gone;
    },
  };
}
