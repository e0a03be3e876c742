/** What is sent to the API to reach elsewhere, to learn what is not told, or to break what reads it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sha256 } from "../../core/digest.ts";
import { listen } from "../lines.ts";
import { type Answered, callLambda } from "./lambda-call.ts";
import {
  announcement,
  bundleOf,
  KEY,
  keepPerson,
  openWorld,
  type Problem,
  registerFresh,
  uploadRelease,
  type World,
} from "./world.ts";

let world: World;
let release: string;

beforeAll(async () => {
  world = await openWorld();
  release = await uploadRelease(world);
  await registerFresh(world, "mine");
  await keepPerson(world.ledger, "promoter", "rk_promoter", [{ environment: "*", role: "promoter" }]);
  await keepPerson(world.ledger, "keeper", "rk_keeper", [{ environment: "mine", role: "admin" }]);
});

afterAll(async () => {
  await world.close();
});

const PASSWORD = "s3cr3tive";

describe("abuse 32: a connection string", () => {
  test.for([
    ["at the address where a cloud keeps credentials", "169.254.169.254", "link-local"],
    ["at the same as one number", "2852039166", "unusual spelling"],
    ["at the same in hexadecimal", "0xa9fea9fe", "unusual spelling"],
    ["at the same in octal", "0251.0376.0251.0376", "unusual spelling"],
    ["at the same in version 6", "[::ffff:169.254.169.254]", "link-local"],
    ["at a link-local address of version 6", "[fe80::1]", "link-local"],
    ["at a socket", "%2Fvar%2Frun%2Fpostgresql", "a socket"],
    ["at several hosts", "one,two", "several hosts"],
    ["with a percent sign that begins nothing", "h%zz", "percent sign"],
  ])("%s is refused before anything is opened, without its password", async ([, host = "", reason]) => {
    for (const url of [`postgresql://u:${PASSWORD}@${host}/db`, `postgres://u:${PASSWORD}@${host}:5432/db`]) {
      const { status, body } = await world.call("POST", "/environments", { name: "aimed", role: "dev", url });
      expect([status, body.code]).toEqual([400, "InputInvalid"]);
      expect(body.detail).toContain(reason);
      expect(body.hint).toContain("correct the named fields");
      expect(JSON.stringify(body)).not.toContain(PASSWORD);
    }
  });

  test.for([
    ["another host", "host=169.254.169.254"],
    ["a host's address", "hostaddr=127.0.0.1"],
    ["a service file", "service=prod"],
    ["a password file", "passfile=/etc/passwd"],
    ["settings of the session", "options=-c%20session_replication_role=replica"],
  ])("cannot smuggle %s in its query", async ([, query]) => {
    const url = `postgresql://u:${PASSWORD}@127.0.0.1:1/db?${query}`;
    const { body } = await world.call("POST", "/environments", { name: "aimed", role: "dev", url });
    expect(body.code).toBe("InputInvalid");
    expect(body.detail).toContain("is not known");
    expect(JSON.stringify(body)).not.toContain(PASSWORD);
  });

  test("is taken from admins alone, and only where an environment is registered", async () => {
    const url = `postgresql://u:${PASSWORD}@127.0.0.1:1/db?sslmode=disable`;
    const asked = await world.call(
      "POST",
      "/environments",
      { name: "aimed", role: "dev", url },
      { authorization: "Bearer rk_promoter" },
    );
    expect([asked.status, asked.body.code]).toEqual([403, "Forbidden"]);
    expect(asked.body.hint).toContain("admin");
    // Nor from an environment's own: it would have the service go where they like, by its role in AWS where they like.
    const copies = await world.call(
      "PUT",
      "/environments/mine/copies",
      { url: "postgresql://u@127.0.0.1:1/db?auth=iam&region=eu-central-1" },
      { authorization: "Bearer rk_keeper" },
    );
    expect([copies.status, copies.body.code]).toEqual([403, "Forbidden"]);
    for (const [path, body] of [
      ["/diffs", { from: url, to: "mine" }],
      ["/plans", { environment: url, release }],
      ["/promotions", { environment: url, release }],
    ] as const) {
      const { status, body: problem } = await world.call("POST", path, body);
      expect([400, 404]).toContain(status);
      expect(problem.code).not.toBe("DatabaseUnreachable");
      expect(JSON.stringify(problem)).not.toContain(PASSWORD);
    }
  });
});

describe("abuse 33: what is in the bucket", () => {
  test.for([
    "../../releases",
    "..%2f..%2freleases",
    "rehearse/../../p000000/x",
    "//log/000000000001.json",
    "backup/..%2f..%2flog",
    "s3://other-bucket/key",
    ".",
    "rehearse/1/",
  ])("cannot be named from outside its promotion: %s", async (key) => {
    await registerFresh(world, `keys-${sha256(key).slice(0, 8)}`);
    const { body: started } = await world.call<{ id: string }>("POST", "/promotions", {
      environment: `keys-${sha256(key).slice(0, 8)}`,
      release,
    });
    const answer = await callLambda({
      method: "GET",
      path: `/promotions/${started.id}/artifacts/${key}`,
      headers: { authorization: `Bearer ${KEY}`, accept: "application/json" },
    });
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.body)).toMatchObject({ code: "NotFound", hint: expect.any(String) });
  });

  test("a bundle is written where its own hash says, whatever the request names", async () => {
    const bundle = bundleOf({ "migrations/0002_more.sql": "select 1;" });
    const asked = { ...announcement(bundle), key: "log/000000000001.json", bucket: "other" };
    const refused = await world.call("POST", "/releases", asked);
    expect([refused.status, refused.body.code]).toEqual([400, "InputInvalid"]);
    expect(refused.body.hint).toContain("correct the named fields");
    const { body } = await world.call<{ upload: { url: string } }>("POST", "/releases", announcement(bundle));
    expect(new URL(body.upload.url).pathname).toContain(`/releases/${bundle.hash}.bundle`);
  });
});

describe("abuse 36: JSON", () => {
  const post = (body: string, path = "/environments"): Promise<Answered> =>
    callLambda({
      method: "POST",
      path,
      headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
      body,
    });

  const deep = `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`;

  test.for<[string, string, number, string]>([
    ["of 20 MB", `{"name":"${"x".repeat(20_000_000)}"}`, 413, "BodyTooLarge"],
    ["10,000 levels deep", `{"policy":${deep}}`, 400, "InputInvalid"],
    ["of 300,000 empty lists", `[${"[],".repeat(300_000)}[]]`, 400, "InputInvalid"],
    ["with a number of 100,000 digits", `{"name":${"9".repeat(100_000)}}`, 400, "InputInvalid"],
    ["that is cut off", '{"name":"a', 400, "InputInvalid"],
    ["with U+0000 in a text", '{"name":"a\\u0000b"}', 400, "InputInvalid"],
  ])("%s is refused with a code and a hint", async ([, body, status, code]) => {
    const answer = await post(body);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toMatchObject({ code, hint: expect.stringMatching(/./) });
  });

  test("with a number that is not exact is refused, not rounded", async () => {
    const { manifest, sha256: hash } = announcement(bundleOf());
    const answer = await post(
      `{"manifest":${JSON.stringify(manifest)},"sha256":"${hash}","size":9007199254740993}`,
      "/releases",
    );
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({ code: "InputInvalid" });
  });

  test("with __proto__ or constructor changes nobody's prototype, and is refused as a field that nobody knows", async () => {
    for (const key of ["__proto__", "constructor", "prototype"]) {
      const answer = await post(
        `{"environment":"mine","release":"${release}","${key}":{"seed":true}}`,
        "/plans",
      );
      expect([200, 400]).toContain(answer.status);
    }
    expect(({} as { seed?: boolean }).seed).toBeUndefined();
  });
});

test("abuse 32: a hook aimed at a cloud's own address is refused, however it is spelled", async () => {
  await registerFresh(world, "hooked");
  for (const host of [
    "169.254.169.254",
    "0xa9fea9fe",
    "[::ffff:169.254.170.2]",
    "[fe80::1]",
    "[fd00:ec2::254]",
  ]) {
    const policy = { hooks: { smoke: `http://${host}/latest` } };
    const { status, body } = await world.call<Problem>("PATCH", "/environments/hooked", { policy });
    expect([status, body.code, body.detail], host).toEqual([
      400,
      "InputInvalid",
      expect.stringContaining("policy.hooks.smoke: it is a link-local address"),
    ]);
    expect(body.hint).not.toBe("");
  }
});

test("abuse 37: what is logged of a request is one line without a character that a terminal obeys", async () => {
  const log = listen();
  const wild = '/environments/a\r\n{"forged":true}\u001b[2J\u009b31m\u007f\u202e\u2028';
  const answer = await callLambda({
    method: "GET",
    path: wild,
    headers: { authorization: "Bearer rk_\u00a0" },
  });
  expect(answer.status).toBe(401);
  const decoded = await callLambda({ method: "GET", path: encodeURI(wild), headers: {} });
  expect(decoded.status).toBe(401);
  const lines = await log.stop("refused");
  expect(lines.length).toBe(2);
  for (const line of lines) {
    expect(line).not.toMatch(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u);
    expect(JSON.parse(line)).toMatchObject({ code: "Unauthorized" });
  }
});
