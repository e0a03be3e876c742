/** Queries on the page: asked by a form, without a script, by whom that may, and shown as what they are. */
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  bundleOf,
  KEY,
  keepPerson,
  openWorld,
  registerFresh,
  uploadRelease,
  type World,
} from "../api/world.ts";
import { execute } from "../postgres.ts";
import { alertOf, Guest, hasForm, linkOf, type Page } from "./guest.ts";

const MARKUP = `<script>alert("x")</script> & *bold* <https://x|y>`;

const STRANGE = `it's "<b>"`;

const FILES = {
  "queries/books.sql": `-- Every book. ${MARKUP}
-- rehearsal: parameter rows integer = 2: as many at least
-- rehearsal: parameter title text optional: ${MARKUP}
-- rehearsal: parameter sold boolean optional
select id, title, null::text as nothing from books
  where (:title is null or title = :title) and :rows > 0 and (:sold is null or :sold) order by id`,
  [`queries/${STRANGE}.sql`]: "select '<i>' as \"<u>\"",
  "queries/many.sql": "select n, repeat('x', 100) as wide from generate_series(1, 10000000) as n",
};

let world: World;
let admin: Guest;

beforeAll(async () => {
  world = await openWorld();
  const release = await uploadRelease(world, bundleOf(FILES));
  const address = await registerFresh(world, "shop");
  await execute(
    address,
    `create table books (id int primary key, title text); insert into books values (1, $$${MARKUP}$$), (2, '=Two')`,
  );
  await world.ledger.query("update ledger.environments set release = $1 where name = 'shop'", [release]);
  admin = new Guest(world);
  await admin.signIn(KEY);
});

afterAll(() => world.close());

const at = (name: string) => `/console/environments/shop/queries/${encodeURIComponent(name)}`;

function wellFormed(page: Page, status = 200): Page {
  expect([page.status, page.problems]).toEqual([status, []]);
  return page;
}

test("abuse 31: the list leads to a form for each, and markup in names, notes and rows is text", async () => {
  const list = wellFormed(await admin.get("/console/environments/shop/queries"));
  expect(list.text).toContain(MARKUP);
  for (const [name, path] of [
    ["books", at("books")],
    [STRANGE, at(STRANGE)],
  ] as const) {
    expect(linkOf(list, name)).toBe(path);
    expect(hasForm(wellFormed(await admin.get(path)), path)).toBe(true);
  }
  const strange = wellFormed(await admin.submit(await admin.get(at(STRANGE)), at(STRANGE), { as: "rows" }));
  expect(strange.text).toContain("<i>");
  const found = wellFormed(await admin.submit(await admin.get(at("books")), at("books"), { as: "rows" }));
  expect(found.text).toMatch(/2 rows.*NULL/s);
  expect(found.text).toContain(MARKUP);
});

test("what is typed is asked, kept in the form, and a refusal stands above it", async () => {
  const form = await admin.get(at("books"));
  const one = wellFormed(await admin.submit(form, at("books"), { as: "rows", "p.title": "=Two" }));
  expect(one.text).toMatch(/1 row in/);
  expect(one.elements.find(({ attributes }) => attributes.name === "p.title")?.attributes.value).toBe("=Two");
  const refused = wellFormed(await admin.submit(form, at("books"), { as: "rows", "p.rows": "many" }), 422);
  expect(alertOf(refused)).toMatch(/whole number.*QueryParameterInvalid/);
});

test("a file comes at once where it is small, and by a link where it is large", async () => {
  const form = await admin.get(at("books"));
  const csv = await admin.submit(form, at("books"), { as: "spreadsheet" });
  expect({ status: csv.status, source: csv.source, file: csv.headers.get("content-disposition") }).toEqual({
    ...{ status: 200, file: 'attachment; filename="books.csv"' },
    source: `id,title,nothing\r\n1,"${MARKUP.replaceAll('"', '""')}",\r\n2,'=Two,\r\n`,
  });
  const many = await admin.get(at("many"));
  const page = wellFormed(await admin.submit(many, at("many"), { as: "csv", rows: "40000" }));
  const text = await (await fetch(linkOf(page, "download many.csv") ?? "")).text();
  expect(text.split("\r\n")).toHaveLength(40_002);
  const first = wellFormed(await admin.submit(many, at("many"), { as: "rows" }));
  expect(first.text).toMatch(/the first 200 rows.*There are more/s);
});

test("a viewer sees the queries and has no form, nor is one taken from them", async () => {
  await keepPerson(world.ledger, "viewer", "rk_viewer", [{ environment: "shop", role: "viewer" }]);
  const viewer = new Guest(world);
  await viewer.signIn("rk_viewer");
  const page = wellFormed(await viewer.get(at("books")));
  expect(hasForm(page, at("books"))).toBe(false);
  expect(page.text).toContain("takes a promoter");
  const csrf = page.elements.find(({ attributes }) => attributes.name === "csrf")?.attributes.value ?? "";
  expect((await viewer.post(at("books"), { csrf, as: "rows" })).status).toBe(403);
  expect((await admin.get(at("nothing"))).status).toBe(404);
});
