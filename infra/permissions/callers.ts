/** Rights of those who call functions: the state machines, the schedules, and ECS, which fetches and starts the container. */
import type { StateMachine } from "../../workflows/asl.ts";
import { functionsOf } from "../../workflows/binding.ts";
import { promotionDefinition, rollbackDefinition } from "../../workflows/promotion.asl.ts";
import { pruneDefinition } from "../../workflows/prune.asl.ts";
import { taskDefinition } from "../../workflows/task.asl.ts";
import {
  clusterArn,
  deadLetterQueueArn,
  type FunctionName,
  functionAliasArn,
  functionVersionArns,
  type MachineName,
  roleArn,
  taskDefinitionArns,
} from "../deployment.ts";
import { sealsMessages } from "./runtime.ts";
import { allow, allowAny, type Grant, grant } from "./statement.ts";

const DEFINITIONS: Record<MachineName, StateMachine> = {
  promotion: promotionDefinition(),
  rollback: rollbackDefinition(),
  task: taskDefinition(),
  prune: pruneDefinition(),
  "promotion-fargate": promotionDefinition({ compute: "fargate" }),
  "rollback-fargate": rollbackDefinition({ compute: "fargate" }),
  "task-fargate": taskDefinition({ compute: "fargate" }),
};

/** Calls the functions that its definition names and no others; which version, only the published definition knows. */
export function callsItsFunctions(machine: MachineName): Grant {
  return grant("call the functions that its definition names", (d) => [
    allow(
      "CallFunctions",
      ["lambda:InvokeFunction"],
      functionsOf(DEFINITIONS[machine]).map((name) => functionVersionArns(d, name)),
    ),
  ]);
}

/** Runs the one container, in the one cluster, with the two roles that it has. */
export const runsContainer: Grant = grant("run the container in the deployment's cluster", (d) => [
  allow("RunContainer", ["ecs:RunTask"], [taskDefinitionArns(d)], {
    ArnEquals: { "ecs:cluster": clusterArn(d) },
  }),
  allow(
    "LendRolesToContainer",
    ["iam:PassRole"],
    [roleArn(d, "container"), roleArn(d, "container-execution")],
    {
      StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" },
    },
  ),
]);

/** Writes the executions' log: by a delivery, for which CloudWatch Logs knows no resource. */
export const deliversLogs: Grant = grant("have its executions' log delivered", () => [
  allow(
    "DeliverLog",
    [
      "logs:CreateLogDelivery",
      "logs:GetLogDelivery",
      "logs:UpdateLogDelivery",
      "logs:DeleteLogDelivery",
      "logs:ListLogDeliveries",
      "logs:PutResourcePolicy",
      "logs:DescribeResourcePolicies",
      "logs:DescribeLogGroups",
    ],
    ["*"],
  ),
]);

/** Traces of machines are sampled by X-Ray's rules. */
export const samplesTraces: Grant = grant("send traces, as X-Ray samples them", () => [
  allow(
    "Trace",
    ["xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"],
    ["*"],
  ),
]);

/** Calls what is live of functions, by the clock; what they could not take goes to the queue of the dead. */
export function calls(...names: FunctionName[]): Grant {
  return grant(
    `call ${names.map((name) => `\`${name}\``).join(", ")}, and keep what cannot be taken`,
    (d) => [
      allow(
        "CallFunctions",
        ["lambda:InvokeFunction"],
        names.map((name) => functionAliasArn(d, name)),
      ),
      allow("LeaveDeadLetters", ["sqs:SendMessage"], [deadLetterQueueArn(d)]),
      sealsMessages(d),
    ],
  );
}

/** Fetches the container's image from its one repository. */
export const fetchesImage: Grant = grant("fetch the container's image", (_, { imageRepository }) => [
  ...allowAny(
    "FetchImage",
    ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    imageRepository === null ? [] : [imageRepository],
  ),
  ...(imageRepository === null ? [] : [allow("SignInToRegistry", ["ecr:GetAuthorizationToken"], ["*"])]),
]);
