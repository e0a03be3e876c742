/** What happens tells the functions that have to hear of it: executions that ended badly, and what people are to be told. */
import { NOTICE_EVENTS } from "../core/notice.ts";
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

/** The bus that the outbox is told on, for our rules and for those of whoever wants to hear. */
export function createEvents(
  { deployment: d }: Place,
  functions: Record<FunctionName, DeployedFunction>,
): aws.cloudwatch.EventBus {
  const bus = new aws.cloudwatch.EventBus("Bus", { name: busName(d) });
  // Step Functions tells the account's own bus.
  createRule(d, "execution-ended", undefined, functions.reconcile, {
    source: ["aws.states"],
    "detail-type": ["Step Functions Execution Status Change"],
    detail: {
      status: ["FAILED", "TIMED_OUT", "ABORTED"],
      stateMachineArn: (Object.keys(DEFINITIONS) as MachineName[]).map((name) => machineArn(d, name)),
    },
  });
  createRule(d, "people-to-tell", bus, functions.notify, {
    source: ["rehearsal"],
    "detail-type": [...NOTICE_EVENTS],
  });
  return bus;
}

function createRule(
  d: Place["deployment"],
  name: "execution-ended" | "people-to-tell",
  bus: aws.cloudwatch.EventBus | undefined,
  { function: handler, alias }: DeployedFunction,
  pattern: object,
): void {
  const id = name === "execution-ended" ? "ExecutionEnded" : "PeopleToTell";
  const on = bus && { eventBusName: bus.name };
  const rule = new aws.cloudwatch.EventRule(`${id}Rule`, {
    ...{ name: `${prefix(d)}-${name}`, ...on, eventPattern: JSON.stringify(pattern) },
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
