/** Who may do what together: the duties that no role may hold at once, told by the rights that its statements grant. */
import {
  type Deployment,
  type FunctionName,
  prefix,
  roleName,
  secretArns,
} from "../../../infra/deployment.ts";
import { boundaryArn } from "../../../infra/permissions/deployers.ts";
import type { Statement } from "../../../infra/permissions/permissions.ts";
import { allowing } from "../permissions/iam.ts";
import { type Rule, statements } from "./look.ts";

/** By the role's whole name. */
export type Roles = ReadonlyMap<string, readonly Statement[]>;

/** Whoever may answer a promotion that waits. */
export function approves(of: readonly Statement[]): boolean {
  return ["states:SendTaskSuccess", "states:SendTaskFailure"].some(
    (action) => allowing(of, { action, resource: "*", context: {} }) !== undefined,
  );
}

/** Whoever may come by credentials of one use: by reading them, by taking a role for them, or by logging in by IAM. */
export function reaches(d: Deployment, of: readonly Statement[], use: "environments" | "copies"): boolean {
  const reads = allowing(of, {
    action: "secretsmanager:GetSecretValue",
    resource: secretArns(d, use).replace("*", "shop-AbCdEf"),
    context: {},
  });
  const takes = of.some(
    ({ Action, Resource }) =>
      Action.includes("sts:AssumeRole") && Resource.some((arn) => arn.includes(`:role/rehearsal-${use}-`)),
  );
  return reads !== undefined || takes;
}

/** Those who may answer: the people's door, the policy's step, who repeats a lost answer, and who hands on the container's word. */
const ANSWERS: readonly FunctionName[] = ["api", "decide", "reconcile", "answer"];

/** Who makes copies, and has no way to what they are copies of. */
const ON_COPIES: readonly FunctionName[] = ["restore", "rehearse", "put-away", "sweep"];

/** Nobody may both approve and migrate, the container as little as any function. */
export function separationBroken(d: Deployment, roles: Roles): string[] {
  const own = (names: readonly FunctionName[]) => names.map((name) => roleName(d, name));
  const found: string[] = [];
  for (const [role, of] of roles) {
    const holds = reaches(d, of, "environments") || reaches(d, of, "copies");
    if (approves(of) && !own(ANSWERS).includes(role)) found.push(`${role} may answer decisions`);
    if (approves(of) && holds) found.push(`${role} may answer decisions, and has credentials of databases`);
    if (own(ON_COPIES).includes(role) && reaches(d, of, "environments"))
      found.push(`${role} makes copies, and has production's credentials`);
  }
  return found;
}

/** The rule over the deployment as it would be made, SST's own roles as well. */
export function dutiesAreSeparate(d: Deployment): Rule {
  return (program) => separationBroken(d, rolesOf(program));
}

/** No role of the deployment, whoever wrote it, may do everything of a service, or a thing to everything without being named for it. */
export function actionsAreNamed(unscoped: ReadonlySet<string>): Rule {
  return (program) =>
    [...rolesOf(program)].flatMap(([role, of]) =>
      of.flatMap(({ Sid, Action, Resource }) => [
        ...Action.filter((action) => /[*?]/.test(action)).map((action) => `${role} ${Sid}: ${action}`),
        ...(Resource.includes("*") ? Action.filter((action) => !unscoped.has(action)) : []).map(
          (action) => `${role} ${Sid}: ${action} of everything`,
        ),
      ]),
    );
}

function rolesOf(program: Parameters<Rule>[0]): Roles {
  const roles = new Map<string, Statement[]>();
  for (const { resource, Sid, Effect, Action, Resource, Condition } of statements(program)) {
    const role = resource.inputs.role ?? resource.inputs.name;
    // Neither who may take a role, nor a boundary, grants anything.
    if (!/iam\/role/.test(resource.type) || Resource.length === 0 || Effect !== "Allow") continue;
    const statement = {
      Sid,
      Effect: "Allow",
      Action,
      Resource,
      ...(Condition && { Condition }),
    } as Statement;
    roles.set(String(role), [...(roles.get(String(role)) ?? []), statement]);
  }
  return roles;
}

/** Where pipelines may deploy, every role but theirs is made within the boundary: theirs make the others. */
export function rolesAreBounded(d: Deployment): Rule {
  return (program) => {
    const roles = program.all("iam.Role");
    const deployers = roles.filter(({ inputs }) =>
      String(inputs.name).startsWith(`deployer-of-${prefix(d)}-`),
    );
    if (deployers.length === 0) return [];
    return roles
      .filter((role) => !deployers.includes(role) && role.inputs.permissionsBoundary !== boundaryArn(d))
      .map(({ name }) => `${name} is without the boundary`);
  };
}
