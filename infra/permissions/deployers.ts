/**
 * What a pipeline may do that deploys the service, and who may be it. It renews what runs; what holds data, the network, the key and
 * these rights themselves an administrator makes, by the same command, and a pipeline that would change them is refused by IAM.
 * Long because all that a pipeline may do is read in one piece, and most of it is lists of actions.
 */
import {
  accessLogGroup,
  busArn,
  clusterArn,
  type Deployment,
  deadLetterQueueArn,
  functionArn,
  prefix,
  taskDefinitionArns,
} from "../deployment.ts";
import { allow, type Condition, type Statement } from "./statement.ts";

export type CodeHost = "github" | "gitlab";

const HOSTS: Record<CodeHost, { issuer: string; audience: string }> = {
  github: { issuer: "token.actions.githubusercontent.com", audience: "sts.amazonaws.com" },
  gitlab: { issuer: "gitlab.com", audience: "https://gitlab.com" },
};

/** Not below the deployment's own names: what a pipeline may do with those it must not do with these. */
export function deployerName(d: Deployment, host: CodeHost): string {
  return `deployer-of-${prefix(d)}-${host}-${d.region}`;
}

export function boundaryName(d: Deployment): string {
  return `boundary-of-${prefix(d)}-${d.region}`;
}

export function boundaryArn(d: Deployment): string {
  return `arn:${d.partition}:iam::${d.account}:policy/${boundaryName(d)}`;
}

export function providerArn(d: Deployment, host: CodeHost): string {
  return `arn:${d.partition}:iam::${d.account}:oidc-provider/${HOSTS[host].issuer}`;
}

export interface Provider {
  url: string;
  clientIdLists: string[];
}

/** How IAM knows the code host's tokens. */
export function providerOf(host: CodeHost): Provider {
  const { issuer, audience } = HOSTS[host];
  return { url: `https://${issuer}`, clientIdLists: [audience] };
}

export interface DeployerTrust {
  Sid: string;
  Effect: "Allow";
  Principal: { Federated: string };
  Action: "sts:AssumeRoleWithWebIdentity";
  Condition: Condition;
}

/**
 * Only jobs of the listed repositories: on GitHub in the environment that is called like the stage, which the repository protects; on
 * GitLab, whose subject knows no environment, on the protected branch. Each subject is whole: a pattern would take in forks and tags.
 */
export function deployerTrust(
  d: Deployment,
  host: CodeHost,
  repositories: readonly string[],
  branch: string,
): DeployerTrust {
  const { issuer, audience } = HOSTS[host];
  const subjects = repositories.map((repository) =>
    host === "github"
      ? `repo:${repository}:environment:${d.stage}`
      : `project_path:${repository}:ref_type:branch:ref:${branch}`,
  );
  return {
    Sid: "Take",
    Effect: "Allow",
    Principal: { Federated: providerArn(d, host) },
    Action: "sts:AssumeRoleWithWebIdentity",
    Condition: { StringEquals: { [`${issuer}:aud`]: audience, [`${issuer}:sub`]: subjects } },
  };
}

/** The deployer's one inline policy. */
export function deployerStatements(d: Deployment): Statement[] {
  return [...ofSst(d), ...ofRoles(d), ...ofFunctions(d), ...ofCalls(d), ...ofWatching(d), ...ofReading(d)];
}

/** For these AWS knows no resource, or one that is made of an id. */
export const DEPLOYERS_UNSCOPED: Readonly<Record<string, string>> = {
  "ecs:DeregisterTaskDefinition": "AWS scopes it to nothing.",
  "ecs:DescribeTaskDefinition": "AWS scopes it to nothing.",
  "ec2:DescribeAvailabilityZones": "A description, of everything or nothing.",
  "ec2:DescribeSecurityGroups": "As above.",
  "ec2:DescribeSubnets": "As above.",
  "ec2:DescribeVpcs": "As above.",
  "logs:CreateLogDelivery": "The access log of the API is a delivery, which has no resource.",
  "logs:GetLogDelivery": "As above.",
  "logs:UpdateLogDelivery": "As above.",
  "logs:ListLogDeliveries": "As above.",
  "logs:DescribeLogGroups": "As above.",
  "logs:DescribeResourcePolicies": "As above.",
  "logs:PutResourcePolicy": "As above.",
  "states:ValidateStateMachineDefinition": "A definition that is looked at belongs to no machine yet.",
  "sts:GetCallerIdentity": "Who one is has no resource.",
};

/** https://sst.dev/docs/iam-credentials: its state, the code that it uploads, and where both are. */
function ofSst(d: Deployment): Statement[] {
  const parameter = (name: string) => `arn:${d.partition}:ssm:${d.region}:${d.account}:parameter/sst/${name}`;
  return [
    allow(
      "FindSst",
      ["ssm:GetParameter", "ssm:GetParameters"],
      [parameter("bootstrap"), parameter(`passphrase/${d.app}/${d.stage}`)],
    ),
    allow(
      "ListSst",
      ["s3:ListBucket"],
      [`arn:${d.partition}:s3:::sst-state-*`, `arn:${d.partition}:s3:::sst-asset-*`],
      ofAccount(d),
    ),
    allow(
      "KeepState",
      ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
      // App, lock, secrets and history each have a folder, in it the app's, and in that a file or a folder for each stage.
      [".json", "/*"].map((end) => `arn:${d.partition}:s3:::sst-state-*/*/${d.app}/${d.stage}${end}`),
      ofAccount(d),
    ),
    allow(
      "UploadCode",
      ["s3:GetObject", "s3:PutObject"],
      [`arn:${d.partition}:s3:::sst-asset-*/*`],
      ofAccount(d),
    ),
    allow("KnowOneself", ["sts:GetCallerIdentity"], ["*"]),
  ];
}

/** Roles of the deployment, each within the boundary, and lent to AWS's own services alone. */
function ofRoles(d: Deployment): Statement[] {
  const roles = [`arn:${d.partition}:iam::${d.account}:role/${prefix(d)}-*`];
  return [
    allow("MakeRoles", ["iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePolicy"], roles, {
      ArnEquals: { "iam:PermissionsBoundary": boundaryArn(d) },
    }),
    allow(
      "KeepRoles",
      [
        "iam:DeleteRole",
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies",
        "iam:ListInstanceProfilesForRole",
        "iam:ListRolePolicies",
        "iam:TagRole",
        "iam:UntagRole",
        "iam:UpdateAssumeRolePolicy",
        "iam:UpdateRole",
      ],
      roles,
    ),
    allow("LendRoles", ["iam:PassRole"], roles, {
      StringEquals: {
        "iam:PassedToService": ["ecs-tasks", "lambda", "scheduler", "states"].map(
          (service) => `${service}.amazonaws.com`,
        ),
      },
    }),
    allow(
      "LookAtOwnRights",
      ["iam:GetPolicy", "iam:GetPolicyVersion", "iam:ListPolicyVersions"],
      [boundaryArn(d)],
    ),
    allow(
      "LookAtDeployers",
      ["iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"],
      [`arn:${d.partition}:iam::${d.account}:role/deployer-of-${prefix(d)}-*`],
    ),
    allow(
      "LookAtProviders",
      ["iam:GetOpenIDConnectProvider"],
      (Object.keys(HOSTS) as CodeHost[]).map((host) => providerArn(d, host)),
    ),
  ];
}

/** Code, versions and machines; of functions only `prepare` is called, which brings the control database up to date. */
function ofFunctions(d: Deployment): Statement[] {
  const functions = arn(d, "lambda", `function:${prefix(d)}-*`);
  const machines = arn(d, "states", `stateMachine:${prefix(d)}-*`);
  return [
    allow(
      "RenewFunctions",
      [
        ...["AddPermission", "CreateAlias", "CreateFunction", "DeleteAlias", "DeleteFunction"],
        ...["DeleteFunctionConcurrency", "DeleteFunctionEventInvokeConfig", "GetAlias", "GetFunction"],
        ...["GetFunctionCodeSigningConfig", "GetFunctionConcurrency", "GetFunctionConfiguration"],
        ...["GetFunctionEventInvokeConfig", "GetPolicy", "ListTags", "ListVersionsByFunction"],
        ...["PublishVersion", "PutFunctionConcurrency", "PutFunctionEventInvokeConfig", "RemovePermission"],
        ...["TagResource", "UntagResource", "UpdateAlias", "UpdateFunctionCode"],
        ...["UpdateFunctionConfiguration", "UpdateFunctionEventInvokeConfig"],
      ].map((action) => `lambda:${action}`),
      [functions],
    ),
    allow(
      "Prepare",
      ["lambda:InvokeFunction"],
      [functionArn(d, "prepare"), `${functionArn(d, "prepare")}:*`],
    ),
    allow(
      "RenewMachines",
      [
        ...["CreateStateMachine", "CreateStateMachineAlias", "DeleteStateMachine", "DeleteStateMachineAlias"],
        ...["DeleteStateMachineVersion", "DescribeStateMachine", "DescribeStateMachineAlias"],
        ...["ListStateMachineVersions", "ListTagsForResource", "PublishStateMachineVersion", "TagResource"],
        ...["UntagResource", "UpdateStateMachine", "UpdateStateMachineAlias"],
      ].map((action) => `states:${action}`),
      [machines],
    ),
    allow("CheckMachines", ["states:ValidateStateMachineDefinition"], ["*"]),
    allow("RenewContainer", ["ecs:RegisterTaskDefinition", "ecs:TagResource"], [taskDefinitionArns(d)]),
    allow("LookAtContainer", ["ecs:DeregisterTaskDefinition", "ecs:DescribeTaskDefinition"], ["*"]),
    allow("LookAtCluster", ["ecs:DescribeClusters", "ecs:ListTagsForResource"], [clusterArn(d)]),
  ];
}

/** What calls the functions: routes, rules and schedules. The API's own id is known to nobody before it is made. */
function ofCalls(d: Deployment): Statement[] {
  const apis = `arn:${d.partition}:apigateway:${d.region}::/apis`;
  return [
    allow(
      "RenewApi",
      ["apigateway:GET", "apigateway:PATCH", "apigateway:POST", "apigateway:PUT"],
      [`${apis}/*`],
    ),
    allow("RemoveRoutes", ["apigateway:DELETE"], [`${apis}/*/routes/*`, `${apis}/*/integrations/*`]),
    allow(
      "RenewRules",
      [
        ...["DeleteRule", "DescribeRule", "ListTagsForResource", "ListTargetsByRule", "PutRule"],
        ...["PutTargets", "RemoveTargets", "TagResource", "UntagResource"],
      ].map((action) => `events:${action}`),
      [arn(d, "events", `rule/${prefix(d)}/${prefix(d)}-*`), arn(d, "events", `rule/${prefix(d)}-*`)],
    ),
    allow("LookAtBus", ["events:DescribeEventBus", "events:ListTagsForResource"], [busArn(d)]),
    allow(
      "RenewSchedules",
      ["CreateSchedule", "DeleteSchedule", "GetSchedule", "UpdateSchedule"].map(
        (action) => `scheduler:${action}`,
      ),
      [arn(d, "scheduler", `schedule/${prefix(d)}/${prefix(d)}-*`)],
    ),
    allow(
      "LookAtSchedules",
      ["scheduler:GetScheduleGroup", "scheduler:ListTagsForResource"],
      [arn(d, "scheduler", `schedule-group/${prefix(d)}`)],
    ),
  ];
}

/** Logs, alarms and the dashboard. */
function ofWatching(d: Deployment): Statement[] {
  const names = [
    `/aws/lambda/${prefix(d)}-*`,
    `/aws/vendedlogs/states/${prefix(d)}-*`,
    ...[accessLogGroup(d), `${accessLogGroup(d)}:*`],
    `/${d.app}/${d.stage}/*`,
  ];
  return [
    allow(
      "RenewLogs",
      [
        ...["CreateLogGroup", "DeleteLogGroup", "ListTagsForResource"],
        ...["PutRetentionPolicy", "TagResource", "UntagResource"],
      ].map((action) => `logs:${action}`),
      names.map((name) => arn(d, "logs", `log-group:${name}`)),
    ),
    allow(
      "DeliverAccessLog",
      [
        ...["CreateLogDelivery", "DescribeLogGroups", "DescribeResourcePolicies", "GetLogDelivery"],
        ...["ListLogDeliveries", "PutResourcePolicy", "UpdateLogDelivery"],
      ].map((action) => `logs:${action}`),
      ["*"],
    ),
    allow(
      "RenewAlarms",
      [
        ...["DeleteAlarms", "DescribeAlarms", "ListTagsForResource", "PutMetricAlarm", "TagResource"],
        "UntagResource",
      ].map((action) => `cloudwatch:${action}`),
      [arn(d, "cloudwatch", `alarm:${prefix(d)}-*`)],
    ),
    allow(
      "RenewDashboard",
      ["cloudwatch:GetDashboard", "cloudwatch:PutDashboard"],
      [`arn:${d.partition}:cloudwatch::${d.account}:dashboard/${prefix(d)}`],
    ),
  ];
}

/** What stands and is only looked at: the queue, the network, and what a new network is made from. */
function ofReading(d: Deployment): Statement[] {
  return [
    allow("LookAtQueue", ["sqs:GetQueueAttributes", "sqs:ListQueueTags"], [deadLetterQueueArn(d)]),
    allow(
      "LookAtNetwork",
      ["AvailabilityZones", "SecurityGroups", "Subnets", "Vpcs"].map((kind) => `ec2:Describe${kind}`),
      ["*"],
    ),
    allow(
      "FindImage",
      ["ssm:GetParameter"],
      [`arn:${d.partition}:ssm:${d.region}::parameter/aws/service/ami-amazon-linux-latest/*`],
    ),
  ];
}

function ofAccount(d: Deployment): Condition {
  return { StringEquals: { "aws:ResourceAccount": d.account } };
}

function arn(d: Deployment, service: string, resource: string): string {
  return `arn:${d.partition}:${service}:${d.region}:${d.account}:${resource}`;
}
