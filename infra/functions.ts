/** One Lambda per function, each with a role that is its own and a log group that is there before it. */

import { LIVE } from "../workflows/binding.ts";
import { CLOCK_FUNCTIONS, RULES } from "../workflows/calls.ts";
import { FUNCTION_NAMES, LIMITS } from "../workflows/modules.ts";
import type { ControlDatabase } from "./control-database.ts";
import { type FunctionName, functionLogGroup, functionNameOf } from "./deployment.ts";
import type { Network } from "./network.ts";
import type { Place } from "./place.ts";
import { createRole, idOf } from "./roles.ts";
import { variablesOf } from "./variables.ts";

export interface DeployedFunction {
  function: aws.lambda.Function;
  /** `live`: what the gateway, the clock, the bus and other functions call. Machines name versions. */
  alias: aws.lambda.Alias;
}

/** Called without anybody who waits for the answer. */
const UNATTENDED: ReadonlySet<FunctionName> = new Set<FunctionName>([
  ...CLOCK_FUNCTIONS,
  ...RULES.map((rule) => rule.calls),
]);

export interface FunctionsOptions {
  network: Network | undefined;
  control: ControlDatabase;
  /** What nobody could take is left there. */
  deadLetters: aws.sqs.Queue;
  /** Where people open the console. */
  consoleUrl: $util.Input<string>;
}

/** Every function of `workflows/functions.ts`: `prepare`, and the others, of which none is live until `prepared` is done. */
export function createFunctions(
  place: Place,
  options: FunctionsOptions,
  { prepare, prepared }: { prepare: DeployedFunction; prepared: $util.Resource },
): Record<FunctionName, DeployedFunction> {
  const others = FUNCTION_NAMES.filter((name) => name !== "prepare");
  return Object.fromEntries([
    ["prepare", prepare],
    ...others.map((name) => [name, createFunction(place, name, options, prepared)]),
  ]) as Record<FunctionName, DeployedFunction>;
}

/** One of them, from the bundle that `npm run build` leaves in `dist/functions/`; what is live of it changes after `prepared`. */
export function createFunction(
  place: Place,
  name: FunctionName,
  { network, control, deadLetters, consoleUrl }: FunctionsOptions,
  prepared?: $util.Resource,
): DeployedFunction {
  const { deployment: d, settings } = place;
  const id = idOf(name);
  const logs = new aws.cloudwatch.LogGroup(`${id}Logs`, {
    ...{ name: functionLogGroup(d, name), retentionInDays: settings.logDays },
  });
  const { role, policy } = createRole(place, name, control);
  const kept = concurrencyOf(name, settings.concurrency);
  const made = new aws.lambda.Function(
    `${id}Function`,
    {
      name: functionNameOf(d, name),
      role: role.arn,
      code: new $util.asset.FileArchive(`dist/functions/${name}`),
      ...{ handler: "main.handler", runtime: "nodejs24.x", architectures: ["arm64"] },
      ...{ timeout: LIMITS[name].timeoutSeconds, memorySize: LIMITS[name].memoryMb },
      // What is read and written goes through memory, in pieces; the least that there is does.
      ephemeralStorage: { size: 512 },
      environment: { variables: variablesOf(place, name, control, consoleUrl) },
      loggingConfig: {
        logFormat: "JSON",
        logGroup: logs.name,
        applicationLogLevel: "INFO",
        systemLogLevel: "WARN",
      },
      tracingConfig: { mode: "Active" },
      ...(network && {
        vpcConfig: { subnetIds: network.subnets, securityGroupIds: [network.functions.id] },
      }),
      ...(kept !== undefined && { reservedConcurrentExecutions: kept }),
      // A version for each deployment that changes something: what is under way stays on those it began with.
      publish: true,
    },
    { dependsOn: [policy] },
  );
  const alias = new aws.lambda.Alias(
    `${id}Alias`,
    { name: LIVE, functionName: made.name, functionVersion: made.version },
    { dependsOn: prepared === undefined ? [] : [prepared] },
  );
  if (UNATTENDED.has(name))
    new aws.lambda.FunctionEventInvokeConfig(`${id}Unattended`, {
      functionName: made.name,
      qualifier: alias.name,
      ...{ maximumRetryAttempts: 2, maximumEventAgeInSeconds: 3_600 },
      destinationConfig: { onFailure: { destination: deadLetters.arn } },
    });
  return { function: made, alias };
}

/** Kept apart only where the settings say so: a new account's quota leaves nothing to keep. */
function concurrencyOf(
  name: FunctionName,
  { api, clock }: Place["settings"]["concurrency"],
): number | undefined {
  if (name === "api") return api;
  return UNATTENDED.has(name) ? clock : undefined;
}
