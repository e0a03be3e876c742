/** What AWS asks of whoever sends a request to one of the other services, from the request as the SDK sends it. */
import type { Right } from "./iam.ts";
import {
  deployedBus,
  deployedExecution,
  deployedFunction,
  deployedIdentity,
  deployedMachine,
  deployedParameter,
  deployedSecret,
  keyRight,
} from "./place.ts";

type Input = Record<string, unknown>;

/** By `x-amz-target`. The services of the JSON protocol name each operation there. */
const OPERATIONS: Record<string, (input: Input) => Right[]> = {
  "AWSStepFunctions.StartExecution": (input) => {
    const { arn, qualifier } = deployedMachine(text(input.stateMachineArn));
    return [right("states:StartExecution", arn, { "states:StateMachineQualifier": [qualifier] })];
  },
  "AWSStepFunctions.DescribeStateMachine": (input) => [
    right("states:DescribeStateMachine", deployedMachine(text(input.stateMachineArn)).arn),
  ],
  "AWSStepFunctions.DescribeExecution": (input) => [
    right("states:DescribeExecution", deployedExecution(text(input.executionArn))),
  ],
  "AWSStepFunctions.StopExecution": (input) => [
    right("states:StopExecution", deployedExecution(text(input.executionArn))),
  ],
  "AWSStepFunctions.SendTaskSuccess": () => [right("states:SendTaskSuccess", "*")],
  "AWSStepFunctions.SendTaskFailure": () => [right("states:SendTaskFailure", "*")],
  "AWSStepFunctions.SendTaskHeartbeat": () => [right("states:SendTaskHeartbeat", "*")],
  "secretsmanager.GetSecretValue": (input) => secret("GetSecretValue", input.SecretId, "kms:Decrypt"),
  "secretsmanager.CreateSecret": (input) =>
    secret("CreateSecret", input.Name, "kms:GenerateDataKey", "kms:Decrypt"),
  "secretsmanager.PutSecretValue": (input) =>
    secret("PutSecretValue", input.SecretId, "kms:GenerateDataKey", "kms:Decrypt"),
  "secretsmanager.DescribeSecret": (input) => secret("DescribeSecret", input.SecretId),
  "secretsmanager.DeleteSecret": (input) => secret("DeleteSecret", input.SecretId),
  "AmazonSSM.GetParameters": (input) =>
    (input.Names as string[]).map((name) => right("ssm:GetParameters", deployedParameter(name))),
  "AmazonSSM.GetParametersByPath": (input) => [
    right("ssm:GetParametersByPath", deployedParameter(text(input.Path))),
  ],
  "AWSEvents.PutEvents": (input) => [
    right("events:PutEvents", deployedBus(), {
      "events:source": (input.Entries as { Source: string }[]).map(({ Source }) => Source),
    }),
  ],
};

/** Throws for an operation that no function of ours is known to call. */
export function jsonRights(target: string, input: Input): Right[] {
  const rights = OPERATIONS[target];
  if (rights === undefined) throw new Error(`what AWS asks for ${target} is not known here`);
  return rights(input);
}

/** Of the two services that speak REST: mails, and calls of functions. */
export function restRights(path: string): Right[] {
  if (path === "/v2/email/outbound-emails") {
    const { arn, from } = deployedIdentity();
    return [right("ses:SendEmail", arn, { "ses:FromAddress": from })];
  }
  const [, called] = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(path) ?? [];
  if (called === undefined) throw new Error(`what AWS asks for ${path} is not known here`);
  return [right("lambda:InvokeFunction", deployedFunction(decodeURIComponent(called)))];
}

function secret(operation: string, id: unknown, ...keyActions: string[]): Right[] {
  const arn = deployedSecret(text(id));
  return [
    right(`secretsmanager:${operation}`, arn),
    // Secrets of others are under keys of others.
    ...(arn.includes(":secret:rehearsal/") ? keyActions : []).map((action) =>
      keyRight(action, "secretsmanager", arn),
    ),
  ];
}

function right(action: string, resource: string, context: Right["context"] = {}): Right {
  return { action, resource, context };
}

function text(value: unknown): string {
  if (typeof value !== "string") throw new Error("the request names nothing");
  return value;
}
