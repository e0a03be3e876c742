/** Tokens in place of passwords: signed with what the process has, and with nothing when it has nothing. */
import { expect, test } from "vitest";
import { iamToken } from "../../io/postgres/iam-token.ts";
import { readRdsToken } from "../rds-token.ts";
import { refusalOf } from "../refusal.ts";

const ADDRESS = {
  ...{ host: "main.abc.eu-central-1.rds.amazonaws.com", port: 5432, database: "main" },
  ...{ user: "promoter (it's; *)", sslmode: "verify-full" as const },
};

test("a token names server, user and region, and is signed with the process's credentials as they are then", async () => {
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
  Object.assign(process.env, {
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_CONFIG_FILE: "/nowhere/config",
    AWS_SHARED_CREDENTIALS_FILE: "/nowhere/credentials",
  });
  expect(await refusalOf(() => iamToken(ADDRESS, { region: "eu-central-1" }))).toMatchObject({
    code: "AwsCallFailed",
    hint: expect.stringContaining("credentials"),
  });
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
    AWS_SECRET_ACCESS_KEY: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    AWS_SESSION_TOKEN: "temporary/and+long==",
  });
  const before = Date.now();
  const token = await iamToken(ADDRESS, { region: "eu-central-1" });
  const read = readRdsToken(token, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
  expect(read).toMatchObject({
    server: "main.abc.eu-central-1.rds.amazonaws.com:5432",
    user: "promoter (it's; *)",
    region: "eu-central-1",
    seconds: 900,
    sessionToken: "temporary/and+long==",
  });
  expect(Math.abs(read.signedAt.getTime() - before)).toBeLessThan(5_000);
  expect(() => readRdsToken(token, "another key")).toThrow("the signature is wrong");
});
