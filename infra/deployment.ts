/** What everything in AWS is called, told from the deployment alone: a function can be told its machine, and a machine its functions, before either is there. */
import { LIVE } from "../workflows/binding.ts";
import type { FunctionName } from "../workflows/modules.ts";

/** Where one copy of the service stands: a stage of it, in one account and one region. */
export interface Deployment {
  app: "rehearsal";
  /** At most 13 characters, so that a role's name fits into 64 and the bucket's into 63: `stageName` of settings.ts parses it. */
  stage: string;
  /** `aws`, `aws-cn`, `aws-us-gov`. */
  partition: string;
  region: string;
  /** Twelve digits. */
  account: string;
}

export type { FunctionName };

/** The state machines of `workflows/`; a twin with `-fargate` runs its long steps in the container. */
export type MachineName =
  | "promotion"
  | "rollback"
  | "task"
  | "prune"
  | "promotion-fargate"
  | "rollback-fargate"
  | "task-fargate";

/** What a secret is for. The first three are one secret each; the others are one per environment or destination. */
export type SecretUse =
  | "control-database"
  | "configuration-key"
  | "first-key"
  | "environments"
  | "copies"
  | "destinations";

/** Who runs with a role of its own: a function, a machine, or what calls them. */
export type RoleName =
  | FunctionName
  | `machine-${MachineName}`
  | "container"
  | "container-execution"
  | "schedules";

/** `rehearsal-<stage>`: the bus, the cluster, the group of schedules, and the beginning of every other name. */
export function prefix(d: Deployment): string {
  return `${d.app}-${d.stage}`;
}

export function functionNameOf(d: Deployment, name: FunctionName): string {
  return `${prefix(d)}-${name}`;
}

/** Unqualified: what a policy names together with `functionVersionArns`. */
export function functionArn(d: Deployment, name: FunctionName): string {
  return arn(d, "lambda", `function:${functionNameOf(d, name)}`);
}

/** What is deployed of the function now: the gateway, the clock, the bus and other functions call it so. */
export function functionAliasArn(d: Deployment, name: FunctionName): string {
  return `${functionArn(d, name)}:${LIVE}`;
}

/** Every version of the function: a promotion that is under way calls those that were live when it began. */
export function functionVersionArns(d: Deployment, name: FunctionName): string {
  return `${functionArn(d, name)}:*`;
}

/** The function's name in what the machine of this deployment calls: `arn:…:function:rehearsal-prod-admit:7` is `admit`. */
export function functionOfArn(d: Deployment, qualified: string): string | undefined {
  const [, name] = new RegExp(`:function:${prefix(d)}-([a-z-]+)(?::\\d+)?$`).exec(qualified) ?? [];
  return name;
}

/** Roles are global to an account, so the region is part of the name; at most 64 characters. */
export function roleName(d: Deployment, name: RoleName): string {
  return `${prefix(d)}-${name}-${d.region}`;
}

export function roleArn(d: Deployment, name: RoleName): string {
  return `arn:${d.partition}:iam::${d.account}:role/${roleName(d, name)}`;
}

export function machineNameOf(d: Deployment, name: MachineName): string {
  return `${prefix(d)}-${name}`;
}

export function machineArn(d: Deployment, name: MachineName): string {
  return arn(d, "states", `stateMachine:${machineNameOf(d, name)}`);
}

/** What executions are started on. A policy names `machineArn`: Step Functions asks by it whatever the qualifier is. */
export function machineAliasArn(d: Deployment, name: MachineName): string {
  return `${machineArn(d, name)}:${LIVE}`;
}

/** Every execution of the machine. */
export function executionArns(d: Deployment, name: MachineName): string {
  return arn(d, "states", `execution:${machineNameOf(d, name)}:*`);
}

export function bucketName(d: Deployment): string {
  return `${prefix(d)}-artifacts-${d.account}-${d.region}`;
}

export function bucketArn(d: Deployment): string {
  return `arn:${d.partition}:s3:::${bucketName(d)}`;
}

/** The objects under a prefix of the bucket, which ends with a slash: `objectArns(d, "backups/")`. */
export function objectArns(d: Deployment, under: string): string {
  return `${bucketArn(d)}/${under}*`;
}

export function busName(d: Deployment): string {
  return prefix(d);
}

export function busArn(d: Deployment): string {
  return arn(d, "events", `event-bus/${busName(d)}`);
}

/** A rule on a bus of ours, or on the account's own, where Step Functions tells that an execution ended. */
export function ruleArn(d: Deployment, rule: string, bus: "own" | "default" = "own"): string {
  const name = `${prefix(d)}-${rule}`;
  return arn(d, "events", bus === "own" ? `rule/${busName(d)}/${name}` : `rule/${name}`);
}

export function scheduleName(d: Deployment, name: FunctionName): string {
  return `${prefix(d)}-${name}`;
}

export function scheduleArn(d: Deployment, name: FunctionName): string {
  return arn(d, "scheduler", `schedule/${prefix(d)}/${scheduleName(d, name)}`);
}

/** Where every secret's name begins: REHEARSAL_SECRETS tells it to the functions. */
export function secretsPrefix(d: Deployment): string {
  return `${d.app}/${d.stage}`;
}

/** `rehearsal/<stage>/environments/shop`; what is one secret only has no name of its own. */
export function secretName(d: Deployment, use: SecretUse, name?: string): string {
  return [secretsPrefix(d), use, ...(name === undefined ? [] : [name])].join("/");
}

/** Secrets Manager puts a hyphen and six characters behind each name, so even one secret's ARN is a pattern. */
export function secretArns(d: Deployment, use: SecretUse): string {
  return arn(d, "secretsmanager", `secret:${secretName(d, use)}${SINGLE.has(use) ? "-??????" : "/*"}`);
}

const SINGLE = new Set<SecretUse>(["control-database", "configuration-key", "first-key"]);

/** The one key, of the bucket, the secrets, the logs and the queue. */
export function keyAlias(d: Deployment): string {
  return `alias/${prefix(d)}`;
}

/** Keys have random ids: a policy names all of them, with a condition on `kms:ResourceAliases` that leaves one. */
export function keyArns(d: Deployment): string {
  return arn(d, "kms", "key/*");
}

export function deadLetterQueueName(d: Deployment): string {
  return `${prefix(d)}-dead-letters`;
}

export function deadLetterQueueArn(d: Deployment): string {
  return arn(d, "sqs", deadLetterQueueName(d));
}

/** Where alarms are told. */
export function topicArn(d: Deployment): string {
  return arn(d, "sns", `${prefix(d)}-alarms`);
}

export function functionLogGroup(d: Deployment, name: FunctionName): string {
  return `/aws/lambda/${functionNameOf(d, name)}`;
}

export function machineLogGroup(d: Deployment, name: MachineName): string {
  return `/aws/vendedlogs/states/${machineNameOf(d, name)}`;
}

export function containerLogGroup(d: Deployment): string {
  return `/${d.app}/${d.stage}/container`;
}

export function accessLogGroup(d: Deployment): string {
  return `/aws/vendedlogs/api/${prefix(d)}`;
}

/** The group; with `streams`, every stream in it, which is what a writer needs. */
export function logGroupArn(d: Deployment, group: string, part: "group" | "streams" = "streams"): string {
  return arn(d, "logs", `log-group:${group}${part === "streams" ? ":*" : ""}`);
}

export function clusterName(d: Deployment): string {
  return prefix(d);
}

export function clusterArn(d: Deployment): string {
  return arn(d, "ecs", `cluster/${clusterName(d)}`);
}

/** The container's task definition, which is a family of revisions. */
export function taskFamily(d: Deployment): string {
  return `${prefix(d)}-container`;
}

export function taskDefinitionArns(d: Deployment): string {
  return arn(d, "ecs", `task-definition/${taskFamily(d)}:*`);
}

export function taskArns(d: Deployment): string {
  return arn(d, "ecs", `task/${clusterName(d)}/*`);
}

/** Addresses that mails may be sent from are identities of SES: the address, or its domain. */
export function emailIdentityArn(d: Deployment, identity: string): string {
  return arn(d, "ses", `identity/${identity}`);
}

function arn(d: Deployment, service: string, resource: string): string {
  return `arn:${d.partition}:${service}:${d.region}:${d.account}:${resource}`;
}
