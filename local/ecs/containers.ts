/** ECS on this machine, as far as Step Functions uses it: RunTask starts the container's entry as a process of its own. */

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { devNull } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as z from "zod";
import type { Json } from "../../core/canonical-json.ts";
import { COMPILE_CACHE } from "../compile-cache.ts";

export interface ContainersOptions {
  /** The module that the image's entry runs. */
  entry: URL;
  /** What the task definition's variables are, beneath the overrides'. */
  environment: Record<string, string>;
  /** A module loaded in every process before the entry: tests listen there for milestones. */
  preload?: URL;
  /** Told each line a container writes; without it they go to this process's output. */
  onLog?: (line: string) => void;
}

export type RunTaskResult = { result: Json } | { fault: { Error: string; Cause: string } };

export interface Container {
  /** The step that it was started for. */
  step: string;
  pid: number;
  /** How it ended; undefined while it runs. */
  exit?: { code: number | null; signal: NodeJS.Signals | null };
  /** As StopTask does: SIGTERM, and SIGKILL half a minute later. */
  stop(): void;
}

export interface Containers {
  /** RunTask as the machine calls it: answers when the process was started, not when it has ended. */
  runTask(taskArguments: unknown): Promise<RunTaskResult>;
  /** Those that run now, the oldest first. */
  running(): Container[];
  /** Kills what runs, and waits until it is gone. */
  stop(): Promise<void>;
}

/** Characters of all overrides with the JSON around them: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskOverride.html */
const OVERRIDES_LIMIT = 8_192;

/** Between SIGTERM and SIGKILL. */
const STOP_TIMEOUT = 30_000;

const request = z.strictObject({
  Cluster: z.string().min(1),
  TaskDefinition: z.string().min(1),
  LaunchType: z.literal("FARGATE"),
  // Fargate has no other network, and refuses a task without one.
  NetworkConfiguration: z.strictObject({
    AwsvpcConfiguration: z.strictObject({
      AssignPublicIp: z.enum(["ENABLED", "DISABLED"]).optional(),
      SecurityGroups: z.array(z.string()).max(5).optional(),
      Subnets: z.array(z.string()).min(1).max(16),
    }),
  }),
  Overrides: z.strictObject({
    ContainerOverrides: z
      .array(
        z.strictObject({
          Name: z.string(),
          Environment: z.array(z.strictObject({ Name: z.string(), Value: z.string() })),
        }),
      )
      .length(1),
  }),
});

export function startContainers(options: ContainersOptions): Containers {
  const running = new Map<ChildProcess, Container>();
  let stopped = false;
  return {
    runTask: async (given) => {
      if (stopped) return refused("ServerException", "the local ECS was stopped");
      const parsed = request.safeParse(given);
      if (!parsed.success) return refused("InvalidParameterException", z.prettifyError(parsed.error));
      const { Overrides, Cluster, TaskDefinition } = parsed.data;
      if (JSON.stringify(Overrides).length > OVERRIDES_LIMIT)
        return refused(
          "InvalidParameterException",
          `Container Overrides length must be at most ${OVERRIDES_LIMIT}`,
        );
      const variables = Object.fromEntries(
        (Overrides.ContainerOverrides[0]?.Environment ?? []).map(({ Name, Value }) => [Name, Value]),
      );
      const child = startProcess(options, variables);
      const { pid } = child;
      // Why is told as an error: the machine had no room for another process.
      child.on("error", (error) => options.onLog?.(error.message));
      if (pid === undefined) return failed("RESOURCE:MEMORY", Cluster);
      const container: Container = {
        step: variables.REHEARSAL_STEP ?? "",
        pid,
        stop: () => {
          child.kill("SIGTERM");
          setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT).unref();
        },
      };
      running.set(child, container);
      child.on("exit", (code, signal) => {
        container.exit = { code, signal };
        running.delete(child);
      });
      const task = {
        TaskArn: `arn:aws:ecs:us-east-1:000000000000:task/${Cluster}/${randomUUID().replaceAll("-", "")}`,
        TaskDefinitionArn: TaskDefinition,
        ClusterArn: Cluster,
        ...{ LastStatus: "PROVISIONING", DesiredStatus: "RUNNING", LaunchType: "FARGATE" },
        Overrides,
      };
      return { result: { Failures: [], Tasks: [task] } };
    },
    running: () => [...running.values()],
    stop: async () => {
      stopped = true;
      const ending = [...running.keys()].map(
        (child) => new Promise((resolve) => child.once("exit", resolve)),
      );
      for (const child of running.keys()) child.kill("SIGKILL");
      await Promise.all(ending);
    },
  };
}

/** What the image's entry runs: of the bundles that are deployed, or of the sources. */
export function entryOf(bundles: string | undefined): URL {
  if (bundles !== undefined) return pathToFileURL(join(bundles, "container/main.mjs"));
  return new URL("../../functions/container/main.ts", import.meta.url);
}

/** What RunTask throws reaches the machine as an error of ECS. */
function refused(exception: string, Cause: string): RunTaskResult {
  return { fault: { Error: `ECS.${exception}`, Cause } };
}

/** What it answers with failures, under a task token, as this one: https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html */
function failed(Reason: string, Arn: string): RunTaskResult {
  const Cause = JSON.stringify({ Failures: [{ Arn, Reason }], Tasks: [] });
  return { fault: { Error: "AmazonECS.Unknown", Cause } };
}

function startProcess(options: ContainersOptions, overrides: Record<string, string>): ChildProcess {
  const preloads = [
    new URL("./with-its-host.ts", import.meta.url),
    ...(options.preload ? [options.preload] : []),
  ];
  const child = spawn(
    process.execPath,
    [...preloads.flatMap(({ href }) => ["--import", href]), fileURLToPath(options.entry)],
    {
      env: {
        PATH: process.env.PATH ?? "",
        LANG: "C.UTF-8",
        // As a function, it has no home whose profile the SDK could read.
        AWS_CONFIG_FILE: devNull,
        AWS_SHARED_CREDENTIALS_FILE: devNull,
        AWS_EXECUTION_ENV: "AWS_ECS_FARGATE",
        NODE_COMPILE_CACHE: COMPILE_CACHE,
        ...options.environment,
        ...overrides,
      },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    },
  );
  // A container that still works keeps nobody alive but itself.
  child.unref();
  child.channel?.unref();
  const tell = options.onLog ?? ((line: string) => void process.stderr.write(`${line}\n`));
  for (const stream of [child.stdout, child.stderr])
    if (stream !== null) createInterface({ input: stream }).on("line", tell);
  return child;
}
