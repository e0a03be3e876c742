/** Artifacts and the log over the API: only a promotion's own, by the server's keys, and a chain that proves itself. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { appendEvent } from "../../io/ledger/events.ts";
import { logKey } from "../../io/ledger/outbox.ts";
import { rows, execute as run } from "../postgres.ts";
import { start } from "./course.ts";
import { openWorld, registerFresh, uploadRelease, type World } from "./world.ts";

let world: World;
let id: string;
let other: string;

beforeAll(async () => {
  world = await openWorld();
  const release = await uploadRelease(world);
  await registerFresh(world, "one");
  await registerFresh(world, "two");
  id = (await start(world, "one", release)).id;
  other = (await start(world, "two", release)).id;
  const put = (key: string, text: string) => world.store.put(key, Buffer.from(text));
  await put(`promotions/${id}/rehearse/2/report.json`, '{"attempt":2}');
  await put(`promotions/${id}/rehearse/10/report.json`, '{"attempt":10}');
  await put(`promotions/${id}/rehearse/10/report.md`, "# Rehearsal");
  await put(`promotions/${id}/rehearse/10/report.html`, "<p>Rehearsal</p>");
  await put(`promotions/${id}/rehearse/11/expectations.json`, "{}");
  await put(`backups/one/${id}-1/manifest.json`, "{}");
  await put(`backups/two/${other}-1/manifest.json`, '{"secret":true}');
  await put(`promotions/${other}/admit/1/x.json`, '{"secret":true}');
});

afterAll(async () => {
  await world.close();
});

describe("artifacts", () => {
  test("are listed by names that begin at the promotion, backups too", async () => {
    const { body } = await world.call<{ artifacts: { key: string }[] }>("GET", `/promotions/${id}/artifacts`);
    expect(body.artifacts.map(({ key }) => key)).toEqual([
      "rehearse/10/report.html",
      "rehearse/10/report.json",
      "rehearse/10/report.md",
      "rehearse/11/expectations.json",
      "rehearse/2/report.json",
      "backup/1/manifest.json",
    ]);
    expect(body.artifacts[0]).toEqual({
      key: "rehearse/10/report.html",
      size: 16,
      modified: expect.stringMatching(/Z$/),
    });
  });

  test("are handed out by a short-lived address, as a redirection or as JSON", async () => {
    const path = `/promotions/${id}/artifacts/rehearse/10/report.md`;
    const redirected = await world.send(path, { redirect: "manual" });
    expect(redirected.status).toBe(302);
    const { body } = await world.call<{ url: string }>("GET", path, undefined, {
      accept: "application/json",
    });
    for (const url of [body.url, redirected.headers.get("location") ?? ""]) {
      expect(url).toContain("X-Amz-Expires=300");
      expect(await (await fetch(url)).text()).toBe("# Rehearsal");
    }
    const backup = await world.call<{ url: string }>(
      "GET",
      `/promotions/${id}/artifacts/backup/1/manifest.json`,
      undefined,
      { accept: "application/json" },
    );
    expect(await (await fetch(backup.body.url)).text()).toBe("{}");
  });

  test("abuse 33: nothing but this promotion's own can be named", async () => {
    for (const key of [
      `../${other}/admit/1/x.json`,
      `%2e%2e/${other}/admit/1/x.json`,
      `..%2F${other}%2Fadmit%2F1%2Fx.json`,
      `rehearse/../../${other}/admit/1/x.json`,
      `/promotions/${other}/admit/1/x.json`,
      `promotions/${other}/admit/1/x.json`,
      `backup/../../two/${other}-1/manifest.json`,
      `backup/1/..%2f..%2f..%2fbackups%2ftwo`,
      "rehearse/10/report.md%00",
      "rehearse/10/report.md%0a",
      "rehearse//report.md",
      "rehearse/9/report.md",
      "rehearse",
    ]) {
      const { status, body } = await world.call("GET", `/promotions/${id}/artifacts/${key}`);
      expect([key, status, body.code]).toEqual([key, 404, "NotFound"]);
      expect(JSON.stringify(body)).not.toContain("url");
    }
    expect(
      (await world.call("GET", `/promotions/p000000aaaaaaaa/artifacts/rehearse/10/report.md`)).status,
    ).toBe(404);
  });
});

describe("the report", () => {
  test.each([
    ["json", "application/json", '{"attempt":10}'],
    ["md", "text/markdown; charset=utf-8", "# Rehearsal"],
    ["html", "text/html; charset=utf-8", "<p>Rehearsal</p>"],
  ])("of the newest rehearsal is given as %s", async (format, type, text) => {
    const response = await world.send(`/promotions/${id}/report?format=${format}`);
    expect(response.headers.get("content-type")).toBe(type);
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(await response.text()).toBe(text);
  });

  test("of a promotion that was not rehearsed is missing", async () => {
    const { status, body } = await world.call("GET", `/promotions/${other}/report`);
    expect([status, body.code]).toEqual([404, "ReportMissing"]);
    expect(body.hint).toContain(`rehearsal status ${other}`);
  });

  test("that is too large for an answer is handed out by its address", async () => {
    const key = `promotions/${other}/rehearse/1/report`;
    await world.store.put(`${key}.json`, Buffer.from("{}"));
    await world.store.put(`${key}.html`, Buffer.alloc(5 * 1024 * 1024, 32));
    const response = await world.send(`/promotions/${other}/report?format=html`, { redirect: "manual" });
    expect(response.status).toBe(302);
    expect((await (await fetch(response.headers.get("location") ?? "")).arrayBuffer()).byteLength).toBe(
      5 * 1024 * 1024,
    );
  });
});

describe("the log", () => {
  interface Proof {
    events: number;
    head: string;
    copies: number;
    broken?: { seq: number; reason: string };
  }
  const verify = async () => (await world.call<Proof>("GET", "/log/verify")).body;

  test("is proved over pages, and copies that still wait to be sent are not missing", async () => {
    await world.ledger.transaction(async () => {
      for (let n = 0; n < 1200; n++) await appendEvent(world.ledger, { type: "test.event", data: { n } });
    });
    const [head] = await rows<{ seq: string; hash: string }>(
      world.control,
      "select seq, hash from ledger.events order by seq desc limit 1",
    );
    const proof = await verify();
    expect(proof).toEqual({ events: Number(head?.seq), head: head?.hash, copies: expect.any(Number) });
    expect(proof.copies).toBeLessThan(proof.events);
    expect(proof.copies).toBeGreaterThan(0);
  });

  test("with a copy that differs, or is missing, names the first", async () => {
    const key = logKey(2);
    const bytes = await world.store.get(key);
    await world.store.put(key, Buffer.from("{}"));
    expect((await verify()).broken).toEqual({ seq: 2, reason: "its copy in the bucket says something else" });
    await world.store.remove(key);
    expect(await verify()).toMatchObject({
      events: 1,
      broken: { seq: 2, reason: "its copy in the bucket is missing" },
    });
    await world.store.put(key, bytes);
    expect((await verify()).broken).toBeUndefined();
  });

  test("whose ledger was cut short is told by its copies", async () => {
    const { events } = await verify();
    await world.store.put(logKey(events + 3), Buffer.from("{}"));
    expect((await verify()).broken).toEqual({
      seq: events + 1,
      reason: `the ledger ends before it, but the bucket has copies up to event ${events + 3}`,
    });
    await world.store.remove(logKey(events + 3));
  });

  test("with an event that was changed behind the trigger's back names the link", async () => {
    await run(
      world.control,
      `alter table ledger.events disable trigger all;
       update ledger.events set body = replace(body, 'test.event', 'fake.event') where seq = 1000;
       alter table ledger.events enable trigger all;`,
    );
    expect((await verify()).broken).toEqual({
      seq: 1000,
      reason: "its body does not have the hash it carries",
    });
    const [page] = [(await world.call<{ entries: unknown[] }>("GET", "/log?after=998&limit=2")).body];
    expect(page.entries).toMatchObject([{ seq: 999 }, { seq: 1000 }]);
  });
});
