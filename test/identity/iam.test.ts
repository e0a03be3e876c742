/** Requests signed for AWS, by the SDK's own signer, through the local gateway to the API's handler. */
import { Sha256 } from "@smithy/core/checksum";
import { SignatureV4 } from "@smithy/signature-v4";
import { afterAll, beforeAll, expect, test } from "vitest";
import { IAM_ISSUER, principalOf } from "../../core/principal.ts";
import type { Principal } from "../../local/api-gateway/iam.ts";
import { type ApiGateway, startApiGateway } from "../../local/api-gateway.ts";
import { keepPerson, openWorld, type World } from "../api/world.ts";

const DEPLOY: Principal = {
  accessKeyId: "ASIADEPLOY",
  secretAccessKey: "deploy-secret",
  sessionToken: "deploy-session",
  userArn: "arn:aws:sts::111122223333:assumed-role/deploy/i-0123456789",
};
const STRANGER: Principal = {
  accessKeyId: "AKIASTRANGER",
  secretAccessKey: "stranger-secret",
  userArn: "arn:aws:iam::111122223333:user/stranger",
};

let world: World;
let gateway: ApiGateway;

beforeAll(async () => {
  world = await openWorld();
  const { handler } = await import("../../functions/api/main.ts");
  gateway = await startApiGateway({
    functionName: "api",
    principals: [DEPLOY, STRANGER],
    invoke: async (_, event) => ({ payload: await handler(event as Parameters<typeof handler>[0]) }),
  });
  await keepPerson(world.ledger, "deployer", "rk_deployer", [{ environment: "*", role: "promoter" }]);
  // As an admin copies it from the console of AWS, with its path.
  const bound = await world.call("POST", "/people/deployer/identities", {
    issuer: IAM_ISSUER,
    subject: "arn:aws:iam::111122223333:role/ci/eu/deploy",
  });
  expect(bound.status).toBe(200);
});

afterAll(async () => {
  await gateway?.stop();
  await world?.close();
});

interface Sent {
  method?: string;
  body?: string;
  headers?: Record<string, string>;
  query?: Record<string, string | string[]>;
  /** Changes what is signed before it goes. */
  tamper?: (request: { path: string; headers: Record<string, string>; body: string }) => void;
  by?: Principal;
  at?: Date;
  service?: string;
}

/** Signs as an SDK does, and sends it. */
async function signed(path: string, sent: Sent = {}) {
  const { method = "GET", body = "", query = {}, by = DEPLOY } = sent;
  const { host, hostname, port } = new URL(gateway.url);
  const signer = new SignatureV4({
    service: sent.service ?? "execute-api",
    region: "eu-central-1",
    credentials: by,
    sha256: Sha256,
  });
  const request = await signer.sign(
    {
      method,
      protocol: "http:",
      hostname,
      port: Number(port),
      path,
      query,
      headers: { host, ...sent.headers },
      ...(body !== "" && { body }),
    },
    { ...(sent.at && { signingDate: sent.at }) },
  );
  const going = { path, headers: { ...request.headers }, body };
  sent.tamper?.(going);
  delete going.headers.host;
  const parameters = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().map((one) => `${encodeURIComponent(name)}=${encodeURIComponent(one)}`),
  );
  const response = await fetch(
    `${gateway.url}${going.path}${parameters.length ? `?${parameters.join("&")}` : ""}`,
    {
      method,
      headers: going.headers,
      ...(going.body !== "" && { body: going.body }),
    },
  );
  const text = await response.text();
  return { status: response.status, body: (text.startsWith("{") ? JSON.parse(text) : text) as unknown };
}

test("a request that a role's session signed speaks as the person that the role is mapped to", async () => {
  expect(await signed("/iam/me")).toMatchObject({
    status: 200,
    body: { person: "deployer", credential: { kind: "iam", id: DEPLOY.userArn } },
  });
});

test("so does one with a query, a path that is escaped, and a body", async () => {
  const query = { limit: "5", environment: "none such" };
  expect(await signed("/iam/promotions", { query })).toMatchObject({ body: { code: "InputInvalid" } });
  expect(await signed("/iam/environments/a%20b")).toMatchObject({ body: { code: "InputInvalid" } });
  const body = JSON.stringify({ environment: "nowhere", release: "0".repeat(64), note: "größer" });
  const headers = { "content-type": "application/json" };
  const posted = await signed("/iam/promotions", { method: "POST", body, headers });
  expect(posted).toMatchObject({ status: 400, body: { code: "InputInvalid" } });
});

test("a principal that is mapped to nobody is refused, and told how that is done", async () => {
  expect(await signed("/iam/me", { by: STRANGER })).toMatchObject({
    status: 401,
    body: {
      code: "IdentityUnknown",
      hint: `an admin says who that is: rehearsal person identity NAME aws-iam '${STRANGER.userArn}'`,
    },
  });
});

test.each<[what: string, sent: Sent]>([
  ["with a wrong secret", { by: { ...DEPLOY, secretAccessKey: "guessed" } }],
  ["by nobody known", { by: { ...DEPLOY, accessKeyId: "ASIAUNKNOWN" } }],
  ["with another session's token", { by: { ...DEPLOY, sessionToken: "other" } }],
  ["an hour ago", { at: new Date(Date.now() - 3_600_000) }],
  ["in an hour", { at: new Date(Date.now() + 3_600_000) }],
  ["for another service", { service: "s3" }],
  ["for another path", { tamper: (going) => Object.assign(going, { path: "/iam/environments" }) }],
  [
    "for another body",
    { method: "POST", body: "{}", tamper: (going) => Object.assign(going, { body: '{"a":1}' }) },
  ],
  [
    "for another body whose hash it also says",
    {
      method: "POST",
      body: "{}",
      headers: { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" },
      tamper: (going) => Object.assign(going, { body: '{"a":1}' }),
    },
  ],
  ["not at all", { tamper: (going) => delete going.headers.authorization }],
])("what is signed %s does not come through", async (_, sent) => {
  expect(await signed("/iam/me", sent)).toEqual({ status: 403, body: { message: "Forbidden" } });
});

test("who a request says that it is by, in its headers or its path, is heeded by nobody", async () => {
  const claim = JSON.stringify({ iam: { userArn: DEPLOY.userArn } });
  const headers = {
    "x-amzn-requestcontext": claim,
    "x-amz-user-arn": DEPLOY.userArn,
    "x-forwarded-user": "deployer",
  };
  for (const path of ["/me", "/iam", "//iam/me", "/%69am/me", "/iam%2Fme", "/IAM/me"]) {
    const response = await fetch(gateway.url + path, { headers });
    expect([401, 403, 404], path).toContain(response.status);
  }
  // A key shown where a signature is asked for is not looked at.
  const key = await fetch(`${gateway.url}/iam/me`, { headers: { authorization: "Bearer rk_deployer" } });
  expect(key.status).toBe(403);
  const escaped = await fetch(`${gateway.url}/%69am/me`, {
    headers: { authorization: "Bearer rk_deployer" },
  });
  expect(escaped.status).toBe(401);
  expect(await escaped.json()).toMatchObject({
    detail: expect.stringContaining("is not signed"),
  });
});

test("a signature opens the API and not the console", async () => {
  const response = await fetch(`${gateway.url}/iam/console`, { redirect: "manual" });
  expect(response.status).toBe(403);
  await expect(signed("/iam/console")).resolves.toMatchObject({ status: 404 });
});

test.each([
  ["arn:aws:sts::111122223333:assumed-role/deploy/i-1", "arn:aws:iam::111122223333:role/deploy"],
  ["arn:aws-cn:sts::111122223333:assumed-role/deploy/a@b", "arn:aws-cn:iam::111122223333:role/deploy"],
  ["arn:aws:iam::111122223333:role/a/b/deploy", "arn:aws:iam::111122223333:role/deploy"],
  ["arn:aws:iam::111122223333:user/a/somebody", "arn:aws:iam::111122223333:user/a/somebody"],
  ["arn:aws:sts::111122223333:federated-user/x", "arn:aws:sts::111122223333:federated-user/x"],
  ["arn:aws:sts::111122223333:assumed-role/deploy", "arn:aws:sts::111122223333:assumed-role/deploy"],
])("%s is %s", (arn, principal) => {
  expect(principalOf(arn)).toBe(principal);
});
