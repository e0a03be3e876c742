/**
 * The deployment as it would be made, twice: with a network and a database of its own, and in those that the user has.
 * Long because every claim about a deployment stands in one table, beside the ways in which it could be otherwise.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { bucketArn, type Deployment, prefix, secretArns } from "../../infra/deployment.ts";
import { DEPLOYERS_UNSCOPED, deployerName, deployerStatements } from "../../infra/permissions/deployers.ts";
import { UNSCOPED } from "../../infra/permissions/permissions.ts";
import { allowing } from "./permissions/iam.ts";
import { ACCOUNT, evaluate, type Inputs, type Program } from "./program.ts";
import {
  callersAreKnownByArn,
  controlIsReached,
  groupsAreDescribed,
  preparationFindsItsWay,
  queueIsThereBefore,
} from "./rules/accepted.ts";
import {
  bucketsAreSafe,
  databasesAreSafe,
  groupsAreClosed,
  nothingAnswers,
  nothingSecretIsWritten,
  onlyTheApiIsRouted,
  policiesNameWho,
  publicSubnetsHoldTheWayOut,
} from "./rules/exposure.ts";
import {
  areAllThere,
  areMade,
  haveLiveAliases,
  haveOwnRoles,
  leaveNothingLost,
  logsEnd,
} from "./rules/functions.ts";
import { at, broken, joined, type Rule } from "./rules/look.ts";
import { actionsAreNamed, dutiesAreSeparate, rolesAreBounded } from "./rules/separation.ts";

const deployed = (stage: string, region: string): Deployment => ({
  ...{ app: "rehearsal", stage, partition: "aws", region, account: ACCOUNT },
});
/** A stage without a file: everything new. */
const fresh = deployed("trial", "us-east-1");
/** deploy/example.yaml: what a user has already. */
const given = deployed("example", "eu-west-1");

const programs = new Map<Deployment, Program>();
const of = (d: Deployment): Program => {
  const program = programs.get(d);
  if (program === undefined) throw new Error(`${d.stage} was not evaluated`);
  return program;
};

beforeAll(async () => {
  for (const d of [fresh, given]) programs.set(d, await evaluate(d.stage));
}, 600_000);

interface Claim {
  /** What is claimed of the deployment. */
  that: string;
  rule: (d: Deployment) => Rule;
  /** Ways in which it could be otherwise, each of which the rule must see. */
  unless: ((program: Program, d: Deployment) => Program)[];
}

const set =
  (type: string, name: string | undefined, path: string, value: Inputs[string]) => (program: Program) =>
    broken(program, type, name, (inputs) => {
      const keys = path.split(".");
      const last = keys.pop() ?? "";
      let inner = inputs;
      for (const key of keys) inner = inner[key] as Inputs;
      inner[last] = value;
    });

/** The same with one more right in a role's policy. */
const granting =
  (policy: string, Action: string[], resource: string | ((d: Deployment) => string)) =>
  (program: Program, d: Deployment) =>
    broken(program, "iam.RolePolicy", policy, (inputs) => {
      const written = JSON.parse(String(inputs.policy)) as { Version: string; Statement: object[] };
      const Resource = [typeof resource === "string" ? resource : resource(d)];
      const more = { Sid: "More", Effect: "Allow", Action, Resource };
      inputs.policy = JSON.stringify({ ...written, Statement: [...written.Statement, more] });
    });

const CLAIMS: Claim[] = [
  {
    that: "every function of the table is deployed, and no other",
    rule: areAllThere,
    unless: [set("lambda.Function", "MigrateFunction", "name", "rehearsal-trial-something")],
  },
  {
    that: "every function has its limits, Node 24 on arm64, versions, traces and a log",
    rule: areMade,
    unless: [
      set("lambda.Function", "AdmitFunction", "timeout", 3),
      set("lambda.Function", "ApiFunction", "memorySize", 128),
      set("lambda.Function", "HoldFunction", "architectures.0", "x86_64"),
      set("lambda.Function", "VerifyFunction", "publish", false),
      set("lambda.Function", "NotifyFunction", "tracingConfig.mode", "PassThrough"),
      set("lambda.Function", "NotifyFunction", "loggingConfig.logGroup", "/aws/lambda/other"),
    ],
  },
  {
    that: "what functions log ends in groups that forget",
    rule: () => logsEnd,
    unless: [
      set("cloudwatch.LogGroup", "AdmitLogs", "name", "/aws/lambda/other"),
      set("cloudwatch.LogGroup", "PromotionMachineLogs", "retentionInDays", 0),
    ],
  },
  {
    that: "every function has a role of its own",
    rule: haveOwnRoles,
    unless: [
      (program, d) =>
        set(
          "lambda.Function",
          "ApiFunction",
          "role",
          String(at(program.one("lambda.Function", "MigrateFunction"), "role")),
        )(program) ?? of(d),
    ],
  },
  {
    that: "what a function cannot do is caught, answered, or kept in the dead-letter queue",
    rule: leaveNothingLost,
    unless: [set("lambda.FunctionEventInvokeConfig", "SweepUnattended", "qualifier", "other")],
  },
  {
    that: "every function's alias points to a version that was published",
    rule: haveLiveAliases,
    unless: [set("lambda.Alias", "ApiAlias", "functionVersion", "$LATEST")],
  },
  {
    that: "no security group lets the internet in",
    rule: () => groupsAreClosed,
    unless: [
      (program) =>
        joined(program, "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", {
          cidrIpv4: "0.0.0.0/0",
        }),
      (program) =>
        joined(program, "aws:ec2/securityGroup:SecurityGroup", { ingress: [{ ipv6CidrBlocks: ["::/0"] }] }),
      (program) =>
        joined(program, "aws:ec2/securityGroupRule:SecurityGroupRule", {
          type: "ingress",
          cidrBlocks: ["0.0.0.0/0"],
        }),
    ],
  },
  {
    that: "nothing answers the internet by itself",
    rule: () => nothingAnswers,
    unless: [
      (program) => joined(program, "aws:lambda/functionUrl:FunctionUrl", { authorizationType: "AWS_IAM" }),
      (program) => joined(program, "aws:rds/instance:Instance", { publiclyAccessible: true }),
      (program) => joined(program, "aws:ec2/subnet:Subnet", { mapPublicIpOnLaunch: true }),
      (program) => joined(program, "aws:lb/loadBalancer:LoadBalancer", { internal: false }),
    ],
  },
  {
    that: "no role can both approve and come by a database's credentials, and who makes copies reaches no production",
    rule: dutiesAreSeparate,
    unless: [
      granting("MigratePolicy", ["states:SendTaskSuccess"], "*"),
      granting("ApiPolicy", ["secretsmanager:GetSecretValue"], (d) => secretArns(d, "environments")),
      granting("RestorePolicy", ["secretsmanager:GetSecretValue"], (d) => secretArns(d, "environments")),
    ],
  },
  {
    that: "no role has a wildcard in an action, and what is of everything is listed with its reason",
    rule: () => actionsAreNamed(new Set([...Object.keys(UNSCOPED), ...Object.keys(DEPLOYERS_UNSCOPED)])),
    unless: [
      granting("HoldPolicy", ["s3:*"], (d) => bucketArn(d)),
      granting("HoldPolicy", ["s3:GetObject"], "*"),
    ],
  },
  {
    that: "where pipelines may deploy, every role is made within the boundary",
    rule: rolesAreBounded,
    unless: [
      (program, d) =>
        // Without pipelines there is no boundary, and none to be missed.
        d === fresh
          ? joined(set("iam.Role", "ApiRole", "permissionsBoundary", "")(program), "aws:iam/role:Role", {
              name: deployerName(d, "github"),
            })
          : set("iam.Role", "ApiRole", "permissionsBoundary", "")(program),
    ],
  },
  {
    that: "no policy is for everybody, but where it refuses",
    rule: () => policiesNameWho,
    unless: [
      set(
        "s3.BucketPolicy",
        undefined,
        "policy",
        '{"Version":"2012-10-17","Statement":[{"Sid":"Open","Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:GetObject","Resource":"*"}]}',
      ),
      set("lambda.Permission", "ApiDefaultPermission", "principal", "*"),
    ],
  },
  {
    that: "a public subnet holds the way out and nothing else",
    rule: () => publicSubnetsHoldTheWayOut,
    unless: [
      (program, d) =>
        d === fresh
          ? set("lambda.Function", "ApiFunction", "vpcConfig.subnetIds", ["PublicSubnet-id"])(program)
          : withPublicSubnet(program),
    ],
  },
  {
    that: "the API has two routes, one of them for signed requests, and lets no other origin in",
    rule: () => onlyTheApiIsRouted,
    unless: [
      set("apigatewayv2.Route", "ApiIamRoute", "authorizationType", "NONE"),
      set("apigatewayv2.Api", "Api", "corsConfiguration", { allowOrigins: ["*"] }),
      (program) => joined(program, "aws:apigatewayv2/route:Route", { routeKey: "GET /admin" }),
    ],
  },
  {
    that: "the bucket locks, keeps versions, is encrypted, closed, and speaks TLS alone",
    rule: () => bucketsAreSafe,
    unless: [
      set("s3.Bucket", "Artifacts", "objectLockEnabled", false),
      set("s3.BucketVersioning", undefined, "versioningConfiguration.status", "Suspended"),
      set("s3.BucketPublicAccessBlock", undefined, "restrictPublicBuckets", false),
      set("s3.BucketOwnershipControls", undefined, "rule.objectOwnership", "ObjectWriter"),
      set("s3.BucketPolicy", undefined, "policy", '{"Version":"2012-10-17","Statement":[]}'),
      set("s3.BucketNotification", undefined, "eventbridge", false),
      (program) => joined(program, "aws:s3/bucket:Bucket", { bucket: "another" }),
    ],
  },
  {
    that: "databases are encrypted, private, and their master's password is known to RDS alone",
    rule: () => databasesAreSafe,
    unless: [
      (program) =>
        joined(program, "aws:rds/cluster:Cluster", {
          storageEncrypted: true,
          manageMasterUserPassword: true,
        }),
      (program) => joined(program, "aws:rds/clusterInstance:ClusterInstance", {}),
    ],
  },
  {
    that: "groups are described in the characters that EC2 takes",
    rule: () => groupsAreDescribed,
    unless: [set("vpc.SecurityGroupEgressRule", "FunctionsOutHttps", "description", "AWS's services")],
  },
  {
    that: "the control database is prepared once there is a way to it, and out",
    rule: () => preparationFindsItsWay,
    unless: [
      (program) => joined(program, "aws:ec2/route:Route", {}),
      (program) => joined(program, "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", {}),
    ],
  },
  {
    that: "a control database of ours is reached whatever networks the settings name",
    rule: () => controlIsReached,
    unless: [
      (program) =>
        joined(program, "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", {
          ...{ securityGroupId: "another", referencedSecurityGroupId: "FunctionsGroup-id", fromPort: 5432 },
        }),
    ],
  },
  {
    that: "who calls a function is known by an ARN",
    rule: () => callersAreKnownByArn,
    unless: [set("lambda.Permission", "ApiDefaultPermission", "sourceAccount", ACCOUNT)],
  },
  {
    that: "the queue of the dead is there before a function is told of it",
    rule: () => queueIsThereBefore,
    unless: [
      (program) =>
        joined(program, "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig", {
          destinationConfig: { onFailure: { destination: "a queue" } },
        }),
    ],
  },
  {
    that: "nothing secret stands in what resources are given",
    rule: () => nothingSecretIsWritten,
    unless: [
      (program) => joined(program, "aws:rds/cluster:Cluster", { masterPassword: "hunter2" }),
      set(
        "lambda.Function",
        "ApiFunction",
        "environment.variables.REHEARSAL_X",
        "postgresql://me:secret@db/x",
      ),
      (program) => joined(program, "aws:ssm/parameter:Parameter", { value: "rk_abc_0123" }),
    ],
  },
];

function withPublicSubnet(program: Program): Program {
  const route = joined(program, "aws:ec2/route:Route", { gatewayId: "Door-id", routeTableId: "t" });
  const door = joined(route, "aws:ec2/internetGateway:InternetGateway", {});
  const named = door.resources.map((one) =>
    one.type.endsWith(":InternetGateway") ? { ...one, name: "Door" } : one,
  );
  const subnet = joined(
    Object.assign(Object.create(program), { resources: named, outputs: {} }) as Program,
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    {
      ...{ subnetId: "s", routeTableId: "t" },
    },
  );
  return set("lambda.Function", "ApiFunction", "vpcConfig.subnetIds", ["s"])(subnet);
}

describe.each([
  { d: fresh, what: "with a network and a database of its own" },
  { d: given, what: "in a network and with a database of the user's" },
])("$what", ({ d }) => {
  test.each(CLAIMS)("$that", ({ rule, unless }) => {
    const holds = rule(d);
    expect(holds(of(d))).toEqual([]);
    // A rule that sees nothing wrong in what is wrong proves nothing of what is right.
    for (const change of unless) expect(holds(change(of(d), d)), change.toString()).not.toEqual([]);
  });

  test("everything is called after the deployment, so that two stages are never in each other's way", () => {
    const called = of(d).resources.flatMap(({ name, inputs }) =>
      typeof inputs.name === "string" && !["live", "rights", "$default", "default"].includes(inputs.name)
        ? [{ name, as: inputs.name }]
        : [],
    );
    const others = called.filter(
      ({ as }) => !as.includes(prefix(d)) && !/^\/?rehearsal\/(?:trial|example)\//.test(as),
    );
    expect(others).toEqual([]);
  });

  test("nothing goes live before the control database is up to date", () => {
    const aliases = of(d).all("lambda.Alias");
    const waiting = [
      ...aliases.filter(({ name }) => name !== "PrepareAlias"),
      ...of(d).all("sfn.Alias"),
      of(d).one("apigatewayv2.Integration"),
    ];
    expect(waiting).toHaveLength(aliases.length + of(d).all("sfn.StateMachine").length);
    for (const { name, dependsOn } of waiting) expect(dependsOn, name).toContain("Preparation");
  });

  test("each role has one policy, which is within what IAM takes", () => {
    const roles = of(d).all("iam.Role");
    const policies = of(d).all("iam.RolePolicy");
    expect(policies.map(({ inputs }) => inputs.role).sort()).toEqual(
      roles.map(({ inputs }) => inputs.name).sort(),
    );
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    for (const { name, inputs } of policies) expect(String(inputs.policy).length, name).toBeLessThan(10_240);
    for (const { inputs } of roles) expect(String(inputs.name).length).toBeLessThanOrEqual(64);
  });
});

test("a stage of the defaults pauses its database, and calls it by the clock no more than once an hour", () => {
  const cluster = of(fresh).one("rds.Cluster");
  expect(cluster.inputs.serverlessv2ScalingConfiguration).toEqual({
    ...{ minCapacity: 0, maxCapacity: 4, secondsUntilAutoPause: 300 },
  });
  const rates = of(fresh)
    .all("scheduler.Schedule")
    .map(({ inputs }) => String(inputs.scheduleExpression));
  expect(rates.filter((rate) => /minute/.test(rate))).toEqual([]);
  expect(of(fresh).all("ec2.NatGateway")).toEqual([]);
});

test("another major of the control database is installed at once, on its cluster, when the settings name it", () => {
  expect(of(fresh).one("rds.Cluster").inputs).toMatchObject({
    ...{ engineVersion: "17", allowMajorVersionUpgrade: true, applyImmediately: true },
  });
  // What an instance names could be another minor than RDS has installed by then.
  expect(of(fresh).one("rds.ClusterInstance").inputs.engineVersion).toBeUndefined();
});

test("databases are reached from the functions' group, on the ports and in the networks that the settings name", () => {
  expect(of(fresh).one("vpc.SecurityGroupIngressRule", "ControlDatabaseIn").inputs).toMatchObject({
    ...{ referencedSecurityGroupId: "FunctionsGroup-id", fromPort: 5432, toPort: 5432 },
  });
  const out = of(given)
    .all("vpc.SecurityGroupEgressRule")
    .map(({ inputs }) => `${inputs.fromPort} ${inputs.cidrIpv4}`);
  expect(out.sort()).toEqual(["443 0.0.0.0/0", "5432 10.0.0.0/8", "6432 10.0.0.0/8"]);
});

test("a permanent stage outlives its removal, and another does not", () => {
  expect(of(given).one("s3.Bucket").retainOnDelete).toBe(true);
  // A bucket without its key is lost.
  expect(of(given).one("kms.Key").retainOnDelete).toBe(true);
  expect(of(given).one("s3.Bucket").inputs.forceDestroy).toBe(false);
  expect(of(given).outputs._protect).toBe(true);
  expect(of(fresh).one("s3.Bucket").retainOnDelete).toBe(false);
});

test("without a container no function is told of machines that are not there", () => {
  const told = (d: Deployment) =>
    Object.keys(at(of(d).one("lambda.Function", "ApiFunction"), "environment.variables") ?? {}).filter(
      (name) => name.includes("FARGATE"),
    );
  expect(told(fresh)).toEqual([]);
  expect(told(given)).toHaveLength(3);
});

test("who has a domain is told what it has to point at", () => {
  expect(of(given).outputs.domainTarget).toBe("d-0a1b2c3d4e.execute-api.eu-west-1.amazonaws.com");
});

test("a new network is in two ordinary zones, in which Lambda and a NAT can be", () => {
  expect(of(fresh).asked["aws:index/getAvailabilityZones:getAvailabilityZones"]).toMatchObject({
    filters: [{ name: "opt-in-status", values: ["opt-in-not-required"] }],
    excludeZoneIds: expect.arrayContaining(["use1-az3"]),
  });
});

test("a zone that is down on the day of a deployment moves no subnet", () => {
  for (const { name, ignoreChanges } of of(fresh).all("ec2.Subnet"))
    expect(ignoreChanges, name).toContain("availabilityZone");
});

test("a pipeline may ask AWS whatever the program asks", () => {
  const rights: Record<string, [action: string, resource: string] | null> = {
    getCallerIdentity: ["sts:GetCallerIdentity", "*"],
    getPartition: null,
    getAvailabilityZones: ["ec2:DescribeAvailabilityZones", "*"],
    getParameter: [
      "ssm:GetParameter",
      "arn:aws:ssm:us-east-1::parameter/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
    ],
  };
  const asked = Object.keys(of(fresh).asked).map((token) => token.split(":").at(-1) ?? "");
  expect(asked.sort()).toEqual(Object.keys(rights).sort());
  for (const [action, resource] of asked.flatMap((each) => [rights[each] ?? []]))
    if (action !== undefined && resource !== undefined)
      expect(allowing(deployerStatements(fresh), { action, resource, context: {} }), action).toBeDefined();
});

test("a given database is used by its secret, and none is made", () => {
  expect(of(given).all("rds.Cluster")).toEqual([]);
  expect(
    at(of(given).one("lambda.Function", "ApiFunction"), "environment.variables.REHEARSAL_CONTROL_SECRET"),
  ).toMatch(/:secret:rehearsal\/control-AbCdEf$/);
});
