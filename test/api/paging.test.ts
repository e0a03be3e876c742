/** Pages of every list: walked to the end each entry comes once, whatever comes in meanwhile, and a cursor is good for its list only. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { appendEvent } from "../../io/ledger/events.ts";
import { newId } from "../../io/new-id.ts";
import { bundleOf, openWorld, registerFresh, uploadRelease, type World } from "./world.ts";

let world: World;
let release: string;

beforeAll(async () => {
  world = await openWorld();
  release = await uploadRelease(world);
  for (const name of ["one", "three", "two"]) await registerFresh(world, name);
  for (let n = 0; n < 5; n++) {
    await insert.promotions();
    await insert.tasks();
    await insert.backups();
  }
  for (let n = 0; n < 4; n++) await insert.releases();
});

afterAll(async () => {
  await world.close();
});

let made = 0;

/** One entry more, by the ledger's own rows; it becomes the newest. */
const insert = {
  promotions: () =>
    world.ledger.query(
      `insert into ledger.promotions (id, environment, release, requested_by, policy, state_before, status)
        values ($1, 'one', $2, 'tester', '{}', 'writeable', 'refused')`,
      [newId("promotion"), release],
    ),
  tasks: () =>
    world.ledger.query(
      `insert into ledger.tasks (id, kind, environment, input, requested_by, status, outcome, ended_at)
        values ($1, 'baseline', 'one', '{}', 'tester', 'succeeded', '{}', now())`,
      [newId("task")],
    ),
  backups: () =>
    world.ledger.query(
      `insert into ledger.backups (id, environment, task, manifest_key, manifest_sha256, bytes, rows, taken_at, retention, retain_until)
        select $1, 'one', (select id from ledger.tasks limit 1), 'key', 'hash', 1, 1, now() - interval '9 years', 'manual', now()`,
      [newId("backup")],
    ),
  releases: () => uploadRelease(world, bundleOf({ "migrations/0002_n.sql": `select ${++made};` })),
  environments: () => registerFresh(world, `a-${++made}`),
  log: () =>
    world.ledger.transaction(() => appendEvent(world.ledger, { type: "test.told", data: { n: ++made } })),
};

/** Every list: its path, where its entries are, what names one, and what puts one in ahead of the cursor. */
const LISTS: [path: string, entries: string, at: string, comesIn: keyof typeof insert][] = [
  ["/promotions", "promotions", "id", "promotions"],
  ["/promotions?environment=one", "promotions", "id", "promotions"],
  ["/tasks", "tasks", "id", "tasks"],
  ["/backups", "backups", "id", "backups"],
  ["/releases", "releases", "hash", "releases"],
  ["/environments", "environments", "name", "environments"],
  ["/log", "entries", "seq", "log"],
];

type Page = Record<string, Record<string, string>[]> & { next: string | null };

const get = async (path: string, query: Record<string, string>) =>
  (
    await world.call<Page>(
      "GET",
      `${path}${path.includes("?") ? "&" : "?"}${new URLSearchParams(query).toString()}`,
    )
  ).body;

describe("each entry comes once, in order, while others come in", () => {
  test.for(LISTS)("%s", async ([path, entries, at, comesIn]) => {
    const names = (page: Page) => (page[entries] ?? []).map((entry) => entry[at]);
    const whole = names(await get(path, { limit: "200" }));
    expect(whole.length).toBeGreaterThan(2);
    const walked: (string | undefined)[] = [];
    let pages = 0;
    for (let cursor: string | null = ""; cursor !== null; pages++) {
      const page: Page = await get(path, { limit: "2", ...(cursor && { cursor }) });
      walked.push(...names(page));
      cursor = page.next;
      if (pages < 2) await insert[comesIn]();
    }
    // The log is told oldest first: what came in is behind the cursor, and comes last.
    expect(walked.slice(0, whole.length)).toEqual(whole);
    expect(walked.length).toBe(whole.length + (path === "/log" ? 2 : 0));
    expect(new Set(walked).size).toBe(walked.length);
    expect(pages).toBe(Math.ceil(walked.length / 2));
  });
});

test("judgements are paged as well, expirable and kept together", async () => {
  type Judged = { expirable: { id: string }[]; kept: { id: string }[]; next: string | null };
  const of = async (query: string) => (await world.call<Judged>("GET", `/backups/expirable?${query}`)).body;
  const ids = ({ expirable, kept }: Judged) => [...expirable, ...kept].map(({ id }) => id);
  const whole = await of("limit=200");
  expect(whole.next).toBeNull();
  const walked: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: Judged = await of(`limit=2${cursor && `&cursor=${cursor}`}`);
    walked.push(...ids(page));
    cursor = page.next;
  }
  expect(walked.sort()).toEqual(ids(whole).sort());
});

describe("a cursor", () => {
  test.for([
    ["that is none", "!!"],
    ["of a hand", Buffer.from("promotions:../../etc").toString("base64url")],
    ["with a NUL", Buffer.from("promotions:p\0").toString("base64url")],
    ["that is an id", "p260101aaaaaaaa"],
    ["without end", "A".repeat(5_000)],
  ])("%s is refused", async ([, cursor = ""]) => {
    const { status, body } = await world.call("GET", `/promotions?cursor=${encodeURIComponent(cursor)}`);
    expect([status, body.code]).toEqual([400, "InputInvalid"]);
    expect(body.hint).toContain("correct the named fields");
  });

  test("of another list is refused", async () => {
    const { next } = await get("/releases", { limit: "1" });
    const { status, body } = await world.call("GET", `/promotions?cursor=${next}`);
    expect(status).toBe(400);
    expect(body.detail).toContain("it is not a cursor of promotions");
  });
});
