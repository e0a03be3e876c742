/** What a stage says of itself: its defaults, what it may say, and how a slip is told. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { bucketName, type Deployment, type RoleName, roleName } from "../../infra/deployment.ts";
import { TABLE } from "../../infra/permissions/permissions.ts";
import { isPermanent, parseSettings, readSettings, stageName } from "../../infra/settings.ts";
import { refusalOf } from "../refusal.ts";
import { ROOT } from "./program/platform.ts";

const parse = (text: string) => parseSettings("deploy/x.yaml", Buffer.from(text));

test("a stage without a file has a database that pauses, a network of its own, and nothing of anybody else's", () => {
  const settings = readSettings(ROOT, "no-such-stage");
  expect(settings.network).toEqual({ kind: "new", cidr: "10.64.0.0/16", egress: "instance" });
  expect(settings.controlDatabase).toMatchObject({ kind: "aurora", pauseAfter: 300 });
  expect(settings.reach.storageBuckets).toEqual([]);
  expect(settings.deployers).toMatchObject({ github: [], gitlab: [] });
  expect(isPermanent("no-such-stage", settings)).toBe(false);
  expect(isPermanent("prod", settings)).toBe(true);
});

test("the example says everything that may be said", () => {
  const example = readFileSync(`${ROOT}/deploy/example.yaml`, "utf8");
  const settings = readSettings(ROOT, "example");
  const unsaid = Object.keys(settings).filter((key) => !new RegExp(`^${key}:`, "m").test(example));
  // Where the console is opened follows from the domain.
  expect(unsaid).toEqual([]);
});

test.each([
  [
    "an unknown key, with what was meant",
    "regoin: eu-west-1",
    'the key "regoin" is not known, did you mean "region"?',
  ],
  ["a region that is none", "region: Ireland", "region: use a region's name, such as eu-west-1"],
  ["Aurora without a network", "network: { kind: none }", "network: Aurora is reached only within a network"],
  [
    "Aurora in one subnet",
    "network: { kind: existing, vpc: vpc-0a1b2c3d, subnets: [subnet-0a1b2c3d] }",
    "network.subnets: Aurora wants two subnets",
  ],
  [
    "a version that Aurora does not pause",
    "controlDatabase: { kind: aurora, version: '16.2' }",
    "controlDatabase.version: use a version such as 17",
  ],
  ["a rate that is none", "clock: { sweep: hourly }", 'clock.sweep: use "rate(5 minutes)"'],
  ["days that CloudWatch does not know", "logDays: 10", "logDays:"],
  [
    "a repository without an owner",
    "deployers: { github: [shop] }",
    "deployers.github.0: use owner/repository",
  ],
  [
    "a secret without the end of its ARN",
    "controlDatabase: { kind: given, secret: 'arn:aws:secretsmanager:eu-west-1:1:secret:x' }",
    "controlDatabase.secret: use the secret's whole ARN",
  ],
])("%s is refused", async (_, text, problem) => {
  const error = await refusalOf(async () => parse(text));
  expect(error).toMatchObject({ code: "SettingsInvalid" });
  expect(error.message).toContain(problem);
  expect(error.hint).toContain("deploy/example.yaml");
});

test("a stage whose name cannot be part of a bucket's is refused", async () => {
  for (const name of ["Prod", "fourteen-chars", "1st", "under_score"])
    expect(await refusalOf(async () => stageName(name))).toMatchObject({ code: "SettingsInvalid" });
  expect(stageName("pr-1234")).toBe("pr-1234");
});

test("the longest stage in the longest region has names that AWS takes", () => {
  const d: Deployment = {
    ...{
      app: "rehearsal",
      stage: "a".repeat(13),
      partition: "aws",
      region: "ap-southeast-1",
      account: "1".repeat(12),
    },
  };
  expect(bucketName(d).length).toBeLessThanOrEqual(63);
  for (const name of Object.keys(TABLE) as RoleName[])
    expect(roleName(d, name).length).toBeLessThanOrEqual(64);
});
