/** Step Functions on this machine: AWS's API on loopback over an engine that journals every state and survives kill -9. */
import { type Endpoint, serveAwsJson } from "../aws-json.ts";
import { type Clock, systemClock } from "./clock.ts";
import { Engine } from "./engine.ts";
import { operationsOf } from "./operations.ts";
import type { StatusChange } from "./status-change.ts";
import type { Invoke, RunTask } from "./world.ts";

export type { StatusChange } from "./status-change.ts";
export type { Invoke, LambdaError, RunTask } from "./world.ts";

export interface StepFunctionsOptions {
  /** Where machines and journals are kept; an earlier run's are gone on with. */
  folder: string;
  /** The Lambda runner. Its signal fires only when the endpoint stops: AWS cancels no invocation either. */
  invoke: Invoke;
  /** ECS; without it no container is there to run. */
  runTask?: RunTask;
  /** Told of every status change, at least once and in order. */
  onEvent?: (event: StatusChange) => void | Promise<void>;
  /** 0 or none takes a free one. */
  port?: number;
  /** Survive a loss of power, not only of the process. */
  fsync?: boolean;
  clock?: Clock;
  /** The jitter's source, at least 0 and less than 1. */
  random?: () => number;
}

/** Starts the endpoint; executions that were running when the last one ended run on from where they were. */
export async function startStepFunctions(options: StepFunctionsOptions): Promise<Endpoint> {
  const region = "us-east-1";
  const stopping = new AbortController();
  const clock = options.clock ?? systemClock;
  const engine = new Engine({
    folder: options.folder,
    fsync: options.fsync ?? false,
    onEvent: options.onEvent ?? (() => undefined),
    world: {
      clock,
      region,
      random: options.random ?? Math.random,
      invoke: options.invoke,
      runTask: options.runTask ?? noContainers,
      stopping: stopping.signal,
    },
  });
  const operations = operationsOf(engine, region, clock.now);
  const endpoint = await serveAwsJson(
    { target: "AWSStepFunctions", version: "1.0", operations },
    options.port,
  );
  // Later, so that our caller knows the address before a function that it runs asks for it.
  setImmediate(() => {
    if (!stopping.signal.aborted) engine.goOn();
  });
  return {
    url: endpoint.url,
    stop: async () => {
      await endpoint.stop();
      stopping.abort();
      await engine.stop();
    },
  };
}

const noContainers: RunTask = async () => ({
  fault: { Error: "ECS.ClusterNotFoundException", Cause: "Cluster not found." },
});
