/** Rights on state machines and executions, and on the function that looks for others. */
import { LIVE } from "../../workflows/binding.ts";
import {
  type Deployment,
  executionArns,
  type FunctionName,
  functionAliasArn,
  type MachineName,
  machineArn,
} from "../deployment.ts";
import { allow, type Grant, grant, sidOf } from "./statement.ts";

/** The machines that a job may run on: in functions, or with its long steps in the container. */
const KINDS = {
  promotions: ["promotion", "promotion-fargate"],
  rollbacks: ["rollback", "rollback-fargate"],
  tasks: ["task", "task-fargate"],
  prunes: ["prune"],
} as const satisfies Record<string, readonly MachineName[]>;

type Kind = keyof typeof KINDS;

/** Starts executions, on the version that is live and on no other; one that was started before is found by its name. */
export function starts(...kinds: Kind[]): Grant {
  return grant(`start ${kinds.join(", ")}`, (d) => [
    // IAM is asked about the machine's own ARN, whichever alias the call names; which one it is, is the qualifier.
    allow(`Start${sidOf(kinds.join(" "))}`, ["states:StartExecution"], machines(d, kinds), {
      "ForAnyValue:StringEquals": { "states:StateMachineQualifier": LIVE },
    }),
    allow(`Find${sidOf(kinds.join(" "))}`, ["states:DescribeExecution"], executions(d, kinds)),
  ]);
}

/** Looks whether the machines are there. */
export const looksAtMachines: Grant = grant("look whether the machines are there", (d) => [
  allow(
    "LookAtMachines",
    ["states:DescribeStateMachine"],
    machines(d, ["promotions", "rollbacks", "tasks", "prunes"]),
  ),
]);

/**
 * Answers a promotion that waits for a decision. AWS knows no resource for this: whoever may answer may answer any task whose
 * token it has, and so it is granted to nobody who can read an environment's credentials.
 */
export const answersDecisions: Grant = grant("answer a promotion that waits for a decision", () => [
  allow("AnswerDecisions", ["states:SendTaskSuccess", "states:SendTaskFailure"], ["*"]),
]);

/** Says yes in the policy's name. */
export const answersByPolicy: Grant = grant("answer for the policy that nobody has to be asked", () => [
  allow("AnswerByPolicy", ["states:SendTaskSuccess"], ["*"]),
]);

/** Hands on how a step ended that ran in the container; it turns away what is a decision's, and has no credentials either. */
export const answersForContainer: Grant = grant("hand on how a step in the container ended", () => [
  allow("AnswerForContainer", ["states:SendTaskSuccess", "states:SendTaskFailure"], ["*"]),
]);

/** Tells the machine that it lives, which answers nothing. */
export const beats: Grant = grant("tell the machine that it is alive", () => [
  allow("Beat", ["states:SendTaskHeartbeat"], ["*"]),
]);

/** Calls what is live of another function, and waits for its answer. */
export function invokes(...names: FunctionName[]): Grant {
  return grant(`call ${names.map((name) => `\`${name}\``).join(", ")}`, (d) => [
    allow(
      `Invoke${sidOf(names.join(" "))}`,
      ["lambda:InvokeFunction"],
      names.map((name) => functionAliasArn(d, name)),
    ),
  ]);
}

function machines(d: Deployment, kinds: readonly Kind[]): string[] {
  return kinds.flatMap((kind) => KINDS[kind].map((name) => machineArn(d, name)));
}

function executions(d: Deployment, kinds: readonly Kind[]): string[] {
  return kinds.flatMap((kind) => KINDS[kind].map((name) => executionArns(d, name)));
}
