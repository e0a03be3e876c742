/** Promotions over the API: each is started once, whatever is lost on the way, and one at a time per environment. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { releaseKey } from "../../io/ledger/releases.ts";
import { execute, rows } from "../postgres.ts";
import { ask, EVIDENCE, end, play, type Started, start } from "./course.ts";
import { bundleOf, openWorld, registerFresh, uploadRelease, type World } from "./world.ts";

let world: World;
let release: string;

beforeAll(async () => {
  world = await openWorld();
  release = await uploadRelease(world);
});

afterAll(async () => {
  await world.close();
});

const promote = (body: object, key?: string) =>
  world.call<Started>("POST", "/promotions", body, key === undefined ? {} : { "idempotency-key": key });

describe("starting", () => {
  test("inserts, tells the log and starts an execution of the same name", async () => {
    await registerFresh(world, "plain");
    const { status, body } = await promote({ environment: "plain", release: release.slice(0, 10) });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.stringMatching(/^p\d{6}[0-9a-hjkmnp-tv-z]{8}$/),
      environment: "plain",
      release,
      seed: false,
      rehearseOnly: false,
      requestedBy: "tester",
      status: "created",
      asked: null,
      evidence: null,
      error: null,
      createdAt: expect.stringMatching(/Z$/),
      endedAt: null,
    });
    const execution = await world.execution(body.id);
    expect(JSON.parse(execution.input ?? "")).toEqual({ promotion: body.id });
    const log = await world.call<{ entries: { body: string }[] }>("GET", `/promotions/${body.id}/log`);
    expect(log.body.entries.map((entry) => JSON.parse(entry.body))).toMatchObject([
      {
        type: "promotion.created",
        environment: "plain",
        promotion: body.id,
        data: { release, by: "tester" },
      },
    ]);
    const shown = await world.call("GET", "/environments/plain");
    expect(shown.body).toMatchObject({ promotion: { id: body.id, status: "created" } });
  });

  test("fault 24: a second one of the same environment gets 409, also at the same time", async () => {
    await registerFresh(world, "busy");
    const answers = await Promise.all([1, 2, 3].map(() => promote({ environment: "busy", release })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    const { body } = await world.call("POST", "/promotions", { environment: "busy", release });
    const started = answers.find(({ status }) => status === 201)?.body.id;
    expect(body.code).toBe("EnvironmentLocked");
    expect(body.facts).toMatchObject({ environment: "busy", promotion: started });
    expect(body.hint).toBe(`wait for it with "rehearsal watch ${started}"`);
  });

  test("abuse 29: the same key and body start one promotion, another body is refused", async () => {
    await registerFresh(world, "keyed");
    const body = { environment: "keyed", release };
    const answers = await Promise.all([1, 2, 3].map(() => promote(body, "key-1")));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    const other = await world.call(
      "POST",
      "/promotions",
      { ...body, seed: true },
      { "idempotency-key": "key-1" },
    );
    expect([other.status, other.body.code]).toEqual([422, "IdempotencyKeyReused"]);
    expect(other.body.hint).toContain("new key");
    // Another person's key of the same letters is another key.
    const somebody = await world.call("POST", "/promotions", body, {
      "idempotency-key": "key-1",
      authorization: "Bearer rk_other",
    });
    expect(somebody.body.code).toBe("EnvironmentLocked");
  });

  test("abuse 29: a key whose request was refused is free for the next", async () => {
    await registerFresh(world, "refused-first");
    const first = await promote({ environment: "refused-first", release });
    const body = { environment: "refused-first", release };
    expect((await promote(body, "key-2")).status).toBe(409);
    await end(world, first.body.id);
    expect((await promote(body, "key-2")).status).toBe(201);
  });

  test("fault 8: when StartExecution succeeds and its reply is lost, a repetition finds the one execution", async () => {
    await registerFresh(world, "lost");
    const body = { environment: "lost", release };
    const before = (await world.executions()).length;
    world.line.inject({ kind: "cut", from: "server", after: 0 });
    const failed = await world.call("POST", "/promotions", body, { "idempotency-key": "key-lost" });
    world.line.heal();
    expect([failed.status, failed.body.code]).toEqual([503, "AwsCallFailed"]);
    expect(failed.body.hint).toContain("npm run dev");
    expect(await world.executions()).toHaveLength(before + 1);
    const repeated = await promote(body, "key-lost");
    expect(repeated.status).toBe(200);
    expect(await world.executions()).toHaveLength(before + 1);
    expect((await world.execution(repeated.body.id)).status).toBe("RUNNING");
  });

  test("fault 8: a request that died before StartExecution is healed by repeating it", async () => {
    await registerFresh(world, "died");
    const machine = process.env.REHEARSAL_PROMOTION_MACHINE;
    process.env.REHEARSAL_PROMOTION_MACHINE = `${machine}-gone`;
    const body = { environment: "died", release };
    const failed = await world.call("POST", "/promotions", body, { "idempotency-key": "key-3" });
    expect([failed.status, failed.body.code]).toEqual([503, "AwsCallFailed"]);
    process.env.REHEARSAL_PROMOTION_MACHINE = machine;
    const healed = await promote(body, "key-3");
    expect(healed.status).toBe(200);
    expect((await world.execution(healed.body.id)).status).toBe("RUNNING");
  });

  test("a repetition after the end starts nothing", async () => {
    await registerFresh(world, "over");
    const body = { environment: "over", release };
    const first = await promote(body, "key-4");
    await end(world, first.body.id, "promoted");
    const before = (await world.executions()).length;
    expect((await promote(body, "key-4")).body).toMatchObject({ id: first.body.id, status: "promoted" });
    expect(await world.executions()).toHaveLength(before);
  });

  test("abuse 40: seeds are refused where the role is prod", async () => {
    await registerFresh(world, "live", { role: "prod" });
    const { status, body } = await world.call("POST", "/promotions", {
      environment: "live",
      release,
      seed: true,
    });
    expect([status, body.code]).toEqual([409, "SeedsOnProd"]);
    expect(body.hint).toContain("--seed");
    expect((await world.call("POST", "/plans", { environment: "live", release, seed: true })).body.code).toBe(
      "SeedsOnProd",
    );
  });

  test.each([
    ["environment", { environment: "nowhere", release: "abcd" }, "NotFound"],
    ["release", { environment: "plain", release: "0000" }, "NotFound"],
    ["hash of three letters", { environment: "plain", release: "abc" }, "InputInvalid"],
  ])("an unknown %s is refused", async (_, body, code) => {
    const answer = await world.call("POST", "/promotions", body);
    expect(answer.body.code).toBe(code);
    expect(answer.body.hint).not.toBe("");
  });
});

describe("showing", () => {
  test("has steps and approval, and never the task token", async () => {
    await registerFresh(world, "shown", { policy: { decision: "approval" } });
    const { id } = await start(world, "shown", release);
    await ask(world, id);
    const { body } = await world.call<{ steps: object[]; approval: object }>("GET", `/promotions/${id}`);
    expect(body).toMatchObject({
      id,
      status: "waiting",
      evidence: EVIDENCE,
      approval: { status: "waiting", evidence: EVIDENCE, decidedBy: null },
    });
    expect(body.steps.at(0)).toEqual({
      step: "admit",
      attempt: 1,
      status: "succeeded",
      outcome: { rows: 3 },
      error: null,
      progress: null,
      startedAt: expect.stringMatching(/Z$/),
      endedAt: expect.stringMatching(/Z$/),
    });
    expect(JSON.stringify(body)).not.toContain(await world.token(id));
  });

  test("lists the newest first and goes on where it was left", async () => {
    await registerFresh(world, "many");
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) {
      const { body } = await promote({ environment: "many", release });
      ids.unshift(body.id);
      await end(world, body.id);
    }
    const list = (query: string) =>
      world.call<{ promotions: Started[]; next: string | null }>(
        "GET",
        `/promotions?environment=many&${query}`,
      );
    const { body: first } = await list("limit=2");
    expect(first.promotions.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    const { body: last } = await list(`cursor=${first.next}`);
    expect(last).toMatchObject({ promotions: [{ id: ids[2] }], next: null });
  });
});

describe("planning", () => {
  test("tells files, statements, classes and locks, and changes nothing", async () => {
    const address = await registerFresh(world, "planned");
    const hash = await uploadRelease(
      world,
      bundleOf({
        "migrations/0002_more.sql": "alter table books add column pages int;\ndrop table if exists old;\n",
        "migrations/0003_index.sql":
          "-- rehearsal: no-transaction\ncreate index concurrently books_title on books (title);\n",
        "migrations/0004_pages.sql":
          "-- rehearsal: batch table=books key=id size=10\nupdate books set pages = 1;\n",
      }),
    );
    const before = await rows(address, "select * from rehearsal.identity");
    const { status, body } = await world.call("POST", "/plans", { environment: "planned", release: hash });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      environment: "planned",
      release: hash,
      fence: true,
      runs: [
        {
          transactional: true,
          files: [
            {
              kind: "migration",
              path: "migrations/0001_make_books.sql",
              statements: [{ class: "additive" }],
            },
            {
              path: "migrations/0002_more.sql",
              statements: [
                { line: 1, class: "additive", locks: [{ relation: '"books"', mode: "AccessExclusiveLock" }] },
                { line: 2, class: "destructive" },
              ],
            },
          ],
        },
        { transactional: false, sliced: false, files: [{ statements: [{ class: "non-transactional" }] }] },
        { transactional: false, sliced: true, files: [{ path: "migrations/0004_pages.sql" }] },
      ],
    });
    expect(await rows(address, "select * from rehearsal.identity")).toEqual(before);
    expect(await world.ledger.query("select 1 from ledger.promotions where environment = 'planned'")).toEqual(
      [],
    );
  });

  test("of what is applied already has no runs", async () => {
    const address = await registerFresh(world, "complete");
    const { manifest } = bundleOf();
    const file = manifest.files.find(({ path }) => path.startsWith("migrations/"));
    await execute(
      address,
      `insert into rehearsal.applied (path, version, sha256, release, promotion, milliseconds)
        values ('${file?.path}', 1, '${file?.sha256}', '${release}', 'p0', 1)`,
    );
    const { body } = await world.call("POST", "/plans", { environment: "complete", release });
    expect(body).toMatchObject({ fence: false, runs: [] });
  });

  test("fault 28: drift is refused with what differs", async () => {
    const address = await registerFresh(world, "drifting");
    await execute(address, "create table by_hand (id int)");
    const { status, body } = await world.call("POST", "/plans", { environment: "drifting", release });
    expect([status, body.code]).toEqual([409, "DriftFound"]);
    expect(body.detail).toContain("by_hand");
    expect(body.hint).toContain("undo the change");
  });

  test("abuse 14: a bundle tampered with after it was accepted is refused", async () => {
    await registerFresh(world, "tampered");
    const bundle = bundleOf({ "migrations/0002_t.sql": "create table t (id int);" });
    const hash = await uploadRelease(world, bundle);
    const other = Buffer.from(bundle.bytes);
    other.write("u", other.length - 10);
    await world.store.put(releaseKey(hash), other);
    const { body } = await world.call("POST", "/plans", { environment: "tampered", release: hash });
    expect(body.code).toBe("BundleInvalid");
  });
});

test("steps that are left running are shown as such", async () => {
  await registerFresh(world, "running");
  const { id } = await start(world, "running", release);
  await play(world, id, "admit", "running");
  const { body } = await world.call<{ status: string; steps: object[] }>("GET", `/promotions/${id}`);
  expect(body.status).toBe("running");
  expect(body.steps).toMatchObject([{ step: "admit", status: "running", endedAt: null }]);
});
