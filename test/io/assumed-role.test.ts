/** Roles of other accounts, taken at a real endpoint by the real SDK: for tokens of databases that are there. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseDatabaseUrl } from "../../core/database-url.ts";
import { iamToken } from "../../io/postgres/iam-token.ts";
import type { Endpoint } from "../../local/loopback.ts";
import type { SigningKeys } from "../../local/signer.ts";
import { startSts } from "../../local/sts.ts";
import { readRdsToken } from "../rds-token.ts";
import { refusalOf } from "../refusal.ts";

const OURS = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "a secret of ours" };
const ROLE = "arn:aws:iam::222222222222:role/rehearsal-environments-shop";
const THEIRS = "arn:aws:iam::333333333333:role/rehearsal-environments-shop";
const taken: { arn: string; keys: Required<SigningKeys> }[] = [];
let sts: Endpoint;

beforeAll(async () => {
  sts = await startSts({
    roles: [
      { arn: ROLE, externalId: "rehearsal/prod" },
      { arn: THEIRS, externalId: "rehearsal/somebody-else" },
    ],
    callers: [OURS],
    onTaken: (arn, keys) => void taken.push({ arn, keys }),
  });
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_STS: sts.url,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: OURS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: OURS.secretAccessKey,
    REHEARSAL_SECRETS: "rehearsal/prod",
  });
});
afterAll(() => sts.stop());

const address = (role: string) =>
  parseDatabaseUrl(
    `postgresql://promoter@db.example.com/shop?auth=iam&region=eu-west-1&assume=${encodeURIComponent(role)}`,
  );

async function token(role: string): Promise<string> {
  const at = address(role);
  return iamToken(at, at.iam ?? { region: "" });
}

test("a database of another account gets tokens signed by the role there, which is taken once", async () => {
  const [one, two] = [await token(ROLE), await token(ROLE)];
  expect(taken.map(({ arn }) => arn)).toEqual([ROLE]);
  const { secretAccessKey = "", sessionToken } = taken[0]?.keys ?? {};
  for (const made of [one, two])
    expect(readRdsToken(made, secretAccessKey)).toMatchObject({
      ...{ user: "promoter", region: "eu-west-1", sessionToken },
    });
  expect(() => readRdsToken(one, OURS.secretAccessKey)).toThrow("the signature is wrong");
});

test("a role that trusts another deployment is not to be had, and it is said which", async () => {
  expect(await refusalOf(() => token(THEIRS))).toMatchObject({
    code: "AwsCallFailed",
    message: expect.stringContaining(THEIRS),
    hint: expect.stringContaining("permissions"),
  });
});

test("a role is asked for only where a token is, and has to be one", async () => {
  for (const [options, problem] of [
    ["assume=arn:aws:iam::222222222222:role/x", "only with auth=iam"],
    ["auth=iam&region=eu-west-1&assume=admin", "assume is no role"],
    ["auth=iam&region=eu-west-1&assume=arn:aws:iam::222222222222:user/x", "assume is no role"],
  ])
    expect(await refusalOf(() => parseDatabaseUrl(`postgresql://u@h/d?${options}`))).toMatchObject({
      code: "InputInvalid",
      message: expect.stringContaining(problem ?? ""),
    });
});
