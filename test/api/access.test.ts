/**
 * Who may do what, over the API: roles, keys and their scopes, four eyes, and what is told of a refusal.
 * Long because the same few people play all of its scenes.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Grant } from "../../core/access.ts";
import { sha256 } from "../../core/digest.ts";
import { redeemOnce } from "../../functions/identity/once.ts";
import { actorOfSession, endSession, startSession } from "../../functions/identity/sessions.ts";
import { listen } from "../lines.ts";
import { ask, EVIDENCE, type Started, start } from "./course.ts";
import { OTHER_KEY, openWorld, type Problem, registerFresh, uploadRelease, type World } from "./world.ts";

let world: World;
let release: string;

beforeAll(async () => {
  world = await openWorld();
  release = await uploadRelease(world);
  await registerFresh(world, "mine", { policy: { decision: "approval", fourEyes: false } });
  await registerFresh(world, "theirs");
});

afterAll(async () => {
  await world.close();
});

const grants = (...each: string[]): Grant[] =>
  each.map((text) => {
    const [environment = "", role = ""] = text.split("=");
    return { environment, role: role as Grant["role"] };
  });

interface NewKey {
  id: string;
  key: string;
  person: string;
  scope: Grant[] | null;
  expiresAt: string | null;
}

/** Calls with a key. */
const by =
  (key: string) =>
  <Body = Problem>(method: string, path: string, body?: unknown) =>
    world.call<Body>(method, path, body, { authorization: `Bearer ${key}` });

const admin = by(OTHER_KEY);

/** Makes a person of that name with these roles, and a key for them. */
async function person(name: string, ...roles: string[]) {
  const made = await admin("POST", "/people", { name, grants: grants(...roles) });
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  return keyFor({ person: name });
}

async function keyFor(wanted: object, call = admin): Promise<NewKey & { call: ReturnType<typeof by> }> {
  const { status, body } = await call<NewKey>("POST", "/keys", { label: "test", ...wanted });
  if (status !== 201) throw new Error(JSON.stringify(body));
  return { ...body, call: by(body.key) };
}

interface Event {
  type: string;
  environment: string | null;
  data: Record<string, unknown>;
}

/** What the log says of a type, the newest last. */
async function told(type: string): Promise<Event[]> {
  const rows = await world.ledger.query<{ body: string }>(
    "select body from ledger.events where type = $1 order by seq",
    [type],
  );
  return rows.map(({ body }) => JSON.parse(body) as Event);
}

describe("people", () => {
  test("are added with roles, given others, disabled and enabled, each told in the log with before and after", async () => {
    const one = await person("somebody", "mine=viewer");
    expect((await one.call("GET", "/environments/mine")).status).toBe(200);
    const changed = await admin("PUT", "/people/somebody/roles", {
      grants: grants("mine=viewer", "mine=promoter", "theirs=approver"),
    });
    expect(changed).toMatchObject({
      status: 200,
      body: { name: "somebody", grants: grants("mine=promoter", "theirs=approver") },
    });
    expect((await one.call("GET", "/environments/theirs")).status).toBe(200);
    expect((await admin("POST", "/people/somebody/disable")).body).toMatchObject({ disabled: true });
    const { status, body } = await one.call("GET", "/environments/mine");
    expect([status, body.detail]).toEqual([401, expect.stringContaining('"somebody" is disabled')]);
    await admin("POST", "/people/somebody/enable");
    expect((await one.call("GET", "/environments/mine")).status).toBe(200);
    expect((await told("person.added")).at(-1)?.data).toMatchObject({
      person: "somebody",
      roles: ["mine=viewer"],
      by: "other",
    });
    expect((await told("person.roles-changed")).at(-1)?.data).toMatchObject({
      before: ["mine=viewer"],
      after: ["mine=promoter", "theirs=approver"],
      credential: "key other",
    });
    expect((await told("person.disabled")).at(-1)?.data).toMatchObject({ person: "somebody" });
  });

  test("are refused twice, for an environment that is none, and without a name", async () => {
    await person("twice");
    const again = await admin("POST", "/people", { name: "twice" });
    expect([again.status, again.body.code]).toEqual([409, "PersonExists"]);
    expect(again.body.hint).toContain("rehearsal person roles twice");
    const nowhere = await admin("POST", "/people", { name: "x", grants: grants("nowhere=viewer") });
    expect([nowhere.status, nowhere.body.detail]).toEqual([404, 'there is no environment "nowhere"']);
    expect((await admin("POST", "/people", { name: "No Name" })).status).toBe(400);
    expect((await admin("GET", "/people/nobody/identities")).status).toBe(404);
  });

  test("who administer everything are never none: the last keeps the role, whatever is tried, even at once", async () => {
    const tester = (await world.ledger.query("select 1 from ledger.people where name = 'tester'")).length;
    expect(tester).toBe(1);
    const answers = await Promise.all([
      world.call("PUT", "/people/other/roles", { grants: [] }),
      admin("PUT", "/people/tester/roles", { grants: [] }),
    ]);
    expect(answers.map(({ status }) => status).sort()).not.toEqual([200, 200]);
    // Whichever was faster: the one who is left gives the other the role again, and cannot take their own.
    const left =
      answers[0].status === 200 ? { name: "tester", call: world.call } : { name: "other", call: admin };
    const gone = left.name === "tester" ? "other" : "tester";
    for (const [method, path, body] of [
      ["PUT", `/people/${left.name}/roles`, { grants: grants("*=approver") }],
      ["POST", `/people/${left.name}/disable`, undefined],
    ] as const) {
      const refused = await left.call(method, path, body);
      expect([refused.status, refused.body.code]).toEqual([409, "LastAdmin"]);
      expect(refused.body.hint).toContain("rehearsal person roles");
    }
    expect((await left.call("PUT", `/people/${gone}/roles`, { grants: grants("*=admin") })).status).toBe(200);
  });

  test("are known by one issuer's subject each, and nobody takes another's", async () => {
    await person("vouched");
    await person("another");
    const identity = { issuer: "https://issuer.example", subject: "repo:a/b" };
    expect((await admin("POST", "/people/vouched/identities", identity)).body).toEqual({
      identities: [identity],
    });
    expect((await admin("POST", "/people/vouched/identities", identity)).status).toBe(200);
    const taken = await admin("POST", "/people/another/identities", identity);
    expect([taken.status, taken.body.code]).toEqual([409, "IdentityTaken"]);
    expect(taken.body.hint).toContain("one person");
    expect((await admin("POST", "/people/another/identities/remove", identity)).status).toBe(404);
    expect((await admin("POST", "/people/vouched/identities/remove", identity)).body).toEqual({
      identities: [],
    });
    expect((await told("person.identity-bound")).length).toBe(1);
  });
});

describe("a key", () => {
  test("is told once, kept as its hash, shows its last use, and is revoked", async () => {
    const one = await person("keyed", "mine=viewer");
    expect(one.key).toMatch(/^rk_[0-9a-z]{12}_[A-Za-z0-9_-]{43}$/);
    expect(one.key).toContain(one.id);
    const kept = JSON.stringify([
      await world.ledger.query("select * from ledger.keys"),
      await world.ledger.query("select body from ledger.events"),
    ]);
    expect(kept).not.toContain(one.key.slice(16));
    const list = async () => {
      const { body } = await admin<{ keys: Record<string, unknown>[] }>("GET", "/keys?person=keyed");
      return body.keys;
    };
    expect(await list()).toMatchObject([{ id: one.id, label: "test", status: "valid", lastUsedAt: null }]);
    await one.call("GET", "/me");
    const [used] = await list();
    expect(used?.lastUsedAt).toEqual(expect.any(String));
    await one.call("GET", "/me");
    expect((await list())[0]?.lastUsedAt).toBe(used?.lastUsedAt);
    expect(JSON.stringify(await list())).not.toMatch(/hash|rk_/);
    expect((await one.call("POST", `/keys/${one.id}/revoke`)).body).toMatchObject({
      status: "revoked",
      revokedBy: "keyed",
    });
    const { status, body } = await one.call("GET", "/me");
    expect([status, body.detail]).toEqual([401, expect.stringContaining(`the key ${one.id} was revoked`)]);
    expect((await told("key.revoked")).at(-1)?.data).toMatchObject({ key: one.id, by: "keyed" });
  });

  test("opens nothing once it has expired", async () => {
    const one = await person("brief", "mine=viewer");
    const late = await one.call("POST", "/keys", { label: "late", expiresAt: "2020-01-01T00:00:00Z" });
    expect([late.status, late.body.detail]).toEqual([400, expect.stringContaining("in the past")]);
    await world.ledger.query("update ledger.keys set expires_at = now() where id = $1", [one.id]);
    const { status, body } = await one.call("GET", "/me");
    expect([status, body.detail]).toEqual([401, expect.stringContaining("expired at")]);
  });

  test("never gives more than its person holds, and loses what they lose", async () => {
    await person("holder", "mine=promoter");
    const wide = await keyFor({ person: "holder", scope: grants("*=admin") });
    expect((await wide.call("GET", "/me")).body).toMatchObject({ grants: grants("mine=promoter") });
    expect((await wide.call("GET", "/environments/theirs")).status).toBe(404);
    await admin("PUT", "/people/holder/roles", { grants: grants("theirs=viewer") });
    expect((await wide.call("GET", "/environments/mine")).status).toBe(404);
  });

  test("narrows an admin to one environment and one role", async () => {
    const { call } = await keyFor({ person: "tester", scope: grants("mine=viewer") });
    expect((await call("GET", "/me")).body).toMatchObject({
      person: "tester",
      grants: grants("mine=viewer"),
    });
    expect((await call("GET", "/environments/mine")).status).toBe(200);
    expect((await call("GET", "/environments/theirs")).status).toBe(404);
    expect((await call("PATCH", "/environments/mine", { policy: {} })).status).toBe(403);
    expect((await call("GET", "/people")).status).toBe(403);
  });

  test("makes keys for its own person without an admin, none wider and none that outlive it", async () => {
    const end = new Date(Date.now() + 3_600_000).toISOString();
    await person("maker", "mine=promoter", "theirs=viewer");
    const narrow = await keyFor({ person: "maker", scope: grants("mine=promoter"), expiresAt: end });
    const child = await keyFor({ scope: grants("mine=viewer") }, narrow.call);
    expect(child).toMatchObject({ person: "maker", scope: grants("mine=viewer"), expiresAt: end });
    const same = await keyFor({}, narrow.call);
    expect(same).toMatchObject({ scope: grants("mine=promoter"), expiresAt: end });
    const wider = await narrow.call("POST", "/keys", { label: "wide", scope: grants("theirs=viewer") });
    expect([wider.status, wider.body.code]).toEqual([403, "ScopeTooWide"]);
    expect(wider.body.hint).toContain("rehearsal whoami");
    const other = await narrow.call("POST", "/keys", { label: "x", person: "tester" });
    expect([other.status, other.body.code]).toEqual([403, "Forbidden"]);
    expect((await narrow.call("POST", "/keys/tester/revoke")).status).toBe(404);
    expect((await narrow.call("GET", "/keys?person=tester")).status).toBe(403);
    const whole = await keyFor({ person: "maker" });
    expect((await keyFor({}, whole.call)).scope).toBeNull();
  });
});

describe("a session", () => {
  test("speaks for whoever began it until it is ended, its key revoked, or its person disabled", async () => {
    const { ledger } = world;
    const one = await person("browser", "mine=promoter");
    const actor = {
      person: "browser",
      credential: { kind: "key" as const, id: one.id },
      grants: grants("mine=promoter"),
    };
    const first = await startSession(ledger, actor);
    expect(first.token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(JSON.stringify(await ledger.query("select * from ledger.sessions"))).not.toContain(first.token);
    expect(await actorOfSession(ledger, first.token)).toMatchObject({
      person: "browser",
      credential: { kind: "session" },
      grants: grants("mine=promoter"),
    });
    expect((await world.app.request("/me", { headers: { cookie: `session=${first.token}` } })).status).toBe(
      401,
    );
    expect((await by(first.token)("GET", "/me")).status).toBe(401);
    await endSession(ledger, first.token);
    await expect(actorOfSession(ledger, first.token)).rejects.toThrow("the session is over");

    const second = await startSession(ledger, actor);
    await admin("POST", "/people/browser/disable");
    await expect(actorOfSession(ledger, second.token)).rejects.toThrow("is disabled");
    await admin("POST", "/people/browser/enable");
    await one.call("POST", `/keys/${one.id}/revoke`);
    await expect(actorOfSession(ledger, second.token)).rejects.toThrow("was revoked");
  });

  test("begins by a link that is good once, with no more than the credential that asked for it, and ends with its key", async () => {
    const { ledger } = world;
    const narrow = await keyFor({ person: "tester", scope: grants("mine=viewer") });
    const newToken = async () => {
      const { status, body } = await narrow.call<{ path: string }>("POST", "/sign-ins");
      expect(status).toBe(201);
      return new URL(body.path, "http://x").searchParams.get("once") ?? "";
    };
    const [token, old] = [await newToken(), await newToken()];
    const both = await Promise.allSettled([redeemOnce(ledger, token), redeemOnce(ledger, token)]);
    expect(both.map((one) => one.status).sort()).toEqual(["fulfilled", "rejected"]);
    const actor = both.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []))[0];
    if (actor === undefined) throw new Error("nobody was signed in");
    expect(actor).toMatchObject({ person: "tester", grants: grants("mine=viewer") });
    const session = await startSession(ledger, actor);
    expect((await actorOfSession(ledger, session.token)).grants).toEqual(grants("mine=viewer"));
    await narrow.call("POST", `/keys/${narrow.id}/revoke`);
    await expect(actorOfSession(ledger, session.token)).rejects.toThrow("was revoked");

    await ledger.query("update ledger.sign_ins set expires_at = now() where hash = $1", [sha256(old)]);
    await expect(redeemOnce(ledger, old)).rejects.toThrow("used up or too old");
  });
});

describe("four eyes", () => {
  let made = 0;
  async function waiting(role: "dev" | "prod", policy: object = {}): Promise<string> {
    const environment = `eyes-${++made}`;
    await registerFresh(world, environment, { role, policy: { decision: "approval", ...policy } });
    const { id } = await start(world, environment, release);
    await ask(world, id);
    return id;
  }

  test("abuse 25: whoever asked for a promotion of a prod cannot approve it, by no credential; a second person can", async () => {
    const id = await waiting("prod");
    const another = await keyFor({ person: "tester" });
    const role = { issuer: "aws-iam", subject: "arn:aws:iam::111122223333:role/tester" };
    await admin("POST", "/people/tester/identities", role);
    const signed = async (method: string, path: string, body: unknown) => {
      const response = await world.app.request(
        `/iam${path}`,
        { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) },
        {
          event: {
            rawPath: `/iam${path}`,
            requestContext: { authorizer: { iam: { userArn: role.subject } } },
          },
        },
      );
      return { status: response.status, body: (await response.json()) as Problem };
    };
    for (const call of [world.call, signed, another.call]) {
      const { status, body } = await call("POST", `/promotions/${id}/approve`, { evidence: EVIDENCE });
      expect([status, body.code]).toEqual([403, "OwnApproval"]);
      expect(body.hint).toContain("a second person");
    }
    expect((await told("access.refused")).at(-1)?.data).toMatchObject({
      code: "OwnApproval",
      by: "tester",
      credential: `key ${another.id}`,
      route: "/promotions/{id}/approve",
    });
    expect((await world.call<Started>("GET", `/promotions/${id}`)).body.status).toBe("waiting");
    const second = await keyFor({ person: "other" });
    expect((await second.call("POST", `/promotions/${id}/approve`, {})).status).toBe(200);
    expect((await told("promotion.approved")).at(-1)?.data).toMatchObject({
      by: "other",
      credential: `key ${second.id}`,
    });
  });

  test("own promotions may be rejected, and a dev or a policy without four eyes lets one approve one's own", async () => {
    const rejected = await waiting("prod");
    expect((await world.call("POST", `/promotions/${rejected}/reject`, {})).status).toBe(200);
    const dev = await waiting("dev");
    expect((await world.call("POST", `/promotions/${dev}/approve`, {})).status).toBe(200);
    const two = await waiting("prod", { fourEyes: false });
    expect((await world.call("POST", `/promotions/${two}/approve`, {})).status).toBe(200);
  });

  test("a policy that is changed under way changes nothing for what has begun", async () => {
    const id = await waiting("dev", { fourEyes: true });
    await world.call("PATCH", `/environments/eyes-${made}`, {
      policy: { decision: "approval", fourEyes: false },
    });
    expect((await world.call("POST", `/promotions/${id}/approve`, {})).body.code).toBe("OwnApproval");
  });
});

describe("a refusal", () => {
  test("abuse 26: a viewer starts nothing, a promoter approves nothing, an approver changes no environment", async () => {
    const viewer = await person("a-viewer", "mine=viewer");
    const promoter = await person("a-promoter", "mine=promoter");
    const approver = await person("an-approver", "mine=approver");
    const { id } = await start(world, "mine", release);
    await ask(world, id);
    for (const [one, method, path, body, permission] of [
      [viewer, "POST", "/promotions", { environment: "mine", release }, "promote"],
      [viewer, "POST", `/promotions/${id}/cancel`, undefined, "promote"],
      [promoter, "POST", `/promotions/${id}/approve`, {}, "decide"],
      [approver, "PATCH", "/environments/mine", { policy: {} }, "administer"],
    ] as const) {
      const answer = await one.call(method, path, body);
      expect([answer.status, answer.body.code]).toEqual([403, "Forbidden"]);
      expect(answer.body.hint).toContain("rehearsal whoami");
      expect((await told("access.refused")).at(-1)?.data).toMatchObject({
        code: "Forbidden",
        permission,
        environment: "mine",
        by: one.person,
        credential: `key ${one.id}`,
      });
    }
    expect((await world.call<Started>("GET", `/promotions/${id}`)).body.status).toBe("waiting");
    expect((await approver.call("POST", `/promotions/${id}/approve`, {})).status).toBe(200);
  });

  test("abuse 27: another environment's promotion answers as a guessed id does, word for word, and is told in the log", async () => {
    const { id } = await start(world, "theirs", release);
    const { call } = await person("neighbour", "mine=admin");
    for (const rest of ["", "/log", "/artifacts", "/report"]) {
      const theirs = await call("GET", `/promotions/${id}${rest}`);
      const guessed = await call("GET", `/promotions/p261121zzzzzzzz${rest}`);
      expect([theirs.status, guessed.status]).toEqual([404, 404]);
      const plain = (body: Problem, name: string) => JSON.stringify(body).replaceAll(name, "ID");
      expect(plain(theirs.body, id)).toBe(plain(guessed.body, "p261121zzzzzzzz"));
    }
    for (const path of [`/promotions/${id}/approve`, `/promotions/${id}/rollback`])
      expect((await call("POST", path, {})).status).toBe(404);
    expect((await told("access.refused")).at(-1)).toMatchObject({
      environment: null,
      data: { code: "NotFound", environment: "theirs", route: "/promotions/{id}/rollback", by: "neighbour" },
    });
    // A guess is told as well, and so takes as long.
    const before = (await told("access.refused")).length;
    await call("GET", "/promotions/p261121zzzzzzzz");
    await call("GET", "/environments/guessed");
    expect((await told("access.refused")).slice(before).map(({ data }) => data.code)).toEqual([
      "NotFound",
      "NotFound",
    ]);
    const lists = await Promise.all([
      call<{ promotions: Started[] }>("GET", "/promotions"),
      call<{ entries: { body: string }[] }>("GET", "/log?limit=200"),
      call<{ environments: { name: string }[] }>("GET", "/environments"),
    ]);
    expect(new Set(lists[0].body.promotions.map(({ environment }) => environment))).toEqual(
      new Set(["mine"]),
    );
    expect(
      lists[1].body.entries.every(({ body }) => (JSON.parse(body) as Event).environment === "mine"),
    ).toBe(true);
    expect(lists[2].body.environments.map(({ name }) => name)).toEqual(["mine"]);
    expect((await call("GET", "/promotions?environment=theirs")).status).toBe(404);
    const cursorOf = (position: string) => Buffer.from(`promotions:${position}`).toString("base64url");
    await start(world, "mine", release).catch(() => undefined);
    for (const at of [id, "p261121zzzzzzzz"])
      expect((await call("GET", `/promotions?cursor=${cursorOf(at)}`)).body).toEqual({
        promotions: [],
        next: null,
      });
    await world.ledger.query(
      `insert into ledger.backups (id, environment, promotion, manifest_key, manifest_sha256, bytes, rows, retain_until)
        values ('b261121theirs1', 'theirs', $1, 'k', $2, 1, 1, now())`,
      [id, "0".repeat(64)],
    );
    for (const base of ["b261121theirs1", "b261121guessed"])
      expect((await call("POST", "/environments/mine/backups", { base })).body.detail).toBe(
        `there is no backup "${base} of "mine""`,
      );
    for (const from of ["theirs", id])
      expect((await call("POST", "/diffs", { from, to: from })).status).toBe(404);
  });

  test("abuse 27: an address of an artifact is good for five minutes, and a viewer gets none of a backup's rows", async () => {
    const id = (await newestOf("mine")) ?? "";
    await world.store.put(`promotions/${id}/rehearse/1/report.json`, Buffer.from("{}"));
    await world.store.put(`backups/mine/${id}-1/data/rows.zst`, Buffer.from("rows"));
    const viewer = await person("looker", "mine=viewer");
    const artifact = await world.send(`/promotions/${id}/artifacts/rehearse/1/report.json`, {
      headers: { authorization: `Bearer ${viewer.key}`, accept: "application/json" },
    });
    const { url } = (await artifact.json()) as { url: string };
    expect(Number(new URL(url).searchParams.get("X-Amz-Expires"))).toBeLessThanOrEqual(300);
    expect((await viewer.call("GET", `/promotions/${id}/artifacts/backup/1/data/rows.zst`)).status).toBe(403);
    const stale = new URL(url);
    stale.searchParams.set("X-Amz-Date", "20200101T000000Z");
    expect((await fetch(stale)).status).toBe(403);
  });

  test("quotes what was sent as JSON, so that nothing forges a line of the log, and never a credential", async () => {
    const log = listen();
    const secret = `rk_${"a".repeat(12)}_${"s".repeat(43)}`;
    await by(secret)("GET", "/promotions/%0A%7B%22forged%22%3Atrue%7D");
    const lines = await log.stop("refused");
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain("\n");
    expect(lines[0]).not.toContain("ssss");
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ code: "Unauthorized", method: "GET" });
  });

  test("abuse 33: an environment's admin names no bucket, no secret and no program; an admin of everything does", async () => {
    await registerFresh(world, "named", { policy: { lockRetries: 2 } });
    const { call } = await person("keeper", "named=admin");
    const change = (policy: object) => call<Problem>("PATCH", "/environments/named", { policy });
    for (const policy of [
      { storage: { bucket: "artifacts-of-others", prefixes: ["files/"] } },
      { configuration: ["secret:rehearsal/environments/mine"] },
      { pgDump: "/tmp/pg_dump" },
    ]) {
      const { status, body } = await change({ lockRetries: 3, ...policy });
      expect([status, body.code], JSON.stringify(policy)).toEqual([403, "Forbidden"]);
      expect(body.detail).toContain("all environments");
      expect(body.hint).toContain("admin");
    }
    const kept = { configuration: ["secret:app/of-named"] };
    expect((await world.call("PATCH", "/environments/named", { policy: kept })).status).toBe(200);
    expect((await change({ ...kept, lockRetries: 3 })).status).toBe(200);
    expect((await change({ lockRetries: 3 })).status).toBe(403);
  });

  test("hides what a hook's address holds from whoever may not change it", async () => {
    const policy = { hooks: { smoke: "https://user:word@hook.example/path?token=secret" } };
    await registerFresh(world, "hooked", { policy });
    const viewer = await person("reader", "hooked=viewer");
    const { body } = await viewer.call<{ policy: object }>("GET", "/environments/hooked");
    expect(body.policy).toMatchObject({ hooks: { smoke: "https://hook.example/path" } });
  });
});

/** The newest promotion of an environment. */
async function newestOf(environment: string): Promise<string | undefined> {
  const { body } = await admin<{ promotions: Started[] }>("GET", `/promotions?environment=${environment}`);
  return body.promotions[0]?.id;
}
