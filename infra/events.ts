/** What happens tells the functions that have to hear of it, by the rules of `workflows/calls.ts`. */
import { type EventRule, RULES } from "../workflows/calls.ts";
import {
  busName,
  deadLetterQueueArn,
  type FunctionName,
  type MachineName,
  machineArn,
  prefix,
} from "./deployment.ts";
import type { DeployedFunction } from "./functions.ts";
import { DEFINITIONS } from "./machines.ts";
import type { Place } from "./place.ts";
import { idOf } from "./roles.ts";

/** The bus that the outbox is told on, for our rules and for those of whoever wants to hear. */
export function createEvents(
  { deployment: d }: Place,
  functions: Record<FunctionName, DeployedFunction>,
): aws.cloudwatch.EventBus {
  const bus = new aws.cloudwatch.EventBus("Bus", { name: busName(d) });
  for (const rule of RULES) createRule(d, rule, bus, functions[rule.calls]);
  return bus;
}

function createRule(
  d: Place["deployment"],
  { name, bus, pattern }: EventRule,
  own: aws.cloudwatch.EventBus,
  { function: handler, alias }: DeployedFunction,
): void {
  const id = idOf(name);
  const on = bus === "own" ? { eventBusName: own.name } : {};
  const eventPattern = bus === "own" ? pattern : { ...pattern, detail: { ...pattern.detail, ...ours(d) } };
  const rule = new aws.cloudwatch.EventRule(`${id}Rule`, {
    ...{ name: `${prefix(d)}-${name}`, ...on, eventPattern: JSON.stringify(eventPattern) },
  });
  const permission = new aws.lambda.Permission(`${id}Permission`, {
    ...{ action: "lambda:InvokeFunction", principal: "events.amazonaws.com" },
    ...{ function: handler.name, qualifier: alias.name, sourceArn: rule.arn },
  });
  new aws.cloudwatch.EventTarget(
    `${id}Target`,
    {
      ...{ rule: rule.name, ...on, arn: alias.arn },
      retryPolicy: { maximumRetryAttempts: 8, maximumEventAgeInSeconds: 3_600 },
      deadLetterConfig: { arn: deadLetterQueueArn(d) },
    },
    { dependsOn: [permission] },
  );
}

/** The account's bus tells of everybody's executions. */
function ours(d: Place["deployment"]) {
  return { stateMachineArn: (Object.keys(DEFINITIONS) as MachineName[]).map((name) => machineArn(d, name)) };
}
