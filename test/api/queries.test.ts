/** Queries over the API: who may run them, what comes back, small or large, and what is kept of it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { QueryAnswer } from "../../functions/query-run.ts";
import { sweep } from "../../functions/sweep.ts";
import { execute, rows } from "../postgres.ts";
import { end, play, start } from "./course.ts";
import {
  bundleOf,
  keepPerson,
  openWorld,
  type Problem,
  registerFresh,
  uploadRelease,
  type World,
} from "./world.ts";

const STRANGE = `it's; "so"\nnamed`;

const FILES = {
  "queries/books.sql": `-- Every book.
-- rehearsal: parameter title text optional: only this one
-- rehearsal: parameter most integer = 100
select id, title, 12345678901234567890::numeric as exact from books
  where (:title is null or title = :title) and id <= :most order by id`,
  [`queries/${STRANGE}.sql`]: "select 1 as one",
  "queries/many.sql": "select n, repeat('x', 100) as wide from generate_series(1, 10000000) as n",
  "queries/whoami.sql": "select current_user::text as me",
  "queries/writes.sql": "select write_book()",
};

let world: World;
let release: string;
let address: Awaited<ReturnType<typeof registerFresh>>;

beforeAll(async () => {
  world = await openWorld();
  release = await uploadRelease(world, bundleOf(FILES));
  address = await registerFresh(world, "shop");
  await registerFresh(world, "bare");
  await execute(
    address,
    `create table books (id int primary key, title text not null); insert into books values (1, 'One'), (2, '=Two');
      create function write_book() returns int language sql as 'insert into public.books values (3, ''x'') returning id'`,
  );
  await world.ledger.query("update ledger.environments set release = $1 where name = 'shop'", [release]);
  for (const role of ["viewer", "promoter"] as const)
    await keepPerson(world.ledger, role, `rk_${role}`, [{ environment: "shop", role }]);
});

afterAll(() => world.close());

const path = (name: string, environment = "shop") =>
  `/environments/${environment}/queries/${encodeURIComponent(name)}`;

const run = <Body = QueryAnswer>(name: string, body: object = {}, environment = "shop", key = "rk_tester") =>
  world.call<Body>("POST", path(name, environment), body, { authorization: `Bearer ${key}` });

test("the queries of an environment's release are listed by pages, with their parameters", async () => {
  const first = await world.call<{ queries: object[]; next: string }>(
    "GET",
    "/environments/shop/queries?limit=1",
  );
  expect(first.body).toEqual({
    release,
    queries: [
      {
        name: "books",
        description: "Every book.",
        parameters: [
          { name: "title", type: "text", optional: true, text: "only this one" },
          { name: "most", type: "integer", optional: false, default: "100" },
        ],
        limit: 10_000,
      },
    ],
    next: expect.any(String),
  });
  const rest = await world.call<{ queries: { name: string }[]; next: null }>(
    "GET",
    `/environments/shop/queries?cursor=${first.body.next}`,
  );
  expect(rest.body.queries.map(({ name }) => name)).toEqual([STRANGE, "many", "whoami", "writes"]);
  expect((await world.call("GET", "/environments/bare/queries")).body).toEqual({
    release: null,
    queries: [],
    next: null,
  });
});

test("a small result comes inside the answer, each value as it is, and the log tells who read", async () => {
  const { status, body } = await run("books", { parameters: { title: "One" } });
  expect({ status, body }).toEqual({
    status: 200,
    body: {
      ...{ query: "books", release, format: "json", rows: 1, truncated: null, download: null },
      columns: [
        { name: "id", type: "integer" },
        { name: "title", type: "text" },
        { name: "exact", type: "numeric" },
      ],
      content: '[\n{"id":1,"title":"One","exact":"12345678901234567890"}\n]\n',
      ...{ milliseconds: expect.any(Number), bytes: 58, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    },
  });
  const csv = await run("books", { format: "spreadsheet", limit: 2, parameters: { most: "2" } });
  expect(csv.body.content).toBe(
    "\uFEFFid,title,exact\r\n1,One,12345678901234567890\r\n2,'=Two,12345678901234567890\r\n",
  );
  const [event] = await rows<{ body: string }>(
    world.control,
    "select body from ledger.events where type = 'query.ran' order by seq limit 1",
  );
  expect(JSON.parse(event?.body ?? "{}").data).toEqual({
    ...{ query: "books", release, format: "json", rows: 1, truncated: null },
    ...{ parameters: ["title"], by: "tester" },
  });
});

test("abuse 1: a query whose name has quotes, a semicolon and a line break runs", async () => {
  expect((await run(STRANGE, { format: "rows" })).body).toMatchObject({ query: STRANGE, content: '["1"]\n' });
});

test("abuse 38: of ten million rows as many as the cap come as a stream into the bucket, and are fetched from there", async () => {
  const { body } = await run("many", { format: "csv", limit: 60_000 });
  expect(body).toMatchObject({
    rows: 60_000,
    truncated: "rows",
    content: null,
    download: { file: "many.csv" },
  });
  const text = await (await fetch(body.download?.url ?? "")).text();
  expect({ bytes: text.length, lines: text.split("\r\n").length }).toEqual({
    bytes: body.bytes,
    lines: 60_002,
  });
  const kept: string[] = [];
  for await (const { key } of world.store.list("queries/")) kept.push(key);
  expect(kept).toEqual([expect.stringMatching(/^queries\/\d{4}-\d\d-\d\d\/[0-9a-z]{24}\.csv$/)]);
  expect((await run<Problem>("many", { limit: 1_000_001 })).body).toMatchObject({ code: "InputInvalid" });
});

test("what lies in the bucket of results is swept when the day behind its own is over", async () => {
  const [clock] = await world.ledger.query<{ day: string }>(
    "select (now() at time zone 'UTC')::date::text as day",
  );
  const day = (back: number) =>
    new Date(Date.parse(clock?.day ?? "") - back * 86_400_000).toISOString().slice(0, 10);
  for (const back of [1, 2, 400]) await world.store.put(`queries/${day(back)}/x.csv`, Buffer.from("1\r\n"));
  const swept = await sweep(world.ledger, world.store);
  expect(swept.folders).toEqual([`queries/${day(400)}/`, `queries/${day(2)}/`]);
  expect((await world.store.listFolders("queries/")).slice(0, 1)).toEqual([`queries/${day(1)}/`]);
});

test("abuse 38: a query that writes fails, and nothing was changed", async () => {
  expect((await run<Problem>("writes")).body).toMatchObject({
    code: "QueryFailed",
    hint: expect.stringContaining("only reads"),
    facts: { sqlstate: "25006" },
  });
  expect(await rows(address, "select count(*)::int as n from public.books")).toEqual([{ n: 2 }]);
});

test.each([
  ["boks", {}, 404, "QueryUnknown", 'did you mean "books"?'],
  ["books", { parameters: { titel: "x" } }, 422, "QueryParameterUnknown", 'did you mean "title"?'],
  ["books", { parameters: { most: "many" } }, 422, "QueryParameterInvalid", "integer"],
  ["books", { parameters: { most: 2 ** 53 } }, 422, "QueryParameterInvalid", "integer"],
  ["books", { parameters: { most: null } }, 422, "QueryParameterMissing", "--param most=VALUE"],
  ["books", { parameters: { title: ["a"] } }, 422, "QueryParameterInvalid", "text"],
  ["books", { parameters: { title: "\0" } }, 400, "InputInvalid", ""],
  ["books", { format: "xml" }, 400, "InputInvalid", ""],
  ["books", { release: "0000" }, 404, "NotFound", ""],
])("%s with %j is refused", async (name, body, status, code, hint) => {
  const answer = await run<Problem>(name, body);
  expect(answer).toMatchObject({ status, body: { code, hint: expect.stringContaining(hint) } });
});

test("before a release is promoted there is nothing to run, but of a release that is named", async () => {
  expect((await run<Problem>("whoami", {}, "bare")).body).toMatchObject({ code: "QueryReleaseMissing" });
  expect((await run("whoami", { release: release.slice(0, 12), format: "rows" }, "bare")).body.rows).toBe(1);
});

test("while a promotion changes the database nothing is asked of it that could hold it up", async () => {
  const { id } = await start(world, "bare", release);
  await play(world, id, "fence", "running");
  expect((await run<Problem>("whoami", { release }, "bare")).body).toMatchObject({
    code: "QueryHeld",
    hint: expect.stringContaining("rehearsal status --environment bare"),
  });
  await end(world, id);
  expect((await run("whoami", { release }, "bare")).status).toBe(200);
});

test("a viewer sees what there is to ask, and runs it where the policy says so, as the role that it names", async () => {
  expect((await run<Problem>("whoami", {}, "shop", "rk_viewer")).body).toMatchObject({ code: "Forbidden" });
  expect((await run("whoami", {}, "shop", "rk_promoter")).status).toBe(200);
  await world.ledger.query(
    `update ledger.environments set policy = policy || '{"queries": {"viewers": true, "role": "pg_monitor"}}' where name = 'shop'`,
  );
  const { status, body } = await run("whoami", { format: "rows" }, "shop", "rk_viewer");
  expect({ status, content: body.content }).toEqual({ status: 200, content: '["pg_monitor"]\n' });
  expect((await run<Problem>("books", {}, "shop", "rk_viewer")).body).toMatchObject({
    code: "QueryFailed",
    facts: { sqlstate: "42501" },
  });
  // Nobody has promoted the queries of another release.
  expect((await run<Problem>("whoami", { release }, "shop", "rk_viewer")).body.code).toBe("Forbidden");
  expect((await run<Problem>("whoami", {}, "bare", "rk_viewer")).status).toBe(404);
});
