import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DescribeSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSecrets } from "../../io/secrets.ts";
import { startSecretsManager } from "../../local/secrets-manager.ts";

Object.assign(process.env, {
  AWS_REGION: "us-east-1",
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
});

let folder = "";
let endpoint: Awaited<ReturnType<typeof startSecretsManager>>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "secrets-"));
  endpoint = await startSecretsManager({ folder });
});
afterEach(async () => {
  await endpoint.stop();
  await rm(folder, { recursive: true, force: true });
});

test("a secret is written, read back, given a new value, and its old one given back", async () => {
  const secrets = openSecrets({ endpoint: endpoint.url });
  for (const value of ["postgres://one", "postgres://two", "postgres://one"]) {
    await secrets.writeSecret("prod/database", value);
    expect(await secrets.readSecret("prod/database")).toBe(value);
  }
});

test("writing the value it has makes no version", async () => {
  const secrets = openSecrets({ endpoint: endpoint.url });
  await secrets.writeSecret("prod/database", "x");
  await secrets.writeSecret("prod/database", "x");
  const client = new SecretsManagerClient({ endpoint: endpoint.url });
  const described = await client.send(new DescribeSecretCommand({ SecretId: "prod/database" }));
  expect(Object.keys(described.VersionIdsToStages ?? {})).toHaveLength(1);
});

test("a secret that is not there is SecretMissing", async () => {
  await expect(openSecrets({ endpoint: endpoint.url }).readSecret("none")).rejects.toMatchObject({
    code: "SecretMissing",
    status: 404,
    hint: expect.stringContaining("register the environment again"),
  });
});

test("abuse 35: a refusal's words do not hold the secret", async () => {
  const secrets = openSecrets({ endpoint: endpoint.url });
  await expect(secrets.writeSecret("a name that is refused", "hunter2")).rejects.toSatisfy(
    (error: Error & { facts: object; hint: string }) =>
      !JSON.stringify([error.message, error.facts, error.hint]).includes("hunter2"),
  );
});
