/**
 * The most that any role of the deployment can ever do, whatever its own policy says: what all roles of the table have together. A
 * pipeline may make roles only within it, so that whoever takes the pipeline over cannot give himself more than the service has.
 */
import { type Deployment, prefix, type RoleName, secretsPrefix } from "../deployment.ts";
import type { Surroundings } from "../settings.ts";
import { statementsOf, TABLE } from "./permissions.ts";
import { allow, type Statement, sidOf } from "./statement.ts";

/** A boundary grants nothing: a role has what both it and the role's own policy allow. */
export function boundaryOf(d: Deployment, around: Surroundings): Statement[] {
  const all = (Object.keys(TABLE) as RoleName[]).flatMap((role) => statementsOf(role, d, around));
  const services = new Map<string, { actions: Set<string>; resources: Set<string> }>();
  for (const { Action, Resource, Condition } of all)
    for (const action of Action) {
      // To hand on a role is no use of a service's resources: its condition stays.
      const [service = ""] = action === "iam:PassRole" ? [action] : action.split(":");
      const every = Resource.includes("*") ? `${service} every` : service;
      const of = services.get(every) ?? { actions: new Set<string>(), resources: new Set<string>() };
      services.set(every, of);
      of.actions.add(action);
      for (const resource of Resource) of.resources.add(outline(d, resource));
      if (action === "iam:PassRole" && Condition === undefined) throw new Error("a role is lent to anybody");
    }
  return [...services].map(([service, { actions, resources }]) =>
    allow(
      sidOf(service),
      [...actions].sort(),
      [...resources].sort(),
      service === "iam:PassRole"
        ? { StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } }
        : undefined,
    ),
  );
}

/** `…:function:rehearsal-prod-admit:*` is within `…:function:rehearsal-prod-*`; what is not ours stays as it is. */
function outline(d: Deployment, resource: string): string {
  for (const own of [`${prefix(d)}-`, `${secretsPrefix(d)}/`]) {
    const at = resource.indexOf(own);
    if (at >= 0) return `${resource.slice(0, at + own.length)}*`;
  }
  return resource;
}
