/** A Step Functions endpoint for one test: scripted functions, a clock that stands still, and the SDK's own client. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  SFNClient,
  StartExecutionCommand,
} from "@aws-sdk/client-sfn";
import type { Clock } from "../../../local/step-functions/clock.ts";
import {
  type Invoke,
  type RunTask,
  type StatusChange,
  startStepFunctions,
} from "../../../local/step-functions/index.ts";

export const ROLE = "arn:aws:iam::000000000000:role/engine";
export const INVOKE = "arn:aws:states:::lambda:invoke";
export const CALLBACK = `${INVOKE}.waitForTaskToken`;

export interface StageOptions {
  invoke?: Invoke;
  runTask?: RunTask;
  clock?: Clock;
  folder?: string;
}

/** Starts the endpoint; `close` stops it and removes its folder. */
export async function openStage(options: StageOptions = {}) {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), "step-functions-")));
  const changes: StatusChange[] = [];
  const waiting: (() => void)[] = [];
  const endpoint = await startStepFunctions({
    folder,
    invoke: options.invoke ?? (async (_, payload) => ({ payload })),
    onEvent: (event) => {
      changes.push(event);
      for (const wake of waiting.splice(0)) wake();
    },
    random: () => 0.5,
    ...(options.runTask === undefined ? {} : { runTask: options.runTask }),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  });
  const client = sfnClient(endpoint.url);

  /** Resolves when the execution has ended and the status change was told. */
  const ended = async (executionArn: string, redrives = 0) => {
    const over = (event: StatusChange) =>
      event.detail.executionArn === executionArn &&
      event.detail.status !== "RUNNING" &&
      event.detail.redriveCount === redrives;
    while (!changes.some(over)) await new Promise<void>((resolve) => waiting.push(resolve));
    return client.send(new DescribeExecutionCommand({ executionArn }));
  };
  return {
    client,
    folder,
    url: endpoint.url,
    changes,
    ended,
    create: (name: string, definition: object) => createMachine(client, name, definition),
    start: (stateMachineArn: string, input: unknown = {}, name?: string) =>
      startExecution(client, stateMachineArn, input, name),
    /** Creates, starts, waits for the end: the whole of most tests. */
    play: async (definition: object, input: unknown = {}) => {
      const machine = await createMachine(client, `m${++machines}`, definition);
      const executionArn = await startExecution(client, machine, input);
      const result = await ended(executionArn);
      return {
        ...result,
        arn: executionArn,
        output: result.output === undefined ? undefined : (JSON.parse(result.output) as unknown),
        events: await historyOf(client, executionArn),
      };
    },
    history: (executionArn: string) => historyOf(client, executionArn),
    /** Ends the endpoint and keeps the folder. */
    stop: endpoint.stop,
    close: async () => {
      await endpoint.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

let machines = 0;

export function sfnClient(endpoint: string): SFNClient {
  return new SFNClient({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
}

export async function createMachine(client: SFNClient, name: string, definition: object): Promise<string> {
  const machine = await client.send(
    new CreateStateMachineCommand({ name, definition: JSON.stringify(definition), roleArn: ROLE }),
  );
  return machine.stateMachineArn ?? "";
}

async function startExecution(client: SFNClient, stateMachineArn: string, input: unknown, name?: string) {
  const started = await client.send(
    new StartExecutionCommand({ stateMachineArn, input: JSON.stringify(input), name }),
  );
  return started.executionArn ?? "";
}

export async function historyOf(client: SFNClient, executionArn: string): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  let nextToken: string | undefined;
  do {
    const page = await client.send(new GetExecutionHistoryCommand({ executionArn, nextToken }));
    events.push(...(page.events ?? []));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return events;
}

/** `id<previous Type`: a history as one line per event. */
export function outline(events: HistoryEvent[]): string[] {
  return events.map((event) => `${event.id}<${event.previousEventId} ${event.type}`);
}

/** A JSONata definition around some states. */
export function machine(startAt: string, states: Record<string, object>, more: object = {}) {
  return { QueryLanguage: "JSONata", StartAt: startAt, States: states, ...more };
}
