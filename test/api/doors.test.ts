/** The API's doors: who comes in, what is refused before any route, and how a refusal looks. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listen } from "../lines.ts";
import { openWorld, type Problem, type World } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await openWorld();
});

afterAll(async () => {
  await world.close();
});

describe("identity", () => {
  test("health answers anybody and says nothing else", async () => {
    const response = await world.app.request("/health");
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: "ok" });
  });

  test.each([
    ["no header", {}, "there is no Authorization header"],
    [
      "another scheme",
      { authorization: "Basic dGVzdGVyOg==" },
      'the Authorization header is not "Bearer KEY"',
    ],
    ["an empty key", { authorization: "Bearer " }, 'the Authorization header is not "Bearer KEY"'],
    ["a key nobody has", { authorization: "Bearer rk_nobody" }, "the key is not known"],
    ["a key's hash", { authorization: `Bearer ${"0".repeat(64)}` }, "the key is not known"],
  ])("a request with %s is turned away", async (_, headers, reason) => {
    const response = await world.app.request("/environments", { headers });
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    const problem = (await response.json()) as Problem;
    expect(problem.code).toBe("Unauthorized");
    expect(problem.facts).toEqual({ reason });
    expect(problem.hint).toContain("REHEARSAL_KEY");
  });

  test("a key is kept only as its hash", async () => {
    const kept = await world.ledger.query("select * from ledger.keys");
    expect(JSON.stringify(kept)).not.toContain("rk_");
  });
});

describe("a refusal", () => {
  test("is problem details with code, hint and facts", async () => {
    const { status, body, headers } = await world.call("GET", "/environments/nowhere");
    expect(status).toBe(404);
    expect(headers.get("content-type")).toBe("application/problem+json");
    expect(body).toEqual({
      type: "urn:rehearsal:error:NotFound",
      title: "not found",
      status: 404,
      code: "NotFound",
      detail: 'there is no environment "nowhere"',
      hint: expect.stringContaining("list"),
      facts: { what: "environment", name: "nowhere" },
    });
  });

  test("of an unknown route names it", async () => {
    const { status, body } = await world.call("GET", "/nothing/here");
    expect(status).toBe(404);
    expect(body.detail).toBe('there is no route "GET /nothing/here"');
  });

  test("of what was not foreseen tells a number and nothing of the matter", async () => {
    const log = listen();
    const secret = process.env.REHEARSAL_CONTROL_SECRET;
    delete process.env.REHEARSAL_CONTROL_SECRET;
    // The session that is kept would do without it.
    await endKept();
    const { status, body } = await world.call("GET", "/environments");
    process.env.REHEARSAL_CONTROL_SECRET = secret;
    expect(status).toBe(500);
    expect(body.code).toBe("Internal");
    expect(JSON.stringify(body)).not.toContain("REHEARSAL_CONTROL_SECRET");
    const [line = ""] = await log.stop("a request failed");
    const { number, error } = JSON.parse(line) as { number: string; error: { stack: string } };
    expect(body.detail).toContain(number);
    expect(error.stack).toContain("REHEARSAL_CONTROL_SECRET is not set");
  });
});

/** Ends the session that the API keeps, as a restart of the control database does. */
async function endKept(): Promise<number> {
  const ended = await world.ledger.query(
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity
      where datname = current_database() and application_name = 'rehearsal-ledger api'`,
  );
  return ended.length;
}

describe("the ledger's session", () => {
  const sessions = async () =>
    (
      await world.ledger.query<{ pid: number }>(
        `select pid from pg_stat_activity where datname = current_database() and application_name = 'rehearsal-ledger api'`,
      )
    ).map(({ pid }) => pid);

  test("is kept from one request to the next, and is one however many came at once", async () => {
    await world.call("GET", "/environments");
    const kept = await sessions();
    await Promise.all([1, 2, 3].map(() => world.call("GET", "/promotions")));
    await world.call("GET", "/environments");
    expect(kept.length).toBe(1);
    const after = await sessions();
    expect(after.length).toBe(1);
  });

  test("that has died meanwhile is opened anew, and nobody is told", async () => {
    await world.call("GET", "/environments");
    expect(await endKept()).toBe(1);
    expect((await world.call("GET", "/environments")).status).toBe(200);
    expect((await sessions()).length).toBe(1);
  });

  test("after a refusal within a transaction is as good as new", async () => {
    await world.call("POST", "/promotions", { environment: "nowhere", release: "abcd" });
    expect((await world.call("GET", "/environments")).status).toBe(200);
  });
});

describe("a body", () => {
  const json = { "content-type": "application/json" };

  test("names every problem at once", async () => {
    const { status, body } = await world.call("POST", "/environments", {
      name: "Not A Name",
      role: "king",
      url: 7,
      colour: "red",
    });
    expect(status).toBe(400);
    expect(body.code).toBe("InputInvalid");
    for (const part of ["the request's body", "name:", "role:", "url:", "colour"])
      expect(body.detail).toContain(part);
    expect(body.hint).toContain("named fields");
  });

  test("that is no JSON, or no JSON by its content type, is refused", async () => {
    const broken = await world.send("/environments", { method: "POST", headers: json, body: "{" });
    expect(broken.status).toBe(400);
    expect(((await broken.json()) as Problem).code).toBe("InputInvalid");
    const text = await world.send("/environments", { method: "POST", body: "name=x" });
    expect(((await text.json()) as Problem).detail).toContain("application/json");
  });

  test("of more than 1 MB is refused, whether it says its length or not", async () => {
    const body = JSON.stringify({ name: "x".repeat(1024 * 1024) });
    const told = await world.send("/environments", { method: "POST", headers: json, body });
    expect(told.status).toBe(413);
    expect(((await told.json()) as Problem).code).toBe("BodyTooLarge");
    const untold = await world.app.request(
      new Request("http://api/environments", {
        method: "POST",
        headers: { ...json, authorization: "Bearer rk_tester" },
        body: ReadableStream.from([Buffer.from(body)]),
        duplex: "half",
      }),
    );
    expect(untold.status).toBe(413);
  });

  test("abuse 36: deep nesting, __proto__ and duplicate keys do no harm", async () => {
    const deep = await world.send("/environments", {
      method: "POST",
      headers: json,
      body: `{"name":${"[".repeat(10_000)}${"]".repeat(10_000)}}`,
    });
    expect(deep.status).toBe(400);
    const proto = await world.send("/environments", {
      method: "POST",
      headers: json,
      body: '{"__proto__":{"role":"prod"},"constructor":{},"name":"a","role":"dev"}',
    });
    expect(proto.status).toBe(400);
    expect(({} as { role?: string }).role).toBeUndefined();
    const twice = await world.send("/promotions", {
      method: "POST",
      headers: json,
      body: '{"environment":"one","environment":"two","release":"abcd"}',
    });
    expect(((await twice.json()) as Problem).detail).toBe('there is no environment "two"');
  });
});
