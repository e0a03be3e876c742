/**
 * The console's doors: who comes in and how they leave, and what another site, a stranger or a script cannot do.
 * Long because all of it is asked of one world, whose start costs more than any case.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { page as console_ } from "../../functions/page/main.ts";
import { KEY, keepPerson, OTHER_KEY, openWorld, registerFresh, type World } from "../api/world.ts";
import { alertOf, Guest, hasForm, secretOf } from "./guest.ts";

let world: World;

beforeAll(async () => {
  world = await openWorld();
  await registerFresh(world, "shop");
});

afterAll(async () => {
  await world.close();
});

const SESSION = "rehearsal_session";

/** Somebody who is signed in. */
async function signedIn(key = KEY): Promise<Guest> {
  const visitor = new Guest(world);
  await visitor.signIn(key);
  return visitor;
}

/** Where a link that is good once leads. */
async function linkOfOther(): Promise<string> {
  const headers = { authorization: `Bearer ${OTHER_KEY}` };
  return (await world.call<{ path: string }>("POST", "/sign-ins", undefined, headers)).body.path;
}

describe("signing in", () => {
  test("leads to the form, and from there to the page that was asked for", async () => {
    const visitor = new Guest(world);
    const asked = await visitor.get("/console/environments/shop?done=backup");
    expect([asked.status, asked.to]).toEqual([
      303,
      "/console/sign-in?next=%2Fconsole%2Fenvironments%2Fshop%3Fdone%3Dbackup",
    ]);
    const form = await visitor.get(asked.to ?? "");
    expect([form.status, form.problems]).toEqual([200, []]);
    const entered = await visitor.submit(form, "/console/sign-in", { key: `  ${KEY} ` });
    expect([entered.status, entered.to]).toEqual([303, "/console/environments/shop?done=backup"]);
    const there = await visitor.get(entered.to ?? "");
    expect([there.status, there.problems]).toEqual([200, []]);
    expect(there.text).toContain("Signed in as tester");
  });

  test.each([
    ["http", {}, [`${SESSION}=`, "Path=/console", "HttpOnly", "SameSite=Strict", "Expires="], ["Secure"]],
    [
      "https",
      { "x-forwarded-proto": "https" },
      [`__Secure-${SESSION}=`, "Path=/console", "HttpOnly", "SameSite=Strict", "Secure"],
      [],
    ],
  ])(
    "over %s hands out a cookie that no script, no other site and not the API sees",
    async (_, headers, has, lacks) => {
      const visitor = new Guest(world);
      const { headers: answered } = await visitor.post("/console/sign-in", { key: KEY }, headers);
      const [cookie = "", ...others] = answered.getSetCookie();
      expect(others).toEqual([]);
      for (const part of has) expect(cookie).toContain(part);
      for (const part of lacks) expect(cookie).not.toContain(`; ${part}`);
      // What the cookie holds opens the page and nothing of the API.
      const [, value = ""] = /=([^;]*)/.exec(cookie) ?? [];
      const api = await world.app.request("/environments", { headers: { cookie: `${SESSION}=${value}` } });
      expect(api.status).toBe(401);
      const asBearer = await world.app.request("/environments", {
        headers: { authorization: `Bearer ${value}` },
      });
      expect(asBearer.status).toBe(401);
    },
  );

  test.each([
    ["no key", "", "no key was given"],
    ["a key that nobody has", "rk_nobody_at_all", "the key is not known"],
  ])("with %s is refused on the form itself, and hands out nothing", async (_, key, reason) => {
    const visitor = new Guest(world);
    const refused = await visitor.post("/console/sign-in", { key, next: "/console/log" });
    expect([refused.status, refused.problems]).toEqual([401, []]);
    expect(alertOf(refused)).toContain(reason);
    expect(alertOf(refused)).toContain("REHEARSAL_KEY");
    expect(alertOf(refused)).toContain("Unauthorized");
    expect(refused.source).not.toContain("rk_nobody_at_all");
    expect(visitor.cookies.size).toBe(0);
    expect((await visitor.submit(refused, "/console/sign-in", { key: KEY })).to).toBe("/console/log");
  });

  test.each([
    "https://elsewhere.example/console",
    "//elsewhere.example/console",
    "/\\elsewhere.example",
    "/console/..//elsewhere.example",
    "/console/../promotions",
    "/consoles",
    "javascript:alert(1)",
    "/console\r\nset-cookie: a=b",
    `/console/${"x".repeat(600)}`,
  ])("never leads to %j", async (next) => {
    const { to } = await new Guest(world).post("/console/sign-in", { key: KEY, next });
    expect(to).toMatch(/^\/console(?:$|[?/])/);
    expect(new URL(to ?? "", "http://localhost").origin).toBe("http://localhost");
    expect(to).not.toContain("elsewhere.example/");
  });

  test("by a link that is good once needs no key, and no second time", async () => {
    const link = await linkOfOther();
    const opened = { "sec-fetch-site": "none" };
    const visitor = new Guest(world);
    const first = await visitor.get(`${link}&next=/console/log`, opened);
    // The address with the secret is left at once.
    expect([first.status, first.to]).toEqual([303, "/console/log"]);
    expect((await visitor.get("/console")).text).toContain("Signed in as other");
    const second = await new Guest(world).get(link, opened);
    expect(second.status).toBe(401);
    expect(alertOf(second)).toContain("used up or too old");
  });

  test.each([
    ["a page elsewhere leads there", { "sec-fetch-site": "cross-site" }],
    ["something fetches it ahead", { "sec-fetch-site": "none", "sec-purpose": "prefetch" }],
    ["something that is no browser reads it", { "sec-fetch-site": "", "sec-fetch-mode": "" }],
  ])("by such a link asks first where %s", async (_, headers) => {
    const visitor = new Guest(world);
    const asked = await visitor.get(await linkOfOther(), headers);
    expect([asked.status, asked.problems, visitor.cookies.size]).toEqual([200, [], 0]);
    expect((await visitor.submit(asked, "/console/sign-in")).status).toBe(303);
    expect((await visitor.get("/console")).text).toContain("Signed in as other");
  });

  test("by such a link is not used up by who asks for the head of its answer", async () => {
    const path = await linkOfOther();
    const opened = { "sec-fetch-site": "none", "sec-fetch-mode": "navigate" };
    const head = await world.app.request(path, { method: "HEAD", headers: opened });
    expect([head.status, head.headers.getSetCookie()]).toEqual([200, []]);
    expect((await new Guest(world).get(path, opened)).status).toBe(303);
  });

  test("says nothing that its address makes up", async () => {
    for (const word of ["constructor", "toString", "__proto__"])
      expect((await new Guest(world).get(`/console/sign-in?over=${word}`)).source).not.toMatch(
        /role="status"|native code/,
      );
  });
});

describe("a session", () => {
  test("ends with the sign-out, whoever kept its cookie", async () => {
    const visitor = await signedIn();
    const kept = new Guest(world);
    for (const [name, value] of visitor.cookies) kept.cookies.set(name, value);
    const left = await visitor.submit(await visitor.get("/console"), "/console/sign-out");
    expect([left.status, left.to, visitor.cookies.size]).toEqual([303, "/console/sign-in", 0]);
    expect((await kept.get("/console")).to).toContain("/console/sign-in?");
  });

  test("ends with its key", async () => {
    await keepPerson(world.ledger, "passing", "rk_passing");
    const visitor = await signedIn("rk_passing");
    expect((await visitor.get("/console")).status).toBe(200);
    await world.ledger.query("update ledger.keys set revoked_at = now() where person = 'passing'");
    expect((await visitor.get("/console")).to).toContain("/console/sign-in?");
  });

  test("that is over leads back to where one was, and a form of it has done nothing", async () => {
    const visitor = await signedIn();
    const page = await visitor.get("/console/environments/shop");
    await world.ledger.query("update ledger.sessions set expires_at = now() - interval '1 second'");
    const tasks = await world.ledger.query("select id from ledger.tasks");
    const sent = await visitor.post(
      "/console/environments/shop/backups",
      { csrf: "any", retention: "manual", once: "a" },
      { referer: "http://localhost/console/environments/shop" },
    );
    expect(page.status).toBe(200);
    expect([sent.status, sent.to]).toEqual([
      303,
      "/console/sign-in?next=%2Fconsole%2Fenvironments%2Fshop&over=form",
    ]);
    expect((await visitor.get(sent.to ?? "")).text).toContain("nothing was done");
    expect(await world.ledger.query("select id from ledger.tasks")).toEqual(tasks);
    // Its cookie was taken away, so the next page just asks to sign in.
    expect(visitor.cookies.size).toBe(0);
  });

  test("is found again by whoever follows a link from elsewhere, which brings no cookie with it", async () => {
    const visitor = await signedIn();
    const without = await new Guest(world).get("/console/log?environment=shop", {
      "sec-fetch-site": "cross-site",
    });
    expect([without.status, without.problems]).toEqual([200, []]);
    expect(without.source).toContain('http-equiv="refresh" content="0"');
    expect(without.text).not.toContain("Prove the chain");
    expect((await visitor.get("/console/log?environment=shop")).status).toBe(200);
  });

  test("asked for by a script when it is over is told so, and gets no page to sign in at", async () => {
    const { status, text } = await new Guest(world).get("/console", { "sec-fetch-dest": "empty" });
    expect(status).toBe(401);
    expect(text).toContain("nobody is signed in");
  });
});

describe("abuse 30: a form that another site sends does nothing", () => {
  const posts = [
    ...new Set(console_.routes.filter(({ method }) => method === "POST").map(({ path }) => path)),
  ];

  const FOREIGN: [string, Record<string, string>][] = [
    ["says cross-site", { "sec-fetch-site": "cross-site" }],
    ["says same-site, from a neighbour's name", { "sec-fetch-site": "same-site" }],
    ["says none, from no page", { "sec-fetch-site": "none" }],
    ["has another origin", { "sec-fetch-site": "", origin: "https://elsewhere.example" }],
    ["has an origin on another port", { "sec-fetch-site": "", origin: "http://localhost:8080" }],
    ["has no origin that may be told", { "sec-fetch-site": "", origin: "null" }],
    ["tells nothing of where it comes from", { "sec-fetch-site": "", origin: "" }],
  ];

  test.each(FOREIGN)(
    "is refused when it %s, even with the session's own secret, and does nothing",
    async (_, headers) => {
      const visitor = await signedIn();
      const page = await visitor.get("/console/environments/shop");
      const csrf = secretOf(page);
      expect(csrf).toMatch(/^[\w-]{43}$/);
      const before = await world.ledger.query("select count(*) from ledger.tasks");
      const fields = { csrf, retention: "manual", once: "abc" };
      const refused = await visitor.post("/console/environments/shop/backups", fields, headers);
      expect([refused.status, refused.problems]).toEqual([403, []]);
      expect(alertOf(refused)).toContain("FormForeign");
      expect(alertOf(refused)).toContain("send its form from there; nothing was done");
      expect(await world.ledger.query("select count(*) from ledger.tasks")).toEqual(before);
    },
  );

  test("is refused at every form of the console", async () => {
    const visitor = await signedIn();
    expect(posts.length).toBeGreaterThanOrEqual(10);
    for (const path of posts) {
      const refused = await visitor.post(filled(path), {}, { "sec-fetch-site": "cross-site" });
      expect([path, refused.status, alertOf(refused)?.includes("FormForeign")]).toEqual([path, 403, true]);
    }
  });

  test("is refused without the session's secret, or with another session's, at every form that needs a session", async () => {
    const visitor = await signedIn();
    const other = await (await signedIn(OTHER_KEY)).get("/console");
    const foreign = secretOf(other);
    const open = ["/console/sign-in", "/console/theme"];
    for (const path of posts.filter((one) => !open.includes(one)))
      for (const fields of [{}, { csrf: "" }, { csrf: foreign }] as Record<string, string>[]) {
        const refused = await visitor.post(filled(path), fields);
        expect([path, refused.status, alertOf(refused)?.includes("FormForeign")]).toEqual([path, 403, true]);
      }
    // They did sign nobody out.
    expect((await visitor.get("/console")).status).toBe(200);
  });

  test("is refused as any other kind of body", async () => {
    const visitor = await signedIn();
    for (const type of ["application/json", "text/plain", "multipart/form-data; boundary=x"]) {
      const refused = await visitor.post("/console/sign-out", {}, { "content-type": type });
      expect([refused.status, alertOf(refused)?.includes("x-www-form-urlencoded")]).toEqual([400, true]);
    }
  });

  test("is taken from an older browser that tells the right origin", async () => {
    const visitor = await signedIn();
    const page = await visitor.get("/console");
    const csrf = secretOf(page);
    const left = await visitor.post("/console/sign-out", { csrf }, { "sec-fetch-site": "" });
    expect(left.to).toBe("/console/sign-in");
  });
});

describe("an answer", () => {
  const HEADERS = {
    "content-security-policy":
      "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
  };

  test.each([
    "/console",
    "/console/sign-in",
    "/console/nowhere",
    "/console/promotions/p1",
    "/console/people",
  ])("at %s says what a browser may do with it, and that nobody keeps it", async (path) => {
    const visitor = await signedIn();
    for (const { headers } of [await visitor.get(path), await new Guest(world).get(path)])
      expect(Object.fromEntries(headers)).toMatchObject(HEADERS);
  });

  test("names its sheet and its script by what is in them, and a browser keeps those for good", async () => {
    const { elements } = await new Guest(world).get("/console/sign-in");
    const sheet = elements.find(({ attributes }) => attributes.rel === "stylesheet")?.attributes.href ?? "";
    const script = elements.find(({ name }) => name === "script")?.attributes.src ?? "";
    for (const [path, type] of [
      [sheet, "text/css"],
      [script, "text/javascript"],
    ] as const) {
      expect(path).toMatch(/^\/console\/(style|live)-[0-9a-f]{16}\.(css|js)$/);
      const { status, headers, source } = await new Guest(world).get(path);
      expect(status).toBe(200);
      expect(headers.get("content-type")).toContain(type);
      expect(headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(source.length).toBeLessThan(50_000);
      const stale = path.replace(/[0-9a-f]{16}/, "0".repeat(16));
      expect((await new Guest(world).get(stale)).to).toContain("sign-in");
    }
  });

  test("at every page asks strangers to sign in", async () => {
    const gets = console_.routes.filter(
      ({ method, path }) => method === "GET" && !/sign-in|\.(css|js)$/.test(path),
    );
    expect(gets.length).toBeGreaterThanOrEqual(9);
    for (const { path } of gets) {
      const { status, to } = await new Guest(world).get(filled(path));
      expect([path, status, to?.startsWith("/console/sign-in?next=")]).toEqual([path, 303, true]);
    }
  });

  test("leads a browser from the service's root to the console, and tells a program what it told before", async () => {
    const browser = await world.app.request("/", { headers: { accept: "text/html,*/*;q=0.8" } });
    expect([browser.status, browser.headers.get("location")]).toEqual([302, "/console"]);
    expect((await world.app.request("/")).status).toBe(401);
  });

  test("to too many requests, and to too many failed sign-ins, says when to come again", async () => {
    await keepPerson(world.ledger, "hasty", "rk_hasty");
    const hasty = await signedIn("rk_hasty");
    Object.assign(process.env, { REHEARSAL_LIMIT_REQUESTS: "1", REHEARSAL_LIMIT_FAILURES: "1" });
    await hasty.get("/console");
    const page = await hasty.get("/console");
    await new Guest(world).signIn("rk_guessed");
    // The right key as well: a limit that lets it through is none.
    const signIn = await new Guest(world).signIn(KEY);
    delete process.env.REHEARSAL_LIMIT_REQUESTS;
    delete process.env.REHEARSAL_LIMIT_FAILURES;
    for (const refused of [page, signIn]) {
      expect([refused.status, refused.problems]).toEqual([429, []]);
      expect(alertOf(refused)).toContain("TooManyRequests");
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    }
  });

  test("to a form that is too large is a refusal", async () => {
    const refused = await new Guest(world).post("/console/sign-in", { key: "x".repeat(70_000) });
    expect([refused.status, alertOf(refused)?.includes("BodyTooLarge")]).toEqual([413, true]);
  });
});

test("the theme is chosen without a script, kept, and left to the system again", async () => {
  const visitor = new Guest(world);
  const form = await visitor.get("/console/sign-in?next=/console/log");
  expect(form.source).toContain('data-theme="system"');
  const chosen = await visitor.submit(form, "/console/theme", { theme: "dark" });
  expect([chosen.status, chosen.to]).toEqual([303, "/console/sign-in?next=/console/log"]);
  const dark = await visitor.get(chosen.to ?? "");
  expect(dark.source).toContain('data-theme="dark"');
  const pressed = dark.elements.filter(({ attributes }) => attributes["aria-pressed"] === "true");
  expect(pressed.map(({ text }) => text)).toEqual(["Dark"]);
  expect(hasForm(dark, "/console/sign-in")).toBe(true);
  await visitor.submit(dark, "/console/theme", { theme: "<script>" });
  expect((await visitor.get("/console/sign-in")).source).toContain('data-theme="system"');
});

/** A route's path with something in its parameters. */
function filled(path: string): string {
  return path.replaceAll(/:(\w+)(\{(?:[^{}]|\{[^}]*\})*\})?/g, (_, name: string) =>
    name === "name" ? "shop" : "p1",
  );
}
