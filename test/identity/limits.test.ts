/** Guessing keys, and asking without end: counted in the ledger, so that no sandbox can be played against another. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { sourceNetwork } from "../../core/source-network.ts";
import { removeEndedCounters } from "../../io/ledger/limits.ts";
import { KEY, keepPerson, openWorld, type Problem, type World } from "../api/world.ts";

let world: World;

const LIMITS = {
  REHEARSAL_LIMIT_FAILURES: "5",
  REHEARSAL_LIMIT_KEY_FAILURES: "8",
  REHEARSAL_LIMIT_REQUESTS: "30",
  REHEARSAL_LIMIT_SECONDS: "60",
};

beforeAll(async () => {
  world = await openWorld();
  Object.assign(process.env, LIMITS);
  await keepPerson(world.ledger, "operator", "rk_operatorid_secret");
});

afterAll(() => world?.close());

/** What the stretch of time would do by itself. */
const timePasses = () => world.ledger.query("update ledger.limits set ends_at = now() - interval '1 second'");

afterEach(timePasses);

/** A request as API Gateway hands it over, from that address. */
async function from(source: string, key: string, headers: Record<string, string> = {}) {
  const response = await world.app.request(
    "/me",
    { headers: { authorization: `Bearer ${key}`, ...headers } },
    { event: { rawPath: "/me", requestContext: { http: { sourceIp: source } } } },
  );
  return {
    status: response.status,
    retryAfter: Number(response.headers.get("retry-after")),
    body: (await response.json()) as Problem,
  };
}

const times = <T>(count: number, work: (n: number) => Promise<T>) =>
  Array.from({ length: count }, (_, n) => n).reduce<Promise<T[]>>(
    async (before, n) => [...(await before), await work(n)],
    Promise.resolve([]),
  );

describe("abuse 34: who guesses keys", () => {
  test("abuse 34: from one address is refused after a few, with the time to wait, and even the right key then", async () => {
    const guesses = await times(5, (n) => from("198.51.100.7", `rk_made${n}_up`));
    expect(guesses.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401]);
    const refused = await from("198.51.100.7", "rk_made6_up");
    expect(refused).toMatchObject({
      status: 429,
      body: { code: "TooManyRequests", detail: "too many failed sign-ins within a short time" },
    });
    expect(refused.body.hint).toContain(`wait ${refused.retryAfter} s, as Retry-After says`);
    expect(refused.retryAfter).toBeGreaterThan(50);
    expect(refused.retryAfter).toBeLessThanOrEqual(60);
    // A limit that lets the right guess through is none.
    expect((await from("198.51.100.7", KEY)).status).toBe(429);
    // Nobody else waits with them.
    expect((await from("198.51.100.8", KEY)).status).toBe(200);
    await timePasses();
    expect((await from("198.51.100.7", KEY)).status).toBe(200);
  });

  test("abuse 34: is not another for saying to come from elsewhere", async () => {
    await times(5, (n) => from("198.51.100.7", `rk_made${n}_up`, { "x-forwarded-for": `203.0.113.${n}` }));
    const again = await from("198.51.100.7", "rk_made6_up", { "x-forwarded-for": "203.0.113.99" });
    expect(again.status).toBe(429);
  });

  test("abuse 34: from one network of version 6 is one, however many addresses they have", async () => {
    await times(5, (n) => from(`2001:db8:1:2::${n + 1}`, `rk_made${n}_up`));
    expect((await from("2001:db8:1:2:ffff::9", "rk_made6_up")).status).toBe(429);
    expect((await from("2001:db8:1:3::9", "rk_made6_up")).status).toBe(401);
  });

  test("abuse 34: one key's secret from ever other addresses is refused as well", async () => {
    const guesses = await times(8, (n) => from(`198.51.100.${n + 10}`, `rk_operatorid_guess${n}`));
    expect(new Set(guesses.map(({ status }) => status))).toEqual(new Set([401]));
    expect((await from("198.51.100.30", "rk_operatorid_guess9")).status).toBe(429);
    expect((await from("198.51.100.31", "rk_operatorid_secret")).status).toBe(429);
    expect((await from("198.51.100.31", KEY)).status).toBe(200);
  });

  test("abuse 34: all at once gets no more guesses than one by one, but for those that were under way", async () => {
    const guesses = await Promise.all(together(25, (n) => from("198.51.100.7", `rk_made${n}_up`)));
    const [counter] = await world.ledger.query<{ count: number }>(
      "select count::int from ledger.limits where bucket = 'source 198.51.100.7'",
    );
    expect(counter?.count).toBe(guesses.filter(({ status }) => status === 401).length);
    expect((await from("198.51.100.7", KEY)).status).toBe(429);
  });

  test("abuse 34: at the console's door is counted with those at the API's", async () => {
    const enter = async (key: string) =>
      world.app.request(
        "/console/sign-in",
        {
          method: "POST",
          body: new URLSearchParams({ key }).toString(),
          headers: {
            "content-type": "application/x-www-form-urlencoded",
            "sec-fetch-site": "same-origin",
          },
        },
        { event: { rawPath: "/console/sign-in", requestContext: { http: { sourceIp: "198.51.100.7" } } } },
      );
    await times(3, (n) => from("198.51.100.7", `rk_made${n}_up`));
    const guesses = await times(2, (n) => enter(`rk_made${n}_up`));
    expect(guesses.map(({ status }) => status)).toEqual([401, 401]);
    const refused = await enter(KEY);
    expect(refused.status).toBe(429);
    expect(refused.headers.getSetCookie()).toEqual([]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(50);
    expect(await refused.text()).toMatch(/role="alert".*Too many failed sign-ins/s);
    await timePasses();
    expect((await enter(KEY)).status).toBe(303);
  });

  test("tokens are guessed no more often than keys", async () => {
    const statuses = (await times(6, () => from("198.51.100.7", "a.b.c"))).map(({ status }) => status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
  });

  test("who shows nothing, or a credential that is good, is not counted", async () => {
    await times(10, () => from("198.51.100.7", KEY));
    const bare = await times(10, async () => (await world.app.request("/me")).status);
    expect(new Set(bare)).toEqual(new Set([401]));
    const counted = await world.ledger.query(
      "select 1 from ledger.limits where bucket like 'source %' and ends_at > now()",
    );
    expect(counted).toEqual([]);
  });
});

const together = <T>(count: number, work: (n: number) => Promise<T>) =>
  Array.from({ length: count }, (_, n) => work(n));

describe("who asks without end", () => {
  test("to sign in is counted with the others, for each leaves a session behind", async () => {
    await keepPerson(world.ledger, "entrant", "rk_entrant");
    const enter = async () =>
      world.app.request("/console/sign-in", {
        method: "POST",
        body: new URLSearchParams({ key: "rk_entrant" }).toString(),
        headers: { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" },
      });
    const statuses = (await times(31, enter)).map(({ status }) => status);
    expect(statuses).toEqual([...Array<number>(30).fill(303), 429]);
  });

  test("waits, and keeps nobody else waiting", async () => {
    await keepPerson(world.ledger, "eager", "rk_eager");
    const answers = await times(31, () => from("198.51.100.7", "rk_eager"));
    expect(answers.slice(0, 30).every(({ status }) => status === 200)).toBe(true);
    const [last] = answers.slice(-1);
    expect(last).toMatchObject({
      status: 429,
      body: { code: "TooManyRequests", detail: "too many requests within a short time" },
    });
    expect(last?.retryAfter).toBeGreaterThan(50);
    // The same person by another key is the same person.
    const response = await from("198.51.100.9", "rk_eager");
    expect(response.status).toBe(429);
    expect((await from("198.51.100.7", "rk_operatorid_secret")).status).toBe(200);
  });
});

test("what nobody needs any more is swept", async () => {
  await from("198.51.100.7", "rk_made_up");
  await timePasses();
  expect(await removeEndedCounters(world.ledger)).toBeGreaterThan(0);
  expect(await world.ledger.query("select 1 from ledger.limits")).toEqual([]);
});

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["2001:db8::1", "2001:db8:0:0"],
  ["2001:0DB8:0001:0002:0003:0004:0005:0006", "2001:db8:1:2"],
  ["::1", "0:0:0:0"],
  ["fe80::1%eth0", "fe80:0:0:0"],
  ["", ""],
])("the network of %s is %s", (address, network) => {
  expect(sourceNetwork(address)).toBe(network);
});
