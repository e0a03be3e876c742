/** Whose pipelines may deploy this stage: a role for each code host, and the boundary that every role of the deployment is made within. */
import { repositoryOf } from "./container.ts";
import { prefix } from "./deployment.ts";
import { boundaryOf } from "./permissions/boundary.ts";
import {
  boundaryName,
  type CodeHost,
  deployerName,
  deployerStatements,
  deployerTrust,
  providerArn,
  providerOf,
} from "./permissions/deployers.ts";
import type { Place } from "./place.ts";
import type { Surroundings } from "./settings.ts";

/** Nothing where no repository is listed. It must come before any role is made: they are all made within the boundary. */
export function createDeployRoles({ deployment: d, settings }: Place): void {
  const { github, gitlab, branch, providers } = settings.deployers;
  const listed: [CodeHost, string[]][] = [
    ["github", github],
    ["gitlab", gitlab],
  ];
  const hosts = listed.filter(([, repositories]) => repositories.length > 0);
  if (hosts.length === 0) return;

  // What gets its id only later is told by how its id begins.
  const own = (service: string, resource: string) =>
    `arn:${d.partition}:${service}:${d.region}:${d.account}:${resource}`;
  const around: Surroundings = {
    ...settings,
    controlCluster: "cluster-*",
    masterSecret: own("secretsmanager", "secret:rds!cluster-*"),
    // The image may be in a repository of the user's, which no name of ours begins.
    imageRepository:
      (settings.container && repositoryOf(settings.container.image)) ??
      own("ecr", `repository/${prefix(d)}-*`),
  };
  const boundary = new aws.iam.Policy("Boundary", {
    name: boundaryName(d),
    description: `The most that a role of ${d.app} ${d.stage} can do`,
    policy: document(boundaryOf(d, around)),
  });
  $transform(aws.iam.Role, (args) => {
    args.permissionsBoundary ??= boundary.arn;
  });

  for (const [host, repositories] of hosts) {
    const made =
      providers === "make" ? [new aws.iam.OpenIdConnectProvider(`${host}Provider`, providerOf(host))] : [];
    const role = new aws.iam.Role(
      `${host}Deployer`,
      {
        name: deployerName(d, host),
        description: `Deploys ${d.app} ${d.stage} from ${providerArn(d, host)}`,
        maxSessionDuration: 3_600,
        assumeRolePolicy: document([deployerTrust(d, host, repositories, branch)]),
        // It makes roles within the boundary, and its own rights are others than theirs.
        permissionsBoundary: "",
      },
      { dependsOn: made },
    );
    new aws.iam.RolePolicy(`${host}DeployerPolicy`, {
      name: "rights",
      role: role.name,
      policy: document(deployerStatements(d)),
    });
  }
}

function document(Statement: readonly object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement });
}
