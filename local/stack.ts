/** The whole service on this machine: the functions as they are, AWS stood in for on loopback, and a control database. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Json } from "../core/canonical-json.ts";
import type { DatabaseAddress } from "../core/database-url.ts";
import { ensureWrappingKey } from "../functions/configuration.ts";
import { openSecrets } from "../io/secrets.ts";
import { CLOCK, CLOCK_FUNCTIONS, type ClockFunction, RULES } from "../workflows/calls.ts";
import type { FunctionName } from "../workflows/modules.ts";
import type { Principal } from "./api-gateway/iam.ts";
import { ensureBucket } from "./artifacts.ts";
import { type LocalKeys, prepareControl } from "./control-database.ts";
import { type Containers, entryOf, startContainers } from "./ecs/containers.ts";
import { startEventBridge } from "./event-bridge.ts";
import { functionSources, type OwnLimits, publishBundles } from "./functions.ts";
import { startInvokeEndpoint } from "./lambda/invoke.ts";
import { openPublished } from "./lambda/published.ts";
import { type LambdaRunner, startLambdaRunner } from "./lambda/runner.ts";
import { putMachines } from "./machines.ts";
import { startParameterStore } from "./parameter-store.ts";
import { LOCAL_CREDENTIALS, startS3 } from "./s3/server.ts";
import { startEmbedded, startGateway } from "./same-port.ts";
import { startSecretsManager } from "./secrets-manager.ts";
import { startSes } from "./ses.ts";
import { startStepFunctions } from "./step-functions/index.ts";
import { startSts } from "./sts.ts";

export interface StackOptions {
  /** Where everything is kept; a stack that ran there before goes on, its running promotions as well. */
  folder: string;
  /** A server to use instead of an embedded one; the control database is made on it. */
  server?: DatabaseAddress;
  /** The control database's name. */
  controlDatabase?: string;
  /** True writes through to the disk and survives a loss of power, not only of the process. */
  durable?: boolean;
  /** A module loaded in every sandbox: tests listen there for milestones. */
  preload?: URL;
  /** Told every line a function logs. */
  onLog?: (line: string) => void;
  /** Seconds between runs of the reconciler, and of whatever else mends. */
  reconcileSeconds?: number;
  /** Seconds between runs of what is done by the hour: the sweep, looks for drift, expiry, the audit. */
  hourlySeconds?: number;
  /** Seconds between looks for notices that did not arrive the first time. */
  notifySeconds?: number;
  /** More variables for the functions. */
  environment?: Record<string, string>;
  /** Other limits than a deployment gives, by the function's name. */
  limits?: OwnLimits;
  /** What `npm run build` made: it is published and run, as processes under the Runtime API, instead of the sources. */
  bundles?: string;
  /** The file of another runtime for the bundles than ours: AWS's own client is one. */
  runtime?: string;
  /** The module that a container runs; that of the bundles, or else of the sources, when left out. */
  container?: URL;
  /** Seconds without a word after which a container counts as dead, where a deployment has five minutes. */
  heartbeatSeconds?: number;
  /** Stands around every invocation: tests lose replies there, and deliver one twice. */
  around?: (invoke: LambdaRunner["invoke"]) => LambdaRunner["invoke"];
}

export interface Stack {
  /** The service's address. */
  url: string;
  /** Two people's keys, so that four eyes can be tried. */
  keys: LocalKeys;
  /** The Postgres server that the control database is on. */
  server: DatabaseAddress;
  endpoints: {
    s3: string;
    stepFunctions: string;
    eventBridge: string;
    secretsManager: string;
    parameterStore: string;
    ses: string;
    sts: string;
    lambda: string;
  };
  /** Where mails are kept, a file each, instead of being sent. */
  mails: string;
  /** What the functions run with: another process with these variables speaks to the same services. */
  variables: Record<string, string>;
  lambda: LambdaRunner;
  containers: Containers;
  /** Publishes other bundles, and machines that call them; what runs goes on with those that it began with. */
  deploy(bundles: string): Promise<void>;
  stop(): Promise<void>;
}

const BUCKET = "rehearsal-artifacts";

/** Who may sign requests on this machine: the functions' own user, and a session of a role; both are nobody until mapped. */
const LOCAL_PRINCIPALS: readonly Principal[] = [
  { ...LOCAL_CREDENTIALS, userArn: "arn:aws:iam::000000000000:user/rehearsal-local" },
  {
    accessKeyId: "rehearsal-local-role",
    secretAccessKey: "rehearsal-local-role-secret",
    sessionToken: "rehearsal-local-session",
    userArn: "arn:aws:sts::000000000000:assumed-role/rehearsal-deploy/session",
  },
];

export async function startStack(options: StackOptions): Promise<Stack> {
  const at = (name: string) => join(options.folder, name);
  await mkdir(options.folder, { recursive: true });
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) await end();
  };
  try {
    const embedded =
      options.server === undefined ? await startEmbedded(at("postgres"), options.durable) : undefined;
    if (embedded) stops.push(embedded.stop);
    const server = options.server ?? embedded?.address;
    if (server === undefined) throw new Error("there is no server");
    const s3 = await startS3({ folder: at("s3"), durable: options.durable ?? false });
    stops.push(s3.stop);
    const secretsManager = await startSecretsManager({ folder: at("secrets") });
    stops.push(secretsManager.stop);
    const parameterStore = await startParameterStore({ folder: at("parameters") });
    stops.push(parameterStore.stop);
    const mails = at("mails");
    const ses = await startSes({ folder: mails });
    stops.push(ses.stop);
    // Nobody's roles: a machine of its own has no other accounts, and must not go looking for them outside.
    const sts = await startSts({ roles: [], callers: LOCAL_PRINCIPALS });
    stops.push(sts.stop);

    // The engine and the bus start what was left undone at once, so they wait until the functions are there.
    const runner = Promise.withResolvers<LambdaRunner>();
    const direct: LambdaRunner["invoke"] = async (...call) => (await runner.promise).invoke(...call);
    const invoke = options.around?.(direct) ?? direct;
    const containers = Promise.withResolvers<Containers>();
    const call = async (name: FunctionName, event: Json) => {
      const result = await invoke(name, event);
      if ("error" in result)
        throw new Error(`${name}: ${result.error.errorType}: ${result.error.errorMessage}`);
    };
    const bus = await startEventBridge({
      folder: at("event-bridge"),
      fsync: options.durable ?? false,
      rules: RULES.map(({ name, pattern, calls }) => ({
        ...{ name, pattern },
        target: (event) => call(calls, { ...event }),
      })),
    });
    stops.push(bus.stop);
    const stepFunctions = await startStepFunctions({
      folder: at("step-functions"),
      fsync: options.durable ?? false,
      invoke,
      runTask: async (taskArguments) => (await containers.promise).runTask(taskArguments),
      onEvent: (event) => bus.deliver(event),
    });
    stops.push(stepFunctions.stop);
    const functions = await startInvokeEndpoint(invoke);
    stops.push(functions.stop);

    const endpoints = {
      s3: s3.url,
      stepFunctions: stepFunctions.url,
      eventBridge: bus.url,
      secretsManager: secretsManager.url,
      parameterStore: parameterStore.url,
      ses: ses.url,
      sts: sts.url,
      lambda: functions.url,
    };
    const variables = { ...variablesOf(endpoints, options.onLog !== undefined), ...options.environment };
    // This process speaks to the same services, by the same variables: as an operator's shell would.
    Object.assign(process.env, variables);
    const keys = await prepareControl(server, options.controlDatabase ?? "rehearsal_control", options.folder);
    await ensureBucket(endpoints.s3, BUCKET);
    // By a client of its own: a process may start one stack after another, and each keeps its key.
    await ensureWrappingKey(variables.REHEARSAL_CONFIGURATION_SECRET ?? "", openSecrets());
    const { bundles, limits = {} } = options;
    const published = await openPublished(at("functions"));
    const deploy = async (from: string) => {
      const functionArn = await publishBundles(published, from, limits);
      return putMachines(stepFunctions.url, { ...options, functionArn });
    };
    const machines = bundles === undefined ? putMachines(stepFunctions.url, options) : deploy(bundles);
    Object.assign(variables, await machines);
    // Before the functions, which are told its address; it keeps who asks waiting until they are there.
    const gateway = await startGateway(at("api"), {
      invoke,
      functionName: "api",
      principals: LOCAL_PRINCIPALS,
    });
    variables.REHEARSAL_CONSOLE_URL ??= gateway.url;

    const lambda = startLambdaRunner({
      functions: bundles === undefined ? functionSources(limits) : published,
      processes: bundles !== undefined && (options.runtime ?? true),
      environment: variables,
      ...(options.preload ? { preload: options.preload } : {}),
      ...(options.onLog ? { onLog: options.onLog } : {}),
    });
    stops.push(lambda.stop, gateway.stop);
    runner.resolve(lambda);
    const ecs = startContainers({
      entry: options.container ?? entryOf(bundles),
      environment: variables,
      ...(options.preload ? { preload: options.preload } : {}),
      ...(options.onLog ? { onLog: options.onLog } : {}),
    });
    stops.push(ecs.stop);
    containers.resolve(ecs);
    for (const name of CLOCK_FUNCTIONS)
      stops.push(every(secondsOf(name, options), () => call(name, {}), options.onLog));
    return {
      ...{ url: gateway.url, keys, server, endpoints, variables, mails, lambda, containers: ecs, stop },
      deploy: async (from) => void (await deploy(from)),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function variablesOf(endpoints: Stack["endpoints"], heard: boolean): Record<string, string> {
  return {
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
    AWS_ENDPOINT_URL_S3: endpoints.s3,
    AWS_ENDPOINT_URL_SFN: endpoints.stepFunctions,
    AWS_ENDPOINT_URL_EVENTBRIDGE: endpoints.eventBridge,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoints.secretsManager,
    AWS_ENDPOINT_URL_SSM: endpoints.parameterStore,
    AWS_ENDPOINT_URL_SESV2: endpoints.ses,
    AWS_ENDPOINT_URL_STS: endpoints.sts,
    AWS_ENDPOINT_URL_LAMBDA: endpoints.lambda,
    REHEARSAL_BUCKET: BUCKET,
    REHEARSAL_EVENT_BUS: "rehearsal",
    REHEARSAL_LOOK_FUNCTION: "look",
    REHEARSAL_TASK_FUNCTION: "task",
    REHEARSAL_PRUNE_FUNCTION: "prune",
    REHEARSAL_ANSWER_FUNCTION: "answer",
    REHEARSAL_CONTROL_SECRET: "rehearsal/control-database",
    REHEARSAL_CONFIGURATION_SECRET: "rehearsal/configuration-key",
    // The functions run where the operator's files are, so that policies may name some.
    REHEARSAL_FILES: "here",
    // Stores may lie where it was started, or where its operator says.
    REHEARSAL_STORES: process.env.REHEARSAL_STORES ?? process.env.INIT_CWD ?? process.cwd(),
    // Issuers of tokens may be on it as well, without TLS.
    REHEARSAL_LOCAL_ISSUERS: "yes",
    // So may be what takes webhooks; mails are kept, so anybody may be their sender.
    REHEARSAL_LOCAL_NOTICES: "yes",
    REHEARSAL_EMAIL_FROM: "rehearsal@localhost",
    // Its people share it with nobody whom they could keep waiting.
    REHEARSAL_LIMIT_REQUESTS: "1000000",
    // Its log is read by a person; where nobody listens, it comes to their terminal, which has other things to show.
    REHEARSAL_STAGE: "local",
    REHEARSAL_LOG: "text",
    POWERTOOLS_LOG_LEVEL: heard ? "INFO" : "WARN",
    POWERTOOLS_METRICS_DISABLED: "true",
  };
}

/** Seconds between two calls by the clock. */
function secondsOf(name: ClockFunction, options: StackOptions): number {
  if (name === "notify") return options.notifySeconds ?? 10;
  return CLOCK[name] === "mending" ? (options.reconcileSeconds ?? 60) : (options.hourlySeconds ?? 3_600);
}

/** Runs the work again and again with a pause in between; a failure is told and does not end the clock. */
function every(
  seconds: number,
  work: () => Promise<void>,
  tell: (line: string) => void = (line) => process.stderr.write(`${line}\n`),
) {
  let running: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    running = running.then(work).catch((error: Error) => tell(error.message));
  }, seconds * 1_000);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await running;
  };
}
