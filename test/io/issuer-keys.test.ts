/** An issuer's keys: found, kept, rotated, and what happens when its endpoint is down, slow, or not to be trusted. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { issuerSchema } from "../../core/issuer.ts";
import { type KeyTimes, openIssuerKeys } from "../../io/issuer-keys.ts";
import { assertReach } from "../../io/outside-request.ts";
import { readPublicDocument } from "../../io/public-document.ts";
import { verifyToken } from "../../io/token.ts";
import { startIssuer, type TestIssuer } from "../identity/issuer.ts";
import { refusalOf } from "../refusal.ts";

let issuer: TestIssuer;

beforeAll(async () => {
  issuer = await startIssuer();
});

afterAll(async () => {
  await issuer.stop();
});

let paths = 0;
/** An issuer that nobody has asked for anything yet, and a way to verify its tokens. */
function fresh(times: Partial<KeyTimes> = {}, loopback = true) {
  paths += 1;
  const path = `/issuer-${paths}`;
  const settings = issuerSchema.parse({
    kind: "people",
    url: issuer.url + path,
    audiences: ["rehearsal"],
  });
  const keysOf = openIssuerKeys({ loopback, times });
  return {
    path,
    verify: async (claims: object = {}, options?: Parameters<TestIssuer["sign"]>[2]) =>
      verifyToken(await issuer.sign(path, { sub: "somebody", ...claims }, options), settings, keysOf),
    asked: () => issuer.asked.filter((one) => one.startsWith(`${path}/`)).length,
  };
}

describe("keys", () => {
  test("are fetched once for many tokens, also for those that come at once", async () => {
    const { verify, asked } = fresh();
    await Promise.all([verify(), verify(), verify()]);
    expect(await verify()).toMatchObject({ sub: "somebody" });
    expect(asked()).toBe(2);
  });

  test("that the issuer has since begun to sign with are fetched, those it has withdrawn are forgotten", async () => {
    const { verify } = fresh({ cooldown: 0 });
    await verify();
    const former = issuer.key;
    await issuer.rotate();
    expect(await verify()).toMatchObject({ sub: "somebody" });
    // Both are shown: tokens of the former are good until they end.
    const ofFormer = { key: former.privateKey, header: { kid: former.kid } };
    expect(await verify({}, ofFormer)).toMatchObject({ sub: "somebody" });
    await issuer.rotate({ withdraw: true });
    await verify();
    expect(await refusalOf(() => verify({}, ofFormer))).toMatchObject({
      code: "TokenRefused",
      message: expect.stringContaining("a key that the issuer does not have"),
    });
  });

  test("abuse 23: that nobody has do not make the service ask again and again", async () => {
    const { verify, asked } = fresh();
    await verify();
    const before = asked();
    for (let n = 0; n < 20; n++) await refusalOf(() => verify({}, { header: { kid: `made-up-${n}` } }));
    expect(asked()).toBe(before);
  });

  test("that are kept are used while the endpoint is down", async () => {
    const { verify } = fresh();
    await verify();
    issuer.answerBy((_, response) => response.destroy() !== undefined);
    try {
      expect(await verify()).toMatchObject({ sub: "somebody" });
    } finally {
      issuer.answerBy();
    }
  });
});

describe("an endpoint that", () => {
  type Answer = NonNullable<Parameters<TestIssuer["answerBy"]>[0]>;
  const told =
    (body: string, status = 200, headers: Record<string, string> = {}): Answer =>
    (_, response) => {
      response.writeHead(status, headers).end(body);
      return true;
    };
  const onlyKeys =
    (answer: Answer): Answer =>
    (request, response) =>
      request.url?.endsWith("/keys") === true && answer(request, response);
  const pointing = (keys: string): Answer => {
    return (request, response) => {
      const path = request.url?.replace("/.well-known/openid-configuration", "");
      response.end(JSON.stringify({ issuer: `http://${request.headers.host}${path}`, jwks_uri: keys }));
      return true;
    };
  };
  const cases: [what: string, reason: string, answer: Answer][] = [
    ["hangs up", "socket hang up", (_, response) => response.destroy() !== undefined],
    ["never answers", "did not answer within 0.2 s", () => true],
    ["never ends its answer", "did not answer within 0.2 s", (_, response) => response.write("{") || true],
    ["answers with an error", "it answered 500", told("no", 500)],
    ["leads elsewhere", "it answered 302", told("", 302, { location: "http://127.0.0.1:1/else" })],
    ["answers with rubbish", "not JSON", told("<html>")],
    ["answers with something else", "something else than it should", told("[]")],
    ["answers without end", "more than 262144 bytes", told("x".repeat(300_000))],
    [
      "speaks for another issuer",
      "is of another issuer",
      told(JSON.stringify({ issuer: "https://else.example.com", jwks_uri: "https://else.example.com/keys" })),
    ],
    ["has keys that are none", "something else than it should", onlyKeys(told("[]"))],
    [
      "has a key that is none",
      "its keys cannot be used",
      onlyKeys((_, response) => {
        const key = { kty: "RSA", kid: issuer.key.kid, alg: "RS256", n: "x", e: "y" };
        return response.end(JSON.stringify({ keys: [key] })) !== undefined;
      }),
    ],
    ["has keys that are rubbish", "not JSON", onlyKeys(told("<html>"))],
    ["points to a network of ours", "leads to a private network", pointing("https://10.0.0.1/keys")],
    [
      "points to the cloud's own credentials",
      "leads to an address that is no host's",
      pointing("https://169.254.169.254/latest/meta-data/"),
    ],
    ["points to a file", "not on https", pointing("file:///etc/passwd")],
    ["points elsewhere without TLS", "not on https", pointing("http://keys.example.com/keys")],
  ];

  test.each(cases)("%s lets nobody in, and is not asked again at once", async (_, reason, answer) => {
    const { verify, asked } = fresh({ patience: 200 });
    issuer.answerBy(answer);
    try {
      const refused = await refusalOf(() => verify());
      expect(refused).toMatchObject({ code: "IssuerUnreachable" });
      expect(refused.message).toContain(reason);
      expect(refused.hint).toContain("an API key works meanwhile");
      const before = asked();
      expect((await refusalOf(() => verify())).message).toBe(refused.message);
      expect(asked()).toBe(before);
    } finally {
      issuer.answerBy();
    }
  });

  test("was down lets people in again when it is back", async () => {
    const { verify } = fresh({ afterFailure: 0 });
    issuer.answerBy(told("no", 503));
    await refusalOf(() => verify());
    issuer.answerBy();
    expect(await verify()).toMatchObject({ sub: "somebody" });
  });

  test("is on this machine is asked only where the service is allowed to", async () => {
    const { verify, asked } = fresh({}, false);
    expect(await refusalOf(() => verify())).toMatchObject({
      code: "IssuerUnreachable",
      message: expect.stringContaining("leads to this machine"),
    });
    expect(asked()).toBe(0);
  });
});

describe("an address is looked at", () => {
  const nowhere = { loopback: false, privateNetworks: false };
  test.each([
    ["https://127.0.0.1/"],
    ["https://127.1/"],
    ["https://2130706433/"],
    ["https://0x7f.0.0.1/"],
    ["https://[::1]/"],
    ["https://[::ffff:127.0.0.1]/"],
    ["https://[::ffff:169.254.169.254]/"],
    ["https://[fe80::1]/"],
    ["https://[fd00:ec2::254]/"],
    ["https://[64:ff9b::a9fe:a9fe]/"],
    ["https://0.0.0.0/"],
    ["https://169.254.169.254/"],
    ["https://172.20.0.1/"],
    ["https://192.168.1.1/"],
    ["https://100.100.100.200/"],
    ["https://224.0.0.1/"],
    ["https://255.255.255.255/"],
  ])("%s is refused however it is written", (address) => {
    expect(() => assertReach(new URL(address), nowhere)).toThrow(
      /^it leads to (this machine|a private network|an address that is no host's)$/,
    );
  });

  test("and so is one that a name leads to", async () => {
    // Whatever resolver there is, this name is this machine.
    const asked = readPublicDocument(new URL("https://localhost/"), nowhere);
    await expect(asked).rejects.toThrow("it leads to this machine");
  });

  test("and so is one to which only TLS is missing", async () => {
    expect(() => assertReach(new URL("http://8.8.8.8/"), { loopback: true, privateNetworks: true })).toThrow(
      "not on https",
    );
  });

  test("and the world's are not refused", () => {
    expect(() => assertReach(new URL("https://8.8.8.8/"), nowhere)).not.toThrow();
    expect(() => assertReach(new URL("https://[2606:4700::1]/"), nowhere)).not.toThrow();
  });
});
