/**
 * That functions are turned away where their roles end: by requests of the real SDK, through the guard, to the real endpoints.
 * That their roles suffice is proved by the suites that run whole promotions, tasks and the console behind the same guard.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as s3 from "@aws-sdk/client-s3";
import * as secretsManager from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { FunctionName } from "../../../infra/deployment.ts";
import { LOCAL_CREDENTIALS, startS3 } from "../../../local/s3/server.ts";
import { startSecretsManager } from "../../../local/secrets-manager.ts";
import { type Guard, type SERVICES, startGuard } from "./guard.ts";
import { BUCKET } from "./place.ts";

const stops: (() => Promise<unknown>)[] = [];
let guard: Guard;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "rehearsal-guard-"));
  const bucket = await startS3({ folder: join(folder, "s3"), durable: false });
  const secrets = await startSecretsManager({ folder: join(folder, "secrets") });
  guard = await startGuard(join(folder, "asked.jsonl"));
  guard.open({ AWS_ENDPOINT_URL_S3: bucket.url, AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url });
  stops.push(guard.stop, bucket.stop, secrets.stop, () => rm(folder, { recursive: true }));
  const own = { region: "us-east-1", credentials: LOCAL_CREDENTIALS };
  await new s3.S3Client({ ...own, endpoint: bucket.url }).send(
    new s3.CreateBucketCommand({ Bucket: BUCKET }),
  );
  const keeper = new secretsManager.SecretsManagerClient({ ...own, endpoint: secrets.url });
  for (const use of ["environments", "copies", "destinations"])
    await keeper.send(
      new secretsManager.CreateSecretCommand({ Name: `rehearsal/${use}/shop`, SecretString: use }),
    );
});

afterAll(async () => {
  for (const stop of stops) await stop();
});

const as = (caller: FunctionName, service: (typeof SERVICES)[number]) => ({
  region: "us-east-1",
  credentials: LOCAL_CREDENTIALS,
  endpoint: guard.endpoints[caller]?.[service] ?? "",
  maxAttempts: 1,
});

const secretFor = (caller: FunctionName, use: string) =>
  new secretsManager.SecretsManagerClient(as(caller, "AWS_ENDPOINT_URL_SECRETS_MANAGER"))
    .send(new secretsManager.GetSecretValueCommand({ SecretId: `rehearsal/${use}/shop` }))
    .then(
      ({ SecretString }) => SecretString,
      (error: Error) => error.name,
    );

test.each<[FunctionName, string, string]>([
  ["restore", "copies", "copies"],
  ["restore", "environments", "AccessDeniedException"],
  ["rehearse", "environments", "AccessDeniedException"],
  ["migrate", "environments", "environments"],
  ["decide", "environments", "AccessDeniedException"],
  ["decide", "copies", "AccessDeniedException"],
  ["api", "environments", "AccessDeniedException"],
  ["api", "copies", "AccessDeniedException"],
  ["reconcile", "environments", "AccessDeniedException"],
  ["notify", "destinations", "destinations"],
  ["migrate", "destinations", "AccessDeniedException"],
])("%s asks for the secret of %s, and gets %s", async (caller, use, answer) => {
  expect(await secretFor(caller, use)).toBe(answer);
});

test("the bucket's parts are those who write them: a step cannot write another's, nor anybody remove the log", async () => {
  const store = (caller: FunctionName) => new s3.S3Client(as(caller, "AWS_ENDPOINT_URL_S3"));
  const put = (caller: FunctionName, Key: string) =>
    store(caller)
      .send(new s3.PutObjectCommand({ Bucket: BUCKET, Key, Body: "{}" }))
      .then(
        () => "written",
        (error: Error) => error.name,
      );
  expect(await put("rehearse", "promotions/p1/rehearse/1/report.json")).toBe("written");
  expect(await put("migrate", "promotions/p1/rehearse/1/report.json")).toBe("AccessDenied");
  expect(await put("migrate", "releases/r1.bundle")).toBe("AccessDenied");
  expect(await put("decide", "log/000000000001.json")).toBe("written");
  const remove = (caller: FunctionName) =>
    store(caller)
      .send(new s3.DeleteObjectCommand({ Bucket: BUCKET, Key: "log/000000000001.json" }))
      .catch((error: Error) => error.name);
  for (const caller of ["decide", "task", "sweep", "api", "reconcile"] as const)
    expect(await remove(caller), caller).toBe("AccessDenied");
  const get = (caller: FunctionName, Key: string) =>
    store(caller)
      .send(new s3.GetObjectCommand({ Bucket: BUCKET, Key }))
      .catch((error: Error) => error.name);
  // Only who reads backups is told that one is missing.
  expect(await get("verify", "backups/shop/b1/manifest.json")).toBe("NoSuchKey");
  expect(await get("snapshot", "backups/shop/b1/manifest.json")).toBe("AccessDenied");
  // What it writes it may look at, and is told nothing of what is not there.
  expect(await get("decide", "log/000000000002.json")).toBe("AccessDenied");
});
