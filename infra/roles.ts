/** A role for each function, machine and caller, with exactly the statements that `permissions/` writes out for it. */
import type { ControlDatabase } from "./control-database.ts";
import { type RoleName, roleName } from "./deployment.ts";
import { statementsOf } from "./permissions/permissions.ts";
import { trustOf } from "./permissions/trust.ts";
import type { Place } from "./place.ts";

export interface Role {
  role: aws.iam.Role;
  /** What uses the role waits for it: a role without its policy may do nothing. */
  policy: aws.iam.RolePolicy;
}

export function createRole(
  { deployment, settings }: Place,
  name: RoleName,
  control: ControlDatabase,
  imageRepository: $util.Input<string> | null = null,
): Role {
  const role = new aws.iam.Role(`${idOf(name)}Role`, {
    name: roleName(deployment, name),
    description: `${deployment.app} ${deployment.stage}: ${name}`,
    assumeRolePolicy: JSON.stringify({ Version: "2012-10-17", Statement: [trustOf(name, deployment)] }),
  });
  const policy = new aws.iam.RolePolicy(`${idOf(name)}Policy`, {
    name: "rights",
    role: role.name,
    policy: $resolve([control.cluster, control.masterSecret, imageRepository]).apply(
      ([controlCluster, masterSecret, repository]) =>
        JSON.stringify({
          Version: "2012-10-17",
          Statement: statementsOf(name, deployment, {
            ...settings,
            ...{ controlCluster, masterSecret, imageRepository: repository },
          }),
        }),
    ),
  });
  return { role, policy };
}

/** `roll-back` is `RollBack`: how its resources are called in the program's state. */
export function idOf(name: string): string {
  return name
    .split("-")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}
