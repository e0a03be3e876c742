/** What Lambda, X-Ray and the network ask of every function's own role, whatever its code does. */
import {
  containerLogGroup,
  type Deployment,
  deadLetterQueueArn,
  type FunctionName,
  functionLogGroup,
  keyAlias,
  keyArns,
  logGroupArn,
} from "../deployment.ts";
import { allow, type Grant, grant, type Statement } from "./statement.ts";

/** Writes its own log; the group is made by the deployment. */
export function logsAs(name: FunctionName): Grant {
  return grant("write its own log", (d) => [logsTo(d, functionLogGroup(d, name))]);
}

/** The same of the container, whose log is written for it by its execution role. */
export const logsContainer: Grant = grant("write the container's log", (d) => [
  logsTo(d, containerLogGroup(d)),
]);

/** Sends traces; X-Ray knows no resource for it. */
export const traces: Grant = grant("send traces", () => [
  allow("Trace", ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], ["*"]),
]);

/**
 * Lets Lambda attach the function to the network: by Lambda's own calls, which are the only ones that name no function as their
 * source. The function's code has none of these rights.
 */
export const attaches: Grant = grant("be attached to the network by Lambda", (d, { inNetwork }) =>
  inNetwork
    ? [
        allow(
          "MakeNetworkInterface",
          ["ec2:CreateNetworkInterface"],
          ["network-interface", "subnet", "security-group"].map((kind) => inNetworkOf(d, kind)),
          LAMBDA_ITSELF,
        ),
        allow(
          "UseNetworkInterface",
          ["ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"],
          [inNetworkOf(d, "network-interface")],
          LAMBDA_ITSELF,
        ),
        // Lambda tries the role before it takes it, and its guide asks for every id of every kind:
        // https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
        allow("RemoveNetworkInterface", ["ec2:DeleteNetworkInterface"], [inNetworkOf(d, "*")], LAMBDA_ITSELF),
        allow(
          "LookAtNetwork",
          ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"],
          ["*"],
          LAMBDA_ITSELF,
        ),
      ]
    : [],
);

/** Hands an event that it could not take, after its retries, to the queue of the dead. */
export const leavesDeadLetters: Grant = grant(
  "leave events that it could not take in the dead-letter queue",
  (d) => [allow("LeaveDeadLetters", ["sqs:SendMessage"], [deadLetterQueueArn(d)]), sealsMessages(d)],
);

/** The key of the queue, used by SQS for this queue and for nothing else. */
export function sealsMessages(d: Deployment): Statement {
  return allow("SealDeadLetters", ["kms:GenerateDataKey", "kms:Decrypt"], [keyArns(d)], {
    "ForAnyValue:StringEquals": { "kms:ResourceAliases": keyAlias(d) },
    StringEquals: {
      "kms:ViaService": `sqs.${d.region}.amazonaws.com`,
      "kms:EncryptionContext:aws:sqs:arn": deadLetterQueueArn(d),
    },
  });
}

/** https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html */
const LAMBDA_ITSELF = { Null: { "lambda:SourceFunctionArn": "true" } };

function inNetworkOf(d: Deployment, kind: string): string {
  return `arn:${d.partition}:ec2:${d.region}:${d.account}:${kind}/*`;
}

function logsTo(d: Deployment, group: string): Statement {
  return allow("LogItself", ["logs:CreateLogStream", "logs:PutLogEvents"], [logGroupArn(d, group)]);
}
