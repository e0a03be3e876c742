/** Tokens of issuers, with real keys and a real endpoint, put to the API. */
import { createHmac } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Actor } from "../../core/access.ts";
import { bindIdentity } from "../../functions/people.ts";
import { keepPerson, openWorld, type Problem, type World } from "../api/world.ts";
import { startIssuer, type TestIssuer } from "./issuer.ts";

let world: World;
let issuer: TestIssuer;
/** Registered as well, with the same keys: its tokens are of nobody else. */
const PEOPLE = "/people";
const OTHERS = "/others";

beforeAll(async () => {
  world = await openWorld();
  issuer = await startIssuer();
  await keepPerson(world.ledger, "operator", "rk_operator");
  for (const path of [PEOPLE, OTHERS])
    await must("PUT", `/issuers${path}`, {
      kind: "people",
      url: issuer.url + path,
      audiences: ["rehearsal"],
      algorithms: ["RS256", "ES256"],
      maxAgeSeconds: 600,
    });
  await bind("operator", PEOPLE, "subject-of-operator");
});

afterAll(async () => {
  await issuer?.stop();
  await world?.close();
});

async function must(method: string, path: string, body?: unknown) {
  const answer = await world.call<Record<string, unknown>>(method, path, body);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

const admin: Actor = {
  person: "tester",
  credential: { kind: "key", id: "tester" },
  grants: [{ environment: "*", role: "admin" }],
};

const bind = (name: string, path: string, subject: string) =>
  bindIdentity(world.ledger, { name, issuer: issuer.url + path, subject }, admin);

/** What the API says to a token. */
async function show<Body = Problem>(token: string, method = "GET", path = "/me", body?: unknown) {
  return world.call<Body>(method, path, body, { authorization: `Bearer ${token}` });
}

const claims = { sub: "subject-of-operator" };
const now = () => Math.floor(Date.now() / 1_000);
const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("a person's token", () => {
  test("speaks as the person that its subject is mapped to, with all that they hold", async () => {
    const answer = await show<Record<string, unknown>>(await issuer.sign(PEOPLE, claims));
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      person: "operator",
      credential: { kind: "token", id: "people subject-of-operator" },
    });
  });

  test("of a subject that nobody is mapped to is refused, and the hint tells how to map it", async () => {
    const answer = await show(await issuer.sign(PEOPLE, { sub: "it's $(nobody)" }));
    expect(answer).toMatchObject({ status: 401, body: { code: "IdentityUnknown" } });
    // What somebody else has named must not run in the shell that the hint is pasted into.
    expect(answer.body.hint).toBe(
      `an admin says who that is: rehearsal person identity NAME ${issuer.url}${PEOPLE} SUBJECT`,
    );
  });

  test("of a subject that the ledger cannot keep is nobody's", async () => {
    const answer = await show(await issuer.sign(PEOPLE, { sub: "subject-of-operator\0" }));
    expect(answer).toMatchObject({ status: 401, body: { code: "IdentityUnknown" } });
  });

  test("of the same subject by another issuer is nobody's", async () => {
    const answer = await show(await issuer.sign(OTHERS, claims));
    expect(answer).toMatchObject({ status: 401, body: { code: "IdentityUnknown" } });
  });

  test("of a person who is disabled opens nothing", async () => {
    await keepPerson(world.ledger, "leaver", "rk_leaver", []);
    await bind("leaver", PEOPLE, "subject-of-leaver");
    const token = await issuer.sign(PEOPLE, { sub: "subject-of-leaver" });
    expect((await show(token)).status).toBe(200);
    await must("POST", "/people/leaver/disable");
    expect(await show(token)).toMatchObject({ status: 401, body: { code: "Unauthorized" } });
  });

  test("is refused from the moment its issuer is removed", async () => {
    await must("PUT", "/issuers/passing", {
      kind: "people",
      url: `${issuer.url}/passing`,
      audiences: ["rehearsal"],
    });
    await bind("operator", "/passing", "subject-of-operator");
    const token = await issuer.sign("/passing", claims);
    expect((await show(token)).status).toBe(200);
    expect((await world.send("/issuers/passing", { method: "DELETE" })).status).toBe(204);
    expect(await show(token)).toMatchObject({ status: 401, body: { code: "TokenRefused" } });
  });
});

describe("what is no token of a registered issuer, for us and for now, is refused", () => {
  const attacker = "http://127.0.0.1:1";
  const cases: [what: string, reason: string, token: () => Promise<string>][] = [
    [
      "with alg none",
      "signed by an algorithm that is not allowed",
      async () => {
        const [, payload] = (await issuer.sign(PEOPLE, claims)).split(".");
        return `${encoded({ alg: "none", typ: "JWT" })}.${payload}.`;
      },
    ],
    [
      "with alg none and the signature of a good one",
      "signed by an algorithm that is not allowed",
      async () => {
        const [, payload, signature] = (await issuer.sign(PEOPLE, claims)).split(".");
        return `${encoded({ alg: "none", typ: "JWT" })}.${payload}.${signature}`;
      },
    ],
    [
      "with HS256, signed with the public key as the secret",
      "signed by an algorithm that is not allowed",
      async () => {
        const [, payload] = (await issuer.sign(PEOPLE, claims)).split(".");
        const signed = `${encoded({ alg: "HS256", typ: "JWT", kid: issuer.key.kid })}.${payload}`;
        const mac = createHmac("sha256", await issuer.publicPem()).update(signed);
        return `${signed}.${mac.digest("base64url")}`;
      },
    ],
    [
      "with an algorithm that its issuer may not use here",
      "signed by an algorithm that is not allowed",
      async () => {
        const { privateKey, jwk } = await issuer.makeKey("PS256");
        issuer.show(jwk);
        return issuer.sign(PEOPLE, claims, { key: privateKey, header: { alg: "PS256", kid: jwk.kid } });
      },
    ],
    ["for another audience", "another audience", () => issuer.sign(PEOPLE, { ...claims, aud: "else" })],
    ["for no audience", 'no "aud"', () => issuer.sign(PEOPLE, { ...claims, aud: undefined })],
    [
      "of an issuer that is not registered",
      "not one that is registered",
      () => issuer.sign("/unknown", claims),
    ],
    [
      "of an issuer whose address differs by a slash",
      "not one that is registered",
      () => issuer.sign(`${PEOPLE}/`, claims),
    ],
    ["of no issuer", "names no issuer", () => issuer.sign(PEOPLE, { ...claims, iss: undefined })],
    [
      "of an issuer whose name the ledger cannot keep",
      "not one that is registered",
      () => issuer.sign(PEOPLE, { ...claims, iss: "http://issuer.example\0" }),
    ],
    ["that has expired", "it has expired", () => issuer.sign(PEOPLE, { ...claims, exp: now() - 61 })],
    ["without an expiry", 'no "exp"', () => issuer.sign(PEOPLE, { ...claims, exp: undefined })],
    [
      "whose expiry is no number",
      '"exp" is not valid',
      () => issuer.sign(PEOPLE, { ...claims, exp: "never" }),
    ],
    ["that is not valid yet", "not valid yet", () => issuer.sign(PEOPLE, { ...claims, nbf: now() + 61 })],
    ["issued in the future", "in the future", () => issuer.sign(PEOPLE, { ...claims, iat: now() + 61 })],
    ["issued too long ago", "too long ago", () => issuer.sign(PEOPLE, { ...claims, iat: now() - 700 })],
    ["that does not say when", 'no "iat"', () => issuer.sign(PEOPLE, { ...claims, iat: undefined })],
    ["of no subject", 'no "sub"', () => issuer.sign(PEOPLE, {})],
    [
      "signed by somebody else under the issuer's kid",
      "its signature is not right",
      async () => issuer.sign(PEOPLE, claims, { key: (await issuer.makeKey()).privateKey }),
    ],
    [
      "that names another of its issuer's keys",
      "its signature is not right",
      () => issuer.sign(PEOPLE, claims, { header: { kid: issuer.spare.kid } }),
    ],
    [
      "that names none of its issuer's keys",
      "which of the issuer's keys",
      () => issuer.sign(PEOPLE, claims, { header: { kid: undefined } }),
    ],
    [
      "with a kid that the issuer does not have",
      "a key that the issuer does not have",
      () => issuer.sign(PEOPLE, claims, { header: { kid: "../../../dev/null" } }),
    ],
    [
      "with its own key in the header",
      "a key that the issuer does not have",
      async () => {
        const { privateKey, jwk } = await issuer.makeKey();
        return issuer.sign(PEOPLE, claims, { key: privateKey, header: { jwk, kid: jwk.kid } });
      },
    ],
    [
      "with its own key in the header under the issuer's kid",
      "its signature is not right",
      async () => {
        const { privateKey, jwk } = await issuer.makeKey();
        return issuer.sign(PEOPLE, claims, { key: privateKey, header: { jwk } });
      },
    ],
    [
      "that says where to fetch its key",
      "its signature is not right",
      async () => {
        const { privateKey } = await issuer.makeKey();
        const header = { jku: `${issuer.url}/attacker/keys`, x5u: `${attacker}/certificate` };
        return issuer.sign(PEOPLE, claims, { key: privateKey, header });
      },
    ],
    [
      "whose header demands what is not understood",
      "asks for what is not supported",
      async () => {
        const [, payload] = (await issuer.sign(PEOPLE, claims)).split(".");
        const header = { alg: "RS256", kid: issuer.key.kid, crit: ["http://example.com/else"] };
        return `${encoded({ ...header, "http://example.com/else": true })}.${payload}.AAAA`;
      },
    ],
    [
      "whose payload was changed",
      "its signature is not right",
      async () => {
        const [header, payload = "", signature] = (await issuer.sign(PEOPLE, { sub: "nobody" })).split(".");
        const read = JSON.parse(Buffer.from(payload, "base64url").toString()) as object;
        return `${header}.${encoded({ ...read, ...claims })}.${signature}`;
      },
    ],
    [
      "that logs somebody out",
      'its type is "logout+jwt"',
      () => issuer.sign(PEOPLE, claims, { header: { typ: "logout+jwt" } }),
    ],
    [
      "that tells of events",
      "not who somebody is",
      () => issuer.sign(PEOPLE, { ...claims, events: { "http://schemas.openid.net/event/logout": {} } }),
    ],
    ["that is none", "not a signed JSON Web Token", async () => "a.b.c"],
  ];

  test.each(cases)("abuse 23: a token %s is refused", async (_, reason, make) => {
    const asked = issuer.asked.length;
    const answer = await show(await make());
    expect(answer).toMatchObject({ status: 401, body: { code: "TokenRefused" } });
    expect(answer.body.detail).toContain(reason);
    expect(answer.body.hint).toContain("rehearsal issuer list");
    expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    // Nothing is fetched because a token says so.
    expect(issuer.asked.slice(asked).filter((path) => !/^\/(people|others)\//.test(path))).toEqual([]);
  });

  test("abuse 23: a token that is larger than any issuer's is not looked at", async () => {
    const answer = await show(await issuer.sign(PEOPLE, { ...claims, much: "x".repeat(20_000) }));
    expect(answer).toMatchObject({ status: 401, body: { code: "Unauthorized" } });
    const smaller = await show(await issuer.sign(PEOPLE, { ...claims, much: "x".repeat(9_000) }));
    expect(smaller.status).toBe(200);
  });

  test("and with the issuer's own key the same claims are accepted", async () => {
    expect((await show(await issuer.sign(PEOPLE, claims))).status).toBe(200);
    // Within what two clocks may differ.
    expect(
      (await show(await issuer.sign(PEOPLE, { ...claims, exp: now() - 5, nbf: now() + 5 }))).status,
    ).toBe(200);
  });
});
