import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startSecretsManager } from "../../local/secrets-manager.ts";

let folder = "";
let endpoint: Awaited<ReturnType<typeof startSecretsManager>>;
let client: SecretsManagerClient;

async function start() {
  endpoint = await startSecretsManager({ folder });
  client = new SecretsManagerClient({
    endpoint: endpoint.url,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
}
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "secrets-"));
  await start();
});
afterEach(async () => {
  await endpoint.stop();
  await rm(folder, { recursive: true, force: true });
});

const Name = "rehearsal/prod/database";
const create = (SecretString: string, ClientRequestToken?: string) =>
  client.send(new CreateSecretCommand({ Name, SecretString, ClientRequestToken }));
const put = (SecretString: string, ClientRequestToken?: string) =>
  client.send(new PutSecretValueCommand({ SecretId: Name, SecretString, ClientRequestToken }));
const get = (more: object = {}) => client.send(new GetSecretValueCommand({ SecretId: Name, ...more }));

test("a secret is read by name or ARN, and its files are nobody else's to read", async () => {
  const { ARN } = await create("one");
  expect((await get()).SecretString).toBe("one");
  expect((await client.send(new GetSecretValueCommand({ SecretId: ARN }))).Name).toBe(Name);
  for (const file of await readdir(folder)) expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600);
});

test("a new value becomes current, the one before it previous, and both survive a restart", async () => {
  await create("one");
  await put("two");
  await put("three");
  await endpoint.stop();
  await start();
  expect((await get()).SecretString).toBe("three");
  expect((await get({ VersionStage: "AWSPREVIOUS" })).SecretString).toBe("two");
  const described = await client.send(new DescribeSecretCommand({ SecretId: Name }));
  expect(Object.values(described.VersionIdsToStages ?? {})).toEqual([["AWSPREVIOUS"], ["AWSCURRENT"]]);
});

test("the same request token with the same value is one version, with another value it is refused", async () => {
  const token = "0".repeat(32);
  const first = await create("one", token);
  expect((await create("one", token)).VersionId).toBe(first.VersionId);
  await expect(create("two", token)).rejects.toMatchObject({ name: "ResourceExistsException" });
  await put("two", "1".repeat(32));
  await put("two", "1".repeat(32));
  await expect(put("three", "1".repeat(32))).rejects.toMatchObject({ name: "ResourceExistsException" });
  expect((await get({ VersionStage: "AWSPREVIOUS" })).SecretString).toBe("one");
});

test("a deleted secret is gone at once when forced, else kept unreadable until its date", async () => {
  await create("one");
  await client.send(new DeleteSecretCommand({ SecretId: Name, RecoveryWindowInDays: 7 }));
  await expect(get()).rejects.toMatchObject({ name: "InvalidRequestException" });
  expect((await client.send(new DescribeSecretCommand({ SecretId: Name }))).DeletedDate).toBeInstanceOf(Date);
  await client.send(new DeleteSecretCommand({ SecretId: Name, ForceDeleteWithoutRecovery: true }));
  await expect(get()).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  await create("anew");
  expect((await get()).SecretString).toBe("anew");
});

test("what is not served is answered 501", async () => {
  await expect(client.send(new ListSecretsCommand({}))).rejects.toMatchObject({
    name: "UnknownOperationException",
    $metadata: { httpStatusCode: 501 },
  });
});
