/**
 * Who may take each role: one service, for resources of this deployment alone. Without that condition a service could be talked
 * into it by somebody else's resource (the confused deputy).
 */
import { LIMITS } from "../../workflows/modules.ts";
import {
  type Deployment,
  type FunctionName,
  type MachineName,
  machineArn,
  prefix,
  type RoleName,
} from "../deployment.ts";
import type { Condition } from "./statement.ts";

export interface TrustStatement {
  Sid: string;
  Effect: "Allow";
  Principal: { Service: string };
  Action: "sts:AssumeRole";
  Condition: Condition;
}

/** The role's trust policy has this one statement. */
export function trustOf(name: RoleName, d: Deployment): TrustStatement {
  const { service, sources } = takerOf(name, d);
  return {
    Sid: "Take",
    Effect: "Allow",
    Principal: { Service: service },
    Action: "sts:AssumeRole",
    Condition: {
      StringEquals: { "aws:SourceAccount": d.account },
      ...(sources.length > 0 && { ArnLike: { "aws:SourceArn": sources } }),
    },
  };
}

function takerOf(name: RoleName, d: Deployment): { service: string; sources: string[] } {
  // AWS documents the account alone for what Lambda takes; to give a function its role takes the right to pass it besides.
  if (isFunction(name)) return { service: "lambda.amazonaws.com", sources: [] };
  if (isMachine(name))
    return {
      service: "states.amazonaws.com",
      sources: [machineArn(d, name.slice("machine-".length) as MachineName)],
    };
  // Scheduler and ECS tell their group and their account, never the one schedule or task.
  if (name === "schedules")
    return {
      service: "scheduler.amazonaws.com",
      sources: [`${inService(d, "scheduler")}schedule-group/${prefix(d)}`],
    };
  return { service: "ecs-tasks.amazonaws.com", sources: [`${inService(d, "ecs")}*`] };
}

function inService(d: Deployment, service: string): string {
  return `arn:${d.partition}:${service}:${d.region}:${d.account}:`;
}

function isFunction(name: RoleName): name is FunctionName {
  return name in LIMITS;
}

function isMachine(name: RoleName): name is `machine-${MachineName}` {
  return name.startsWith("machine-");
}
