/** The container that long steps run in, where an environment's policy says so: nothing of it costs anything until a step runs. */
import type { Bindings } from "../workflows/binding.ts";
import { CONTAINER } from "../workflows/functions.ts";
import type { ControlDatabase } from "./control-database.ts";
import { clusterName, containerLogGroup, prefix, taskFamily } from "./deployment.ts";
import type { Network } from "./network.ts";
import type { Place } from "./place.ts";
import { createRole } from "./roles.ts";
import type { Settings } from "./settings.ts";
import { variablesOf } from "./variables.ts";

export interface ContainerOptions {
  network: Network | undefined;
  control: ControlDatabase;
  /** Where people open the console. */
  consoleUrl: $util.Input<string>;
}

/** Where the image may be pushed to, as infra/container/Dockerfile tells; it is there before there is one. */
export function createRepository({ deployment: d, permanent }: Place, key: aws.kms.Key): aws.ecr.Repository {
  const repository = new aws.ecr.Repository("ContainerImages", {
    name: `${prefix(d)}-container`,
    // What a tag was once, it stays.
    imageTagMutability: "IMMUTABLE",
    imageScanningConfiguration: { scanOnPush: true },
    encryptionConfigurations: [{ encryptionType: "KMS", kmsKey: key.arn }],
    forceDelete: !permanent,
  });
  new aws.ecr.LifecyclePolicy("ContainerImagesKept", {
    repository: repository.name,
    policy: JSON.stringify({ rules: [KEEP] }),
  });
  return repository;
}

/** More than anybody deploys while a promotion is under way. */
const KEEP = {
  rulePriority: 1,
  description: "the newest, and whatever a promotion that is under way may have begun with",
  selection: { tagStatus: "any", countType: "imageCountMoreThan", countNumber: 50 },
  action: { type: "expire" },
};

/** Undefined where the settings name no image: then no environment's policy may ask for containers. */
export function createContainer(
  place: Place,
  { network, control, consoleUrl }: ContainerOptions,
): $util.Output<NonNullable<Bindings["container"]>> | undefined {
  const { deployment: d, settings } = place;
  const wanted = settings.container;
  if (wanted === undefined || network === undefined) return undefined;
  const logs = new aws.cloudwatch.LogGroup("ContainerLogs", {
    ...{ name: containerLogGroup(d), retentionInDays: settings.logDays },
  });
  const cluster = new aws.ecs.Cluster("ContainerCluster", { name: clusterName(d) });
  const own = createRole(place, "container", control);
  const execution = createRole(place, "container-execution", control, repositoryOf(wanted.image));
  const definition = new aws.ecs.TaskDefinition(
    "Container",
    {
      family: taskFamily(d),
      ...{ requiresCompatibilities: ["FARGATE"], networkMode: "awsvpc" },
      ...{ cpu: String(wanted.cpu), memory: String(wanted.memoryMb) },
      runtimePlatform: { operatingSystemFamily: "LINUX", cpuArchitecture: "ARM64" },
      ...{ taskRoleArn: own.role.arn, executionRoleArn: execution.role.arn },
      containerDefinitions: $util
        .output(variablesOf(place, "container", control, consoleUrl))
        .apply((variables) => JSON.stringify([describe(place, wanted, variables)])),
      // A promotion that is under way names the revision that it began with.
      skipDestroy: true,
    },
    { dependsOn: [own.policy, execution.policy, logs] },
  );
  return $util
    .all([cluster.arn, definition.arn, network.functions.id, $util.all(network.subnets)])
    .apply(([clusterArn, taskDefinition, group, subnets]) => ({
      ...{ cluster: clusterArn, taskDefinition },
      ...{ securityGroups: [group], subnets },
    }));
}

function describe(
  { deployment: d }: Place,
  { image }: NonNullable<Settings["container"]>,
  variables: Record<string, string>,
) {
  return {
    ...{ name: CONTAINER.name, image, essential: true },
    environment: Object.entries({ AWS_REGION: d.region, ...variables }).map(([name, value]) => ({
      name,
      value,
    })),
    // It writes nothing but its log, and is nobody who could.
    ...{ readonlyRootFilesystem: true, user: "1000:1000", privileged: false },
    linuxParameters: { capabilities: { drop: ["ALL"] } },
    // Between SIGTERM and SIGKILL: time for one answer to the machine.
    stopTimeout: 30,
    logConfiguration: {
      logDriver: "awslogs",
      options: {
        "awslogs-group": containerLogGroup(d),
        "awslogs-region": d.region,
        "awslogs-stream-prefix": CONTAINER.name,
      },
    },
  };
}

/** The repository of an image in ECR, by ARN; null where nobody has to sign in to fetch it. */
export function repositoryOf(image: string): string | null {
  const [, account, region, suffix, name] =
    /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?\/([^@]+)@/.exec(image) ?? [];
  if (account === undefined) return null;
  const partition = suffix === undefined ? (region?.startsWith("us-gov-") ? "aws-us-gov" : "aws") : "aws-cn";
  return `arn:${partition}:ecr:${region}:${account}:repository/${name}`;
}
