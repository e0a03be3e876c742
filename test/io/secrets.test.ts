import { mkdtemp, rm } from "node:fs/promises";
import { createServer, request as forward } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

test("whoever writes a secret, for the first time or again, asks for no value of it", async () => {
  const secrets = openSecrets({ endpoint: endpoint.url });
  const asked: string[] = [];
  const recorder = createServer((request, response) => {
    const operation = String(request.headers["x-amz-target"]).split(".")[1] ?? "";
    asked.push(operation);
    const onwards = forward(endpoint.url, { method: "POST", headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onwards);
  });
  await new Promise<void>((resolve) => recorder.listen(0, "127.0.0.1", resolve));
  const { port } = recorder.address() as AddressInfo;
  const writer = openSecrets({ endpoint: `http://127.0.0.1:${port}` });
  expect(await writer.hasSecret("prod/written")).toBe(false);
  await writer.writeSecret("prod/written", "x");
  await writer.writeSecret("prod/written", "y");
  expect(await writer.hasSecret("prod/written")).toBe(true);
  recorder.closeAllConnections();
  recorder.close();
  expect(asked).toEqual([
    "DescribeSecret",
    "CreateSecret",
    "CreateSecret",
    "PutSecretValue",
    "DescribeSecret",
  ]);
  expect(await secrets.readSecret("prod/written")).toBe("y");
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

test("a secret that is named by its ARN is asked for in the region that it is in", async () => {
  const regions: string[] = [];
  const recorder = createServer((request, response) => {
    regions.push(/Credential=[^/]+\/\d+\/([^/]+)/.exec(request.headers.authorization ?? "")?.[1] ?? "");
    response.writeHead(200, { "content-type": "application/x-amz-json-1.1" }).end('{"SecretString":"found"}');
    request.resume();
  });
  await new Promise<void>((resolve) => recorder.listen(0, "127.0.0.1", resolve));
  const { port } = recorder.address() as AddressInfo;
  const secrets = openSecrets({ endpoint: `http://127.0.0.1:${port}` });
  for (const id of ["here", "arn:aws:secretsmanager:eu-west-1:222222222222:secret:there-AbCdEf", "here"])
    expect(await secrets.readSecret(id)).toBe("found");
  expect(regions).toEqual(["us-east-1", "eu-west-1", "us-east-1"]);
  await new Promise((resolve) => recorder.close(resolve));
});
