/**
 * The command along a promotion: every exit code, what people read, and what programs get.
 * Long because every command along one is put to the same world, whose start costs more than any case.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RehearsalError, toErrorRecord } from "../../core/errors.ts";
import type { Status } from "../../core/steps.ts";
import { updatePromotion } from "../../io/ledger/promotions.ts";
import { ask, EVIDENCE, end, play, start } from "../api/course.ts";
import { registerFresh, uploadRelease } from "../api/world.ts";
import { execute } from "../postgres.ts";
import { type CommandWorld, openCommandWorld } from "./command.ts";

let world: CommandWorld;
let release: string;

beforeAll(async () => {
  world = await openCommandWorld();
  release = await uploadRelease(world);
});

afterAll(async () => {
  await world.close();
});

let made = 0;

async function begun(policy: object = {}, role: "dev" | "prod" = "dev") {
  const environment = `env-${++made}`;
  const address = await registerFresh(world, environment, { policy, role });
  return { ...(await start(world, environment, release)), address };
}

const ends = (id: string, status: Status, error?: RehearsalError) =>
  updatePromotion(world.ledger, id, { status, ...(error && { error: toErrorRecord(error) }) });

describe("plan", () => {
  test("exits 3 when something is pending, and tells it statement by statement", async () => {
    await registerFresh(world, "planned");
    const folder = await world.folder({
      "rehearsal.yaml": "project: library\n",
      "migrations/0001_make.sql": "create table books (id int);\nalter table books add column title text;\n",
    });
    const { exit, out, err } = await world.run(["plan", "planned"], { folder });
    expect(exit).toBe(3);
    expect(out).toContain('on "planned": 1 file pending; writers go on while it runs');
    expect(out).toMatch(/^ {2}migrations\/0001_make\.sql$/m);
    expect(out).toMatch(/^ {4}2 {2}additive {2}alter table .*AccessExclusiveLock on "books"$/m);
    expect(err).toMatch(/^release [0-9a-f]{12} of this folder uploaded\n$/);
    const json = await world.json<{ runs: object[] }>(["plan", "planned", release]);
    expect([json.exit, json.value.runs.length, json.err]).toEqual([3, 1, ""]);
    const none = await world.ledger.query("select 1 from ledger.promotions where environment = 'planned'");
    expect(none).toEqual([]);
  });

  test("of drift exits 3 with its code", async () => {
    const address = await registerFresh(world, "drifting");
    await execute(address, "create table by_hand (id int)");
    const { exit, err } = await world.run(["plan", "drifting", release]);
    expect(exit).toBe(3);
    expect(err).toContain("code:  DriftFound");
    expect(err).toContain("hint:  undo the change made by hand");
  });
});

describe("promote", () => {
  test("starts it and tells how to follow it", async () => {
    await registerFresh(world, "started");
    const { exit, out } = await world.run(["promote", "started", release.slice(0, 8)]);
    expect(exit).toBe(0);
    const id = /^(p\d{6}\w{8}): "started" to release/.exec(out)?.[1];
    expect(out).toContain(`follow it with: rehearsal watch ${id}`);
    const locked = await world.run(["promote", "started", release]);
    expect(locked.exit).toBe(5);
    expect(locked.err).toContain(`hint:  wait for it with "rehearsal watch ${id}"`);
    const json = await world.json<{ error: object }>(["promote", "started", release]);
    expect(json).toMatchObject({
      exit: 5,
      value: {
        error: {
          code: "EnvironmentLocked",
          message: expect.stringContaining("is locked by"),
          hint: expect.stringContaining("watch"),
          facts: { promotion: id },
        },
      },
      err: "",
    });
  });

  test("abuse 29: with one --idempotency-key starts once", async () => {
    await registerFresh(world, "keyed");
    const words = ["promote", "keyed", release, "--idempotency-key", "build-7"];
    const [first, second] = [
      await world.json<{ id: string }>(words),
      await world.json<{ id: string }>(words),
    ];
    expect([first.exit, second.exit]).toEqual([0, 0]);
    expect(second.value.id).toBe(first.value.id);
    const reused = await world.run([...words, "--seed"]);
    expect(reused.exit).toBe(2);
    expect(reused.err).toContain("code:  IdempotencyKeyReused");
  });

  test("fault 8: sends it again when the reply is lost, and starts it once", async () => {
    await registerFresh(world, "lossy");
    world.line.inject({ kind: "cut", from: "server", after: 0 });
    const running = world.run(["promote", "lossy", release]);
    // Until the first reply was lost; from then on the line is well.
    while (world.line.struck() === 0) await new Promise((resolve) => setImmediate(resolve));
    world.line.heal();
    const { exit } = await running;
    expect(exit).toBe(0);
    const rows = await world.ledger.query("select id from ledger.promotions where environment = 'lossy'");
    expect(rows).toHaveLength(1);
  });

  test("--watch follows to the end, each step a line on standard error", async () => {
    await registerFresh(world, "watched");
    let id: string | undefined;
    const { exit, out, err } = await world.run(["promote", "watched", release, "--watch"], {
      onError: (text) => {
        const found = /^(p\d{6}\w{8}): "watched"/m.exec(text)?.[1];
        if (found === undefined || id !== undefined) return;
        id = found;
        void (async () => {
          await play(world, found, "admit");
          await play(world, found, "back-up", "failed");
          await play(world, found, "back-up");
          await play(world, found, "rehearse");
          await ends(found, "promoted");
        })();
      },
    });
    expect(exit).toBe(0);
    expect(out).toBe(
      `${id}: "watched" is promoted to release ${release.slice(0, 12)}\nreport:  rehearsal report ${id}\n`,
    );
    const lines = err.trimEnd().split("\n").slice(1);
    expect(lines).toEqual([
      expect.stringMatching(/^done {5}admit {14}\d\.\d s {8}3 rows$/),
      expect.stringMatching(/^failed {3}back-up .*an unforeseen failure: by hand$/),
      expect.stringMatching(/^done {5}back-up \(try 2\) /),
      expect.stringMatching(/^done {5}rehearse /),
    ]);
    expect(err).not.toContain("\u001b");
  });
});

describe("watch exits", () => {
  test.each<[string, Status, RehearsalError | undefined, number, string]>([
    ["0 when promoted", "promoted", undefined, 0, "is promoted to release"],
    ["0 when there was nothing to do", "nothing-to-do", undefined, 0, "has all of release"],
    [
      "1 when it was refused",
      "refused",
      new RehearsalError("CheckFailed", { check: "checks/a.sql", rows: 2, sample: "1" }),
      1,
      "refused; production is as it was",
    ],
    [
      "3 when drift refused it",
      "refused",
      new RehearsalError("DriftFound", { environment: "x", differences: "table a" }),
      3,
      "hint:    undo the change made by hand",
    ],
    [
      "4 when nobody approved in time",
      "refused",
      new RehearsalError("ApprovalExpired", { seconds: 60 }),
      4,
      "nobody decided within 60 seconds",
    ],
    [
      "1 when it was rolled back",
      "rolled-back",
      new RehearsalError("HookFailed", { hook: "smoke", url: "http://x", reason: "it answered 500" }),
      1,
      "production holds what it held before",
    ],
    [
      "6 when it is held",
      "held",
      new RehearsalError("WritesWouldBeLost", { differences: "3 rows" }),
      6,
      "held; writers stay out",
    ],
  ])("%s", async (_, status, error, exit, text) => {
    const { id, environment } = await begun();
    await play(world, id, "rehearse");
    await ends(id, status, error);
    const watched = await world.run(["watch", id]);
    expect(watched.exit).toBe(exit);
    expect(watched.out).toContain(text);
    expect(watched.out).toMatch(new RegExp(`^report: +rehearsal report ${id}$`, "m"));
    if (error !== undefined) {
      expect(watched.out).toContain(error.message);
      expect(watched.out).toContain(error.hint);
      expect(watched.out).toContain(error.code);
    }
    if (status === "held") expect(watched.out).toContain(`rehearsal rollback ${id} --confirm ${environment}`);
    const json = await world.json<{ status: string; steps: object[] }>(["watch", id]);
    expect(json).toMatchObject({ exit, value: { id, status, steps: [{ step: "rehearse" }] } });
  });

  test("4 once it waits, where nobody could answer, and tells how to", async () => {
    const { id } = await begun({ decision: "approval" });
    await ask(world, id);
    const { exit, out } = await world.run(["watch", id]);
    expect(exit).toBe(4);
    expect(out).toContain(`waits for an approval of evidence ${EVIDENCE.slice(0, 12)}`);
    expect(out).toContain(`rehearsal approve ${id}`);
    expect(await world.json(["watch", id])).toMatchObject({ exit: 4, value: { status: "waiting" } });
  });
});

describe("watch", () => {
  test("that is interrupted says that the promotion goes on, and exits 130", async () => {
    const { id } = await begun();
    await play(world, id, "admit");
    const { exit, err } = await world.run(["watch", id], {
      onError: (text, child) => {
        if (text.includes("admit") && !child.killed) child.kill("SIGINT");
      },
    });
    expect(exit).toBe(130);
    expect(err).toContain(`${id} goes on by itself; follow it again with: rehearsal watch ${id}\n`);
  });

  test("of what is not there exits 2", async () => {
    const { exit, err } = await world.run(["watch", "p000000aaaaaaaa"]);
    expect(exit).toBe(2);
    expect(err).toContain("code:  NotFound");
  });
});

describe("deciding", () => {
  test("approves the evidence that stands; twice exits 1", async () => {
    const { id } = await begun({ decision: "approval" });
    await ask(world, id);
    const other = await world.run(["approve", id, "--evidence", "abc"]);
    expect(other.exit).toBe(3);
    expect(other.err).toContain("code:  EvidenceChanged");
    const { exit, out } = await world.run([
      "approve",
      id,
      "--evidence",
      EVIDENCE.slice(0, 8),
      "--comment",
      "go",
    ]);
    expect([exit, out]).toEqual([0, `${id}: approved, for evidence ${EVIDENCE.slice(0, 12)}\n`]);
    const again = await world.run(["approve", id]);
    expect(again.exit).toBe(1);
    expect(again.err).toContain("code:  ApprovalNotWanted");
    expect((await world.execution(id)).status).toBe("SUCCEEDED");
  });

  test("rejects with a comment", async () => {
    const { id } = await begun({ decision: "approval" });
    await ask(world, id);
    expect(await world.run(["reject", id, "--comment", "no"])).toMatchObject({
      exit: 0,
      out: `${id}: rejected\n`,
    });
    expect((await world.execution(id)).cause).toBe("tester rejected it: no");
  });

  test("cancels, and says when it is too late", async () => {
    const { id } = await begun();
    expect((await world.run(["cancel", id])).exit).toBe(0);
    await play(world, id, "decide");
    const late = await begun();
    await play(world, late.id, "migrate", "running");
    await play(world, late.id, "decide");
    const { exit, err } = await world.run(["cancel", late.id]);
    expect(exit).toBe(1);
    expect(err).toContain(`hint:  to go back, run "rehearsal rollback ${late.id}"`);
  });

  test("rolls back with the name said once more, and follows to the end that was wanted", async () => {
    const { id, environment } = await begun({}, "prod");
    await play(world, id, "hold");
    await updatePromotion(world.ledger, id, { status: "held" });
    const unconfirmed = await world.run(["rollback", id]);
    expect(unconfirmed.exit).toBe(2);
    expect(unconfirmed.err).toContain(`hint:  say its name: --confirm ${environment}`);
    const watching = world.run(["rollback", id, "--confirm", environment, "--watch"]);
    await world.token(id);
    while ((await world.executions(world.rollbackMachine)).length === 0)
      await new Promise((resolve) => setImmediate(resolve));
    await play(world, id, "roll-back");
    await ends(id, "rolled-back");
    const { exit, out } = await watching;
    expect(exit).toBe(0);
    expect(out).toContain("rolled back; production holds what it held before");
  });
});

describe("looking", () => {
  test("status shows one promotion in full, or the newest as a table", async () => {
    const { id, environment } = await begun({ decision: "approval" });
    await ask(world, id);
    const one = await world.run(["status", id]);
    expect(one.exit).toBe(0);
    expect(one.out).toMatch(new RegExp(`^promotion: +${id}\nenvironment: +${environment}\n`));
    expect(one.out).toMatch(new RegExp(`^evidence: +${EVIDENCE}$`, "m"));
    expect(one.out).toMatch(/^done {2}admit {5}/m);
    expect(one.out).toContain(`rehearsal approve ${id}`);
    const list = await world.run(["status", "--environment", environment]);
    expect(list.out.split("\n")[1]).toMatch(
      new RegExp(`^${id} +${environment} +${release.slice(0, 12)} +waiting `),
    );
    const json = await world.json<{ promotions: object[] }>(["status", "--limit", "1"]);
    expect(json.value.promotions).toMatchObject([{ id }]);
    expect((await world.run(["status", "--limit", "no"])).exit).toBe(2);
    await end(world, id);
  });

  test("report is printed as it is, as JSON, or into a file", async () => {
    const { id } = await begun();
    await world.store.put(`promotions/${id}/rehearse/1/report.json`, Buffer.from('{"runs":[]}'));
    await world.store.put(`promotions/${id}/rehearse/1/report.md`, Buffer.from("# Rehearsal\n"));
    await world.store.put(`promotions/${id}/rehearse/1/report.html`, Buffer.from("<p>Rehearsal</p>"));
    expect(await world.run(["report", id])).toMatchObject({ exit: 0, out: "# Rehearsal\n" });
    expect((await world.json(["report", id])).value).toEqual({ runs: [] });
    const folder = await world.folder();
    const written = await world.run(["report", id, "--format", "html", "--output", "r.html"], { folder });
    expect(written.exit).toBe(0);
    expect(await readFile(join(folder, "r.html"), "utf8")).toBe("<p>Rehearsal</p>");
    const missing = await world.run(["report", (await begun()).id]);
    expect(missing.exit).toBe(1);
    expect(missing.err).toContain("code:  ReportMissing");
  });

  test("once production is migrated the report tells as well how that went, and its JSON keeps every word it had", async () => {
    const { id } = await begun();
    const place = { path: "migrations/0001_a.sql", line: 1, summary: "create index" };
    const { path, ...statement } = { ...place, sql: "", rows: null, locks: [], rewritten: [], walBytes: 0 };
    const item = { kind: "migration", path, milliseconds: 20, idempotent: "not claimed" };
    const run = { transactional: true, milliseconds: 20, changed: {}, fingerprint: "" };
    const report = {
      ...{ format: "rehearsal-report/1", promotion: id, environment: "e", release: "r", server: "18" },
      ...{ milliseconds: 1, fingerprintBefore: "", fingerprintAfter: "", differences: [], brokenChecks: [] },
      ...{ bytesBefore: 0, bytesAfter: 0, walBytes: 0, unchangedTables: [], changedTables: [] },
      runs: [{ ...run, items: [{ ...item, statements: [{ ...statement, milliseconds: 20 }] }] }],
    };
    const measures = {
      ...{ format: "rehearsal-measures/1", promotion: id, attempt: 2, waits: [] },
      runs: [{ transactional: true, milliseconds: 50, statements: [{ ...place, milliseconds: 50 }] }],
    };
    const put = (key: string, value: object | string) =>
      world.store.put(
        `promotions/${id}/${key}`,
        Buffer.from(typeof value === "string" ? value : JSON.stringify(value)),
      );
    await put("rehearse/1/report.json", report);
    await put("rehearse/1/report.md", "# Rehearsal\n");
    await put("migrate/2/measures.json", measures);
    expect((await world.run(["report", id])).out).toContain("Rehearsed 20 ms, in production 50 ms: 2.5×.");
    const { value } = await world.json<{ comparison: object }>(["report", id]);
    expect(value).toEqual({
      ...report,
      comparison: {
        total: { rehearsed: 20, real: 50, ratio: 2.5 },
        statements: [{ ...place, rehearsed: 20, real: 50, ratio: 2.5 }],
        blocked: [],
      },
    });
    const folder = await world.folder();
    await world.run(["report", id, "--format", "json", "--output", "r.json"], { folder });
    expect(await readFile(join(folder, "r.json"), "utf8")).toBe(JSON.stringify(report));
  });

  test("log tells events in order, of all or of one promotion", async () => {
    const { id } = await begun();
    const { out } = await world.run(["log", id]);
    expect(out).toMatch(
      new RegExp(`^\\d+ +\\d{4}-.* UTC +env-\\d+ +${id} +promotion\\.created +by tester, release `, "m"),
    );
    const all = await world.json<{ entries: { seq: number }[] }>(["log", "--after", "1", "--limit", "2"]);
    expect(all.value.entries.map(({ seq }) => seq)).toEqual([2, 3]);
  });

  test("log verify recomputes the chain, and exits 6 when it is broken", async () => {
    const sound = await world.json<{ events: number; recomputed: number }>(["log", "verify"]);
    expect(sound.exit).toBe(0);
    expect(sound.value.recomputed).toBe(sound.value.events);
    await execute(
      world.control,
      `alter table ledger.events disable trigger all;
       update ledger.events set body = replace(body, 'promotion.created', 'promotion.denied')
         where seq = (select min(seq) from ledger.events where type = 'promotion.created');
       alter table ledger.events enable trigger all;`,
    );
    const broken = await world.run(["log", "verify"]);
    expect(broken.exit).toBe(6);
    expect(broken.err).toMatch(/the promotion log is broken at event \d+: its body does not have the hash/);
    expect(broken.err).toContain("hint:  compare the ledger with the copies");
  });
});
