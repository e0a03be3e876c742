/** Pipelines that deploy: who may be one, what it can do, and what it cannot give itself. */
import { validateIdentityPolicy, validateTrustPolicy } from "@cloud-copilot/iam-policy";
import { expect, test } from "vitest";
import {
  type Deployment,
  type FunctionName,
  functionArn,
  prefix,
  type RoleName,
} from "../../../infra/deployment.ts";
import { boundaryOf } from "../../../infra/permissions/boundary.ts";
import {
  boundaryArn,
  DEPLOYERS_UNSCOPED,
  deployerName,
  deployerStatements,
  deployerTrust,
} from "../../../infra/permissions/deployers.ts";
import { statementsOf, TABLE } from "../../../infra/permissions/permissions.ts";
import { FUNCTION_NAMES } from "../../../workflows/modules.ts";
import { findings } from "./findings.ts";
import { allowing } from "./iam.ts";
import { DEPLOYMENT as d, surroundings } from "./place.ts";

const deployer = deployerStatements(d);
/** Of managed policies, white space left out. */
const MANAGED_LIMIT = 6_144;

const may = (action: string, resource: string, context: Record<string, string> = {}) =>
  allowing(deployer, { action, resource, context: { "aws:ResourceAccount": d.account, ...context } }) !==
  undefined;

const role = (name: string) => `arn:aws:iam::${d.account}:role/${name}`;

test("a deployer's statements are such as IAM takes, and what is for everything could be for nothing less", async () => {
  const found = await findings(deployer, DEPLOYERS_UNSCOPED);
  // Of the parts of an HTTP API the reference lists only some.
  expect(found.filter((text) => !/, apigateway:[A-Z]+: \S+:\/apis\/\S+ is none of/.test(text))).toEqual([]);
});

test("the boundary is such as IAM takes, and short enough for the longest names too", async () => {
  const long: Deployment = {
    ...d,
    stage: "fifteen-letters",
    partition: "aws-us-gov",
    region: "us-gov-west-1",
  };
  for (const at of [d, long]) {
    const policy = { Version: "2012-10-17", Statement: boundaryOf(at, surroundings()) };
    expect(validateIdentityPolicy(policy)).toEqual([]);
    expect(JSON.stringify(policy).length).toBeLessThanOrEqual(MANAGED_LIMIT);
    expect(policy.Statement.flatMap(({ Action }) => Action).filter((action) => /[*?]/.test(action))).toEqual(
      [],
    );
  }
});

test("all that any role may do is within the boundary", () => {
  const boundary = boundaryOf(d, surroundings());
  const beyond = (Object.keys(TABLE) as RoleName[]).flatMap((name) =>
    statementsOf(name, d, surroundings()).flatMap(({ Sid, Action, Resource, Condition }) =>
      Action.flatMap((action) =>
        Resource.filter(
          (resource) =>
            allowing(boundary, {
              action,
              // A pattern is within a pattern when it is matched by it letter by letter.
              resource,
              context: { "iam:PassedToService": Condition?.StringEquals?.["iam:PassedToService"] ?? "" },
            }) === undefined,
        ).map((resource) => `${name} ${Sid} ${action} ${resource}`),
      ),
    ),
  );
  expect(beyond).toEqual([]);
});

test("the boundary leaves out what would undo it: making users, roles and policies, and keys and buckets of others", () => {
  const actions = boundaryOf(d, surroundings()).flatMap(({ Action }) => Action);
  expect(actions.filter((action) => /^iam:/.test(action))).toEqual(["iam:PassRole"]);
  expect(
    actions.filter((action) =>
      /^(kms:(Put|Create|Schedule)|s3:(PutBucket|DeleteBucket)|lambda:(Update|Create))/.test(action),
    ),
  ).toEqual([]);
});

test("only one environment of the listed repositories can be the deployer, and no pattern lets others in", () => {
  const github = deployerTrust(d, "github", ["acme/shop", "acme/tools"], "main");
  expect(validateTrustPolicy({ Version: "2012-10-17", Statement: [github] })).toEqual([]);
  expect(github.Condition).toEqual({
    StringEquals: {
      "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
      "token.actions.githubusercontent.com:sub": [
        "repo:acme/shop:environment:test",
        "repo:acme/tools:environment:test",
      ],
    },
  });
  const gitlab = deployerTrust(d, "gitlab", ["acme/shop"], "main");
  expect(validateTrustPolicy({ Version: "2012-10-17", Statement: [gitlab] })).toEqual([]);
  expect(gitlab.Condition).toEqual({
    StringEquals: {
      "gitlab.com:aud": "https://gitlab.com",
      "gitlab.com:sub": ["project_path:acme/shop:ref_type:branch:ref:main"],
    },
  });
});

test("a deployer makes roles within the boundary alone, and lends them to AWS's services alone", () => {
  const own = role(`${prefix(d)}-migrate-${d.region}`);
  expect(may("iam:CreateRole", own, { "iam:PermissionsBoundary": boundaryArn(d) })).toBe(true);
  expect(may("iam:CreateRole", own)).toBe(false);
  expect(may("iam:PutRolePolicy", own, { "iam:PermissionsBoundary": `${boundaryArn(d)}x` })).toBe(false);
  expect(may("iam:CreateRole", role("somebody"), { "iam:PermissionsBoundary": boundaryArn(d) })).toBe(false);
  expect(may("iam:PassRole", own, { "iam:PassedToService": "lambda.amazonaws.com" })).toBe(true);
  expect(may("iam:PassRole", own, { "iam:PassedToService": "ec2.amazonaws.com" })).toBe(false);
});

test("a deployer cannot change its own rights, nor the boundary, nor who may be it", () => {
  const itself = role(deployerName(d, "github"));
  const boundary = { "iam:PermissionsBoundary": boundaryArn(d) };
  for (const action of [
    "iam:PutRolePolicy",
    "iam:UpdateAssumeRolePolicy",
    "iam:DeleteRole",
    "iam:AttachRolePolicy",
  ])
    expect(may(action, itself, boundary), action).toBe(false);
  for (const action of ["iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:SetDefaultPolicyVersion"])
    expect(may(action, boundaryArn(d)), action).toBe(false);
  for (const action of [
    "iam:DeleteRolePermissionsBoundary",
    "iam:PutRolePermissionsBoundary",
    "iam:AttachRolePolicy",
  ])
    expect(may(action, role(`${prefix(d)}-migrate-${d.region}`), boundary), action).toBe(false);
});

test("a deployer keeps the state of its own stage, and of none whose name begins alike", () => {
  for (const [key, own] of [
    [`app/rehearsal/${d.stage}.json`, true],
    [`history/rehearsal/${d.stage}/00-x.json`, true],
    [`app/rehearsal/${d.stage}2.json`, false],
    [`app/rehearsal/${d.stage}-2.json`, false],
    [`app/other/${d.stage}.json`, false],
  ] as const)
    expect(may("s3:PutObject", `arn:aws:s3:::sst-state-abc/${key}`), key).toBe(own);
  const group = `arn:aws:logs:${d.region}:${d.account}:log-group:/aws/vendedlogs/api/${prefix(d)}`;
  expect(may("logs:PutRetentionPolicy", group)).toBe(true);
  expect(may("logs:PutRetentionPolicy", `${group}2`)).toBe(false);
});

test("a deployer reads nothing that is kept: no object, no secret, no key; and calls no function but the one that prepares", () => {
  const bucket = `arn:aws:s3:::${prefix(d)}-artifacts-${d.account}-${d.region}`;
  for (const action of ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"])
    expect(may(action, `${bucket}/backups/shop/b1/manifest.json`), action).toBe(false);
  expect(
    deployer
      .flatMap(({ Action }) => Action)
      .filter((action) => /^(secretsmanager|kms|rds|rds-db):/.test(action)),
  ).toEqual([]);
  const called = FUNCTION_NAMES.filter((name: FunctionName) =>
    may("lambda:InvokeFunction", functionArn(d, name)),
  );
  expect(called).toEqual(["prepare"]);
});
