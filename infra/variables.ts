/** What each function is told of the deployment; a test holds the names against those that the code reads. */
import { STEP_FUNCTIONS } from "../workflows/functions.ts";
import type { ControlDatabase } from "./control-database.ts";
import {
  bucketName,
  busName,
  type FunctionName,
  functionAliasArn,
  type MachineName,
  machineAliasArn,
  secretName,
  secretsPrefix,
} from "./deployment.ts";
import type { Place } from "./place.ts";

/** Names, never secrets: who may look at a function's configuration sees them all. */
export function variablesOf(
  { deployment: d, settings }: Place,
  name: FunctionName | "container",
  control: ControlDatabase,
  consoleUrl: $util.Input<string>,
): Record<string, $util.Input<string>> {
  return {
    REHEARSAL_STAGE: d.stage,
    REHEARSAL_BUCKET: bucketName(d),
    REHEARSAL_EVENT_BUS: busName(d),
    REHEARSAL_SECRETS: secretsPrefix(d),
    REHEARSAL_CONTROL_SECRET: control.secret,
    REHEARSAL_CONFIGURATION_SECRET: secretName(d, "configuration-key"),
    REHEARSAL_LOOK_FUNCTION: functionAliasArn(d, "look"),
    REHEARSAL_TASK_FUNCTION: functionAliasArn(d, "task"),
    REHEARSAL_PRUNE_FUNCTION: functionAliasArn(d, "prune"),
    REHEARSAL_CONSOLE_URL: consoleUrl,
    REHEARSAL_LOG_LOCK_DAYS: String(settings.logLockDays),
    ...Object.fromEntries(
      Object.entries(MACHINE_VARIABLES)
        // Without a container there are none of those, and what asks for them is refused.
        .filter(([, machine]) => settings.container !== undefined || !machine.endsWith("-fargate"))
        .map(([variable, machine]) => [variable, machineAliasArn(d, machine)]),
    ),
    ...(settings.emailFrom !== undefined && { REHEARSAL_EMAIL_FROM: settings.emailFrom }),
    ...(name === "prepare" && {
      REHEARSAL_FIRST_KEY_SECRET: secretName(d, "first-key"),
      ...(control.masterSecret && { REHEARSAL_CONTROL_MASTER_SECRET: control.masterSecret }),
    }),
    // Nobody waits for a step's sandbox to read what traces take, as they do for a request's; in the container nobody takes them.
    ...((name in STEP_FUNCTIONS || name === "task" || name === "prune") && {
      POWERTOOLS_TRACE_ENABLED: "true",
    }),
    ...(name === "container" && { REHEARSAL_ANSWER_FUNCTION: functionAliasArn(d, "answer") }),
    // Since Node 20 Lambda's own Node trusts the certificates of RDS only when it is told to.
    ...(name !== "container" && { NODE_EXTRA_CA_CERTS: "/var/runtime/ca-cert.pem" }),
  };
}

/** The machines' ARNs are told by these, with the alias: what is started stays on the version that was live. Without a container there are no twins. */
const MACHINE_VARIABLES: Record<string, MachineName> = {
  REHEARSAL_PROMOTION_MACHINE: "promotion",
  REHEARSAL_ROLLBACK_MACHINE: "rollback",
  REHEARSAL_TASK_MACHINE: "task",
  REHEARSAL_PRUNE_MACHINE: "prune",
  REHEARSAL_PROMOTION_FARGATE_MACHINE: "promotion-fargate",
  REHEARSAL_ROLLBACK_FARGATE_MACHINE: "rollback-fargate",
  REHEARSAL_TASK_FARGATE_MACHINE: "task-fargate",
};
