/**
 * Prunes, holds and policies over HTTP: started once, listed in pages, and refused with a mend; what runs them is another suite's.
 * Long because each route has its refusals.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { updateEnvironment } from "../../io/ledger/environments.ts";
import { newId } from "../../io/new-id.ts";
import { endedPrune, INVENTORY, testedPolicy } from "./prune-rows.ts";
import {
  bundleOf,
  keepPerson,
  openWorld,
  type Problem,
  registerFresh,
  uploadRelease,
  type World,
} from "./world.ts";

interface Prune {
  id: string;
  status: string;
  mode: string;
  policy: string;
  counts: { records: number; byStatus: Record<string, number>; rows: number };
}

interface Hold {
  id: string;
  record: string | null;
  releasedBy: string | null;
}

let world: World;
let release: string;

beforeAll(async () => {
  world = await openWorld();
  release = await uploadRelease(world, bundleOf({ "inventory.yaml": INVENTORY }));
  await registerFresh(world, "shop");
  await registerFresh(world, "live", { role: "prod" });
  await registerFresh(world, "bare");
  for (const name of ["shop", "live"])
    await updateEnvironment(world.ledger, name, { state: "canonical", release });
  await keepPerson(world.ledger, "viewer", "rk_viewer", [{ environment: "shop", role: "viewer" }]);
  await keepPerson(world.ledger, "promoter", "rk_promoter", [{ environment: "shop", role: "promoter" }]);
});

afterAll(async () => {
  await world.close();
});

const by = (key: string) => ({ authorization: `Bearer ${key}` });

const start = <Body = Prune>(environment: string, body: object, headers: Record<string, string> = {}) =>
  world.call<Body>("POST", `/environments/${environment}/prunes`, body, headers);

function refused(answer: { status: number; body: unknown }): [number, string, string] {
  const { code, hint } = answer.body as Problem;
  return [answer.status, code, hint];
}

describe("a prune", () => {
  test("that only tells is started, once for each key, and shown", async () => {
    const body = { policy: "books", records: ["1", "2"] };
    const first = await start("shop", body, { "idempotency-key": "one" });
    expect([first.status, first.body.mode, first.body.status]).toEqual([202, "report", "created"]);
    const again = await start("shop", body, { "idempotency-key": "one" });
    expect([again.status, again.body.id]).toEqual([200, first.body.id]);
    expect(refused(await start("shop", { policy: "books" }, { "idempotency-key": "one" }))[1]).toBe(
      "IdempotencyKeyReused",
    );
    const shown = await world.call<Prune>("GET", `/prunes/${first.body.id}`);
    expect(shown.body).toMatchObject({
      policy: "books",
      environment: "shop",
      trigger: "request",
      reported: false,
    });
    const records = await world.call<{ records: object[] }>("GET", `/prunes/${first.body.id}/records`);
    expect(records.body.records).toMatchObject([
      { record: "1", status: "waiting" },
      { record: "2", status: "waiting" },
    ]);
  });

  test("of a record that another has is refused, and names it", async () => {
    const held = await start("shop", { policy: "books", records: ["7"] });
    const [status, code, hint] = refused(await start("shop", { policy: "books", records: ["8", "7"] }));
    expect([status, code]).toEqual([409, "PruneUnderWay"]);
    expect(hint).toContain(held.body.id);
  });

  test.each([
    ["shop", { policy: "boks" }, 404, "PolicyUnknown", /did you mean "books"/],
    ["bare", { policy: "books" }, 404, "PolicyUnknown", /./],
    [
      "shop",
      { policy: "books", mode: "prune" },
      409,
      "PolicyUntested",
      /rehearsal prune test books --environment shop/,
    ],
    ["live", { policy: "books", mode: "prune" }, 422, "PruneUnconfirmed", /--confirm live/],
    ["live", { policy: "books", mode: "prune", confirm: "shop" }, 422, "PruneUnconfirmed", /--confirm live/],
    ["live", { policy: "books", mode: "prune", confirm: "live" }, 409, "PolicyUntested", /prune test/],
    ["shop", { policy: "books", mode: "delete" }, 400, "InputInvalid", /correct the named fields/],
    ["shop", { policy: "Books" }, 400, "InputInvalid", /correct the named fields/],
    ["shop", { policy: "books", records: ["1"], limit: 3 }, 400, "InputInvalid", /correct the named fields/],
    ["shop", { policy: "books", records: ["a\0"] }, 400, "InputInvalid", /correct the named fields/],
    ["none", { policy: "books" }, 404, "NotFound", /env list/],
  ])("of %s with %j is refused with %i %s", async (environment, body, status, code, hint) => {
    const answer = await start(environment, body);
    expect(refused(answer).slice(0, 2)).toEqual([status, code]);
    expect(refused(answer)[2]).toMatch(hint);
  });

  test("deletes once its policy has passed a test, and not after one that it did not pass", async () => {
    await testedPolicy(world, "shop");
    const swept = await start("shop", { policy: "books", mode: "prune", limit: 5 });
    expect([swept.status, swept.body]).toEqual([
      202,
      expect.objectContaining({ mode: "prune", trigger: "sweep" }),
    ]);
    await testedPolicy(world, "shop", false);
    const [status, code, hint] = refused(await start("shop", { policy: "books", mode: "prune" }));
    expect([status, code]).toEqual([409, "PolicyUntested"]);
    expect(hint).toContain("rehearsal prune test books");
  });

  test("is listed in pages, by environment, policy and record, and its records by theirs", async () => {
    const ids = [
      await endedPrune(world, "live", 5),
      await endedPrune(world, "live", 1),
      await endedPrune(world, "live", 1),
    ].reverse();
    const paged = async (path: string, field: string) => {
      const found: Record<string, string>[] = [];
      for (let cursor: string | null = ""; cursor !== null; ) {
        const query: string = cursor === "" ? "" : `&cursor=${cursor}`;
        const { status, body } = await world.call<
          Record<string, Record<string, string>[]> & { next: string | null }
        >("GET", `${path}${query}`);
        expect(status).toBe(200);
        found.push(...(body[field] ?? []));
        cursor = body.next;
      }
      return found;
    };
    const live = await paged("/prunes?environment=live&limit=2", "prunes");
    expect(live.map(({ id }) => id)).toEqual(ids);
    expect(await paged("/prunes?environment=live&policy=shelves&limit=2", "prunes")).toEqual([]);
    expect((await paged("/prunes?record=r5&limit=9", "prunes")).map(({ id }) => id)).toEqual([ids[2]]);
    const records = await paged(`/prunes/${ids[2]}/records?limit=2`, "records");
    expect(records.map(({ record }) => record)).toEqual(["r1", "r2", "r3", "r4", "r5"]);
    expect(records[0]).toMatchObject({ deleted: { rows: { pages: 3 } }, candidates: { kept: { pages: 1 } } });
    expect(await paged(`/prunes/${ids[2]}/records?status=failed&limit=2`, "records")).toEqual([]);
    const { body } = await world.call<Prune>("GET", `/prunes/${ids[2]}`);
    expect(body.counts).toMatchObject({ records: 5, byStatus: { pruned: 5 }, rows: 9 });
  });

  test("has its report handed out as it was written", async () => {
    const id = await endedPrune(world, "shop", 1);
    const missing = await world.call("GET", `/prunes/${id}/report`);
    expect(refused(missing).slice(0, 2)).toEqual([404, "NotFound"]);
    const key = `prunes/${id}/report.json`;
    const { sha256 } = await world.store.putOnce(key, Buffer.from('{"records":[]}'));
    await world.ledger.query("update ledger.prunes set report = $2 where id = $1", [
      id,
      JSON.stringify({ key, sha256 }),
    ]);
    const report = await world.call<object>("GET", `/prunes/${id}/report`);
    expect([report.status, report.body]).toEqual([200, { records: [] }]);
  });

  test("is brought back whole or in part, with the name of production, and what deleted nothing is not", async () => {
    const id = await endedPrune(world, "live", 2);
    const path = `/prunes/${id}/restore`;
    expect(refused(await world.call("POST", path, {}))).toEqual([
      422,
      "PruneUnconfirmed",
      expect.stringContaining("--confirm live"),
    ]);
    const back = await world.call<Prune & { restores: string }>("POST", path, {
      records: ["r2"],
      confirm: "live",
    });
    expect([back.status, back.body.mode, back.body.restores]).toEqual([202, "restore", id]);
    const holds = await world.call<{ holds: Hold[] }>("GET", "/holds?environment=live");
    expect(holds.body.holds.map(({ record }) => record)).toEqual(["r2"]);
    const told = await start("shop", { policy: "books", records: ["99"] });
    const [status, code, hint] = refused(await world.call("POST", `/prunes/${told.body.id}/restore`, {}));
    expect([status, code, hint]).toEqual([409, "NothingToRestore", expect.any(String)]);
  });

  test("is nobody's who may only read, and of another environment as if it were not there", async () => {
    const id = await endedPrune(world, "live", 1);
    expect(refused(await start("shop", { policy: "books" }, by("rk_viewer"))).slice(0, 2)).toEqual([
      403,
      "Forbidden",
    ]);
    for (const path of [`/prunes/${id}`, `/prunes/${id}/records`, `/prunes/${id}/report`])
      expect(refused(await world.call("GET", path, undefined, by("rk_viewer"))).slice(0, 2)).toEqual([
        404,
        "NotFound",
      ]);
    const { body } = await world.call<{ prunes: { environment: string }[] }>(
      "GET",
      "/prunes",
      undefined,
      by("rk_viewer"),
    );
    expect(new Set(body.prunes.map(({ environment }) => environment))).toEqual(new Set(["shop"]));
  });
});

describe("a hold", () => {
  const place = (body: object, headers = {}) =>
    world.call<Hold>("POST", "/environments/shop/holds", body, headers);

  test("is placed by whoever may promote, once in the same words, and released by an admin alone", async () => {
    const words = { policy: "books", record: "1", reason: "case 7" };
    const placed = await place(words, by("rk_promoter"));
    expect([placed.status, placed.body.record]).toEqual([200, "1"]);
    expect((await place(words, by("rk_promoter"))).body.id).toBe(placed.body.id);
    const path = `/holds/${placed.body.id}/release`;
    const kept = await world.call("POST", path, { reason: "over" }, by("rk_promoter"));
    expect(refused(kept).slice(0, 2)).toEqual([403, "Forbidden"]);
    const released = await world.call<Hold>("POST", path, { reason: "over" });
    expect([released.status, released.body.releasedBy]).toEqual([200, "tester"]);
    expect(refused(await world.call("POST", path, { reason: "over" }))).toEqual([
      409,
      "HoldReleased",
      expect.any(String),
    ]);
  });

  test("of all of a policy is listed beside those of records, and released ones when asked for", async () => {
    await place({ policy: "books", reason: "inquiry" });
    const list = async (query: string) =>
      (await world.call<{ holds: Hold[]; next: string | null }>("GET", `/holds?environment=shop${query}`))
        .body;
    expect((await list("")).holds.map(({ record }) => record)).toEqual([null]);
    const first = await list("&released=true&limit=1");
    expect(first.holds).toHaveLength(1);
    const second = await list(`&released=true&limit=1&cursor=${first.next}`);
    expect(second.holds.map(({ releasedBy }) => releasedBy)).toEqual(["tester"]);
    expect(refused(await place({ policy: "books", reason: "" })).slice(0, 2)).toEqual([400, "InputInvalid"]);
    expect(refused(await place({ policy: "books", reason: "x" }, by("rk_viewer")))[1]).toBe("Forbidden");
  });
});

test("fault 41: a word that a record was archived is noted once, and by itself changes nothing", async () => {
  const before = await world.ledger.query("select id from ledger.prunes");
  const tell = (records: object[], headers = {}) =>
    world.call<{ told: number; known: number }>("POST", "/environments/shop/archived", { records }, headers);
  const words = [
    { policy: "books", record: "1", id: "a" },
    { policy: "nothing-like-it", record: "never there", id: "b" },
  ];
  expect(await tell(words)).toMatchObject({ status: 202, body: { told: 2, known: 0 } });
  expect(await tell([...words, { policy: "books", record: "2", id: "c" }])).toMatchObject({
    body: { told: 1, known: 2 },
  });
  expect(refused(await tell(words, by("rk_viewer"))).slice(0, 2)).toEqual([403, "Forbidden"]);
  expect(refused(await tell([])).slice(0, 2)).toEqual([400, "InputInvalid"]);
  expect(await world.ledger.query("select id from ledger.prunes")).toEqual(before);
});

test("policies are told with their newest test and whether it was of the policy as it is", async () => {
  const { body } = await world.call<{ policies: Record<string, unknown>[]; next: string | null }>(
    "GET",
    "/environments/shop/policies?limit=1",
  );
  expect(body.policies).toMatchObject([
    {
      name: "books",
      root: "books",
      keep: ["loans"],
      prune: ["pages"],
      graceSeconds: 2_592_000,
      automate: false,
    },
  ]);
  expect(body.policies[0]?.test).toMatchObject({ passed: false, current: true });
  const rest = await world.call<{ policies: object[]; next: string | null }>(
    "GET",
    `/environments/shop/policies?limit=1&cursor=${body.next}`,
  );
  expect(rest.body).toMatchObject({ policies: [{ name: "shelves", test: null }], next: null });
  const none = await world.call<{ policies: object[] }>("GET", "/environments/bare/policies");
  expect(none.body.policies).toEqual([]);
});

test("a test of a policy needs the policy and a backup", async () => {
  const begin = (body: object) => world.call("POST", "/environments/shop/prune-tests", body);
  expect(refused(await begin({ policy: "boks" }))).toEqual([
    404,
    "PolicyUnknown",
    expect.stringContaining("books"),
  ]);
  expect(refused(await begin({ policy: "books" }))).toEqual([
    404,
    "NotFound",
    expect.stringContaining("backup list"),
  ]);
  const backup = newId("backup");
  await world.ledger.query(
    `insert into ledger.backups (id, environment, manifest_key, manifest_sha256, bytes, rows, retain_until)
      values ($1, 'shop', 'x', '', 1, 1, now() + interval '1 day')`,
    [backup],
  );
  const begun = await world.call<{ kind: string; input: object; backup: string }>(
    "POST",
    "/environments/shop/prune-tests",
    { policy: "books", records: 9 },
  );
  expect([begun.status, begun.body]).toEqual([
    202,
    expect.objectContaining({ kind: "prune-test", backup, input: { policy: "books", release, records: 9 } }),
  ]);
});
