/** The control database: Aurora that pauses when nobody asks, or one of the user's, named by a secret. */
import { prefix, secretName } from "./deployment.ts";
import type { Network } from "./network.ts";
import type { Place } from "./place.ts";
import { CONTROL_DATABASE, CONTROL_USER } from "./settings.ts";

export interface ControlDatabase {
  /** The secret with its address; with Aurora no password stands in it, for functions sign in by IAM. */
  secret: $util.Input<string>;
  /** `cluster-…`, by which policies name it; null where it is given. */
  cluster: $util.Output<string> | null;
  /** RDS keeps the master's password there and changes it; only `prepare` reads it. Null where it is given. */
  masterSecret: $util.Output<string> | null;
  /** There before anybody can ask it anything. */
  ready: $util.Resource[];
}

export function createControlDatabase(
  place: Place,
  network: Network | undefined,
  key: aws.kms.Key,
): ControlDatabase {
  const { controlDatabase } = place.settings;
  if (controlDatabase.kind === "given")
    return { secret: controlDatabase.secret, cluster: null, masterSecret: null, ready: [] };
  if (network === undefined) throw new Error("settings.ts lets no Aurora be without a network");
  return createAurora(place, controlDatabase, network, key);
}

function createAurora(
  { deployment: d, permanent }: Place,
  wanted: Extract<Place["settings"]["controlDatabase"], { kind: "aurora" }>,
  network: Network,
  key: aws.kms.Key,
): ControlDatabase {
  const group = new aws.ec2.SecurityGroup("ControlDatabaseGroup", {
    name: `${prefix(d)}-control-database`,
    description: "The control database: from the functions only",
    vpcId: network.vpc,
  });
  const admitted = new aws.vpc.SecurityGroupIngressRule("ControlDatabaseIn", {
    ...{ securityGroupId: group.id, referencedSecurityGroupId: network.functions.id },
    ...{ ipProtocol: "tcp", fromPort: 5432, toPort: 5432 },
  });
  // What the settings list is where databases are that are promoted; this one is reached whatever they say.
  const out = new aws.vpc.SecurityGroupEgressRule("FunctionsOutControl", {
    ...{ securityGroupId: network.functions.id, referencedSecurityGroupId: group.id },
    ...{ ipProtocol: "tcp", fromPort: 5432, toPort: 5432, description: "the control database" },
  });
  const subnets = new aws.rds.SubnetGroup("ControlDatabaseSubnets", {
    ...{ name: `${prefix(d)}-control-database`, subnetIds: network.subnets },
  });
  const parameters = new aws.rds.ClusterParameterGroup("ControlDatabaseParameters", {
    family: `aurora-postgresql${wanted.version.split(".")[0]}`,
    parameters: [{ name: "rds.force_ssl", value: "1" }],
  });
  const cluster = new aws.rds.Cluster("ControlDatabase", {
    clusterIdentifier: `${prefix(d)}-control`,
    ...{ engine: "aurora-postgresql", engineMode: "provisioned", engineVersion: wanted.version },
    // Another major is installed when the settings name it, and not in a night to come.
    ...{ allowMajorVersionUpgrade: true, applyImmediately: true },
    serverlessv2ScalingConfiguration: {
      ...{ minCapacity: 0, maxCapacity: wanted.maxAcu, secondsUntilAutoPause: wanted.pauseAfter },
    },
    databaseName: CONTROL_DATABASE,
    masterUsername: "rehearsal_master",
    manageMasterUserPassword: true,
    masterUserSecretKmsKeyId: key.arn,
    iamDatabaseAuthenticationEnabled: true,
    ...{ storageEncrypted: true, kmsKeyId: key.arn },
    ...{ dbSubnetGroupName: subnets.name, vpcSecurityGroupIds: [group.id] },
    dbClusterParameterGroupName: parameters.name,
    ...{ backupRetentionPeriod: wanted.backupDays, copyTagsToSnapshot: true },
    deletionProtection: permanent,
    skipFinalSnapshot: !permanent,
    ...(permanent && { finalSnapshotIdentifier: `${prefix(d)}-control-final` }),
  });
  const instance = new aws.rds.ClusterInstance("ControlDatabaseInstance", {
    ...{ identifier: `${prefix(d)}-control-1`, clusterIdentifier: cluster.id },
    // Its version is the cluster's, whichever minor RDS has installed by then.
    ...{ engine: "aurora-postgresql", instanceClass: "db.serverless" },
    publiclyAccessible: false,
    autoMinorVersionUpgrade: true,
  });
  const secret = new aws.secretsmanager.Secret("ControlDatabaseSecret", {
    name: secretName(d, "control-database"),
    description: `The control database's address; who signs in as "${CONTROL_USER}" is for IAM to say`,
    // A stage that is removed and made again takes the same name.
    recoveryWindowInDays: permanent ? 30 : 0,
  });
  const address = new aws.secretsmanager.SecretVersion("ControlDatabaseAddress", {
    secretId: secret.id,
    secretString: $interpolate`postgresql://${CONTROL_USER}@${cluster.endpoint}:5432/${CONTROL_DATABASE}?sslmode=verify-full&auth=iam&region=${d.region}`,
  });
  return {
    secret: secret.arn,
    cluster: cluster.clusterResourceId,
    masterSecret: cluster.masterUserSecrets.apply(([found]) => found?.secretArn ?? ""),
    ready: [instance, address, admitted, out],
  };
}
