/** News of a promotion: an ETag for its state, an answer that waits for another one, and a stream that misses nothing. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WAITING_PLACES } from "../../functions/api/waiting.ts";
import { rows } from "../postgres.ts";
import { ask, end, play, type Started, start } from "./course.ts";
import { openWorld, registerFresh, uploadRelease, type World } from "./world.ts";

let world: World;
let release: string;
let made = 0;

beforeAll(async () => {
  world = await openWorld();
  release = await uploadRelease(world);
});

afterAll(async () => {
  await world.close();
});

async function begun(): Promise<string> {
  const environment = `news-${++made}`;
  await registerFresh(world, environment, { policy: { decision: "approval" } });
  return (await start(world, environment, release)).id;
}

const tagOf = async (path: string) => (await world.send(path)).headers.get("etag") ?? "";
const wait = (id: string, etag: string, seconds = 20) =>
  world.send(`/promotions/${id}/wait?${new URLSearchParams({ etag, seconds: String(seconds) })}`);

describe("an ETag", () => {
  test("stays while nothing changes, and is another after every change", async () => {
    const id = await begun();
    const tags = [await tagOf(`/promotions/${id}`), await tagOf(`/promotions/${id}`)];
    expect(tags[0]).toBe(tags[1]);
    await play(world, id, "admit", "running");
    tags.push(await tagOf(`/promotions/${id}`));
    await world.ledger.query(`update ledger.steps set progress = '{"done":{"bytes":1,"rows":1}}'`);
    tags.push(await tagOf(`/promotions/${id}`));
    expect(new Set(tags).size).toBe(3);
  });

  test("saves an answer that is known", async () => {
    const id = await begun();
    for (const path of [`/promotions/${id}`, `/environments/news-${made}`]) {
      const etag = await tagOf(path);
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
        const answer = await world.send(path, { headers: { "if-none-match": known } });
        expect([answer.status, await answer.text(), answer.headers.get("etag")]).toEqual([304, "", etag]);
      }
      expect((await world.send(path, { headers: { "if-none-match": '"other"' } })).status).toBe(200);
    }
  });

  test.for([
    ["approve", {}],
    ["reject", {}],
    ["cancel", undefined],
    ["rollback", {}],
  ] as const)("that is out of date keeps a promotion from %s", async ([verb, body]) => {
    const id = await begun();
    const seen = await tagOf(`/promotions/${id}`);
    await ask(world, id);
    const refused = await world.call("POST", `/promotions/${id}/${verb}`, body, { "if-match": seen });
    expect([refused.status, refused.body.code]).toEqual([412, "PreconditionFailed"]);
    expect(refused.body.hint).toContain("read it again");
    const { body: now } = await world.call<Started>("GET", `/promotions/${id}`);
    expect([now.status, now.asked]).toEqual(["waiting", null]);
    const fresh = await tagOf(`/promotions/${id}`);
    expect(refused.body.facts.etag).toBe(fresh);
    if (verb === "rollback") return;
    const done = await world.call("POST", `/promotions/${id}/${verb}`, body, { "if-match": fresh });
    expect(done.status).toBeLessThan(300);
  });

  test("of two who change a policy at once lets the first through and tells the second", async () => {
    await begun();
    const path = `/environments/news-${made}`;
    const etag = await tagOf(path);
    const change = () =>
      world.call("PATCH", path, { policy: { decision: "automatic" } }, { "if-match": etag });
    const answers = await Promise.all([change(), change(), change()]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412]);
  });
});

describe("waiting", () => {
  test("answers at once what was not seen, with its ETag", async () => {
    const id = await begun();
    const began = performance.now();
    const answer = await wait(id, "");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("etag")).toBe(await tagOf(`/promotions/${id}`));
    expect(((await answer.json()) as Started).id).toBe(id);
    expect((await wait(id, '"older"')).status).toBe(200);
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  test("answers as soon as something has changed", async () => {
    const id = await begun();
    const waiting = wait(id, await tagOf(`/promotions/${id}`));
    await held(1);
    await play(world, id, "admit", "running");
    const answer = await waiting;
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ steps: [{ step: "admit", status: "running" }] });
  });

  test("ends with 304 when nothing has, and gives its place back", async () => {
    const id = await begun();
    const etag = await tagOf(`/promotions/${id}`);
    const answer = await wait(id, etag, 0.3);
    expect([answer.status, answer.headers.get("etag")]).toEqual([304, etag]);
    await held(0);
  });

  test("is refused for longer than a gateway waits, and for what is not there", async () => {
    const id = await begun();
    expect((await wait(id, "", 21)).status).toBe(400);
    expect((await wait("p260101zzzzzzzz", "")).status).toBe(404);
  });

  test("where all places are taken answers at once, and says when to come again", async () => {
    const id = await begun();
    const etag = await tagOf(`/promotions/${id}`);
    await takePlaces();
    const answer = await wait(id, etag);
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([304, "2"]);
    await world.ledger.query("select pg_advisory_unlock_all()");
  });
});

/** Takes every place for requests that wait. */
async function takePlaces(): Promise<void> {
  await world.ledger.query(
    "select pg_advisory_lock(hashtextextended('wait ' || place, 0)) from generate_series(1, $1::int) as place",
    [WAITING_PLACES],
  );
}

/** Until so many requests wait. */
async function held(count: number): Promise<void> {
  const counted = `select count(*)::int as count from pg_locks where locktype = 'advisory'
    and (classid::bigint << 32 | objid::bigint)
      = any (select hashtextextended('wait ' || place, 0) from generate_series(1, ${WAITING_PLACES}) as place)
    and database = (select oid from pg_database where datname = current_database())`;
  while ((await rows<{ count: number }>(world.control, counted))[0]?.count !== count);
}

describe("a stream of events", () => {
  interface Told {
    event: string;
    id: string;
    data: Record<string, unknown>;
  }

  /** What an EventSource reads of an answer. */
  async function follow(id: string, last?: string, seconds = 20) {
    const answer = await world.send(`/promotions/${id}/events?seconds=${seconds}`, {
      headers: last === undefined ? {} : { "last-event-id": last },
    });
    const text = await answer.text();
    const told = text
      .split("\n\n")
      .map((block) => Object.fromEntries([...block.matchAll(/^(\w+): (.*)$/gm)].map(([, n, v]) => [n, v])))
      .filter(({ event }) => event !== undefined)
      .map(({ event = "", id = "", data = "" }): Told => ({ event, id, data: JSON.parse(data) }));
    return { status: answer.status, type: answer.headers.get("content-type"), text, told };
  }

  test("tells each entry of the log once, and the promotion as it is, over as many answers as it takes", async () => {
    const id = await begun();
    const first = await follow(id);
    expect(first.type).toContain("text/event-stream");
    expect(first.text).toMatch(/^retry: \d+\n\n/);
    expect(first.told.map(({ event }) => event)).toEqual(["log", "promotion"]);
    let last = first.told.at(-1)?.id;
    const entries = first.told.filter(({ event }) => event === "log");

    const second = follow(id, last);
    await held(1);
    await ask(world, id);
    await world.call("POST", `/promotions/${id}/reject`, { comment: "no" });
    for (let answer = await second; ; answer = await follow(id, last)) {
      entries.push(...answer.told.filter(({ event }) => event === "log"));
      last = answer.told.at(-1)?.id ?? last;
      if (entries.length > 1) break;
    }
    const { body } = await world.call<{ entries: { seq: number }[] }>("GET", `/promotions/${id}/log`);
    expect(entries.map(({ data }) => data)).toEqual(body.entries);

    await end(world, id);
    const ended = await follow(id, last);
    expect(ended.told.at(-1)?.data).toMatchObject({ id, status: "refused" });
    expect((await follow(id, ended.told.at(-1)?.id)).status).toBe(204);
  });

  test("that breaks off in the middle goes on behind the last event that came", async () => {
    const id = await begun();
    const [entry] = (await follow(id)).told;
    const again = await follow(id, entry?.id);
    expect(again.told.map(({ event }) => event)).toEqual(["promotion"]);
  });

  test("tells an EventSource that found no place to wait to come back later", async () => {
    const id = await begun();
    const { told } = await follow(id);
    await takePlaces();
    expect((await follow(id, told.at(-1)?.id)).text).toBe("retry: 2000\n\n: nothing new\n\n");
    await world.ledger.query("select pg_advisory_unlock_all()");
  });

  test("says that nothing is new when nothing is", async () => {
    const id = await begun();
    const { told } = await follow(id);
    const quiet = await follow(id, told.at(-1)?.id, 0.3);
    expect([quiet.status, quiet.told]).toEqual([200, []]);
    expect(quiet.text).toContain(": nothing new");
  });

  test("abuse 37: a comment with line feeds and a forged event stays inside its data", async () => {
    const id = await begun();
    await ask(world, id);
    await world.call("POST", `/promotions/${id}/reject`, {
      comment: "a\n\nevent: promotion\r\ndata: {}\n\n",
    });
    const { told } = await follow(id);
    expect(new Set(told.map(({ event }) => event))).toEqual(new Set(["log", "promotion"]));
    expect(told.filter(({ event }) => event === "promotion").length).toBe(1);
  });
});
