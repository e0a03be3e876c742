/** `rehearsal reporting` and the console's pages of reports: what there is, how a run is begun, what it left, and whom it is kept from. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sha256 } from "../../core/digest.ts";
import { exportKey, writeReportManifest } from "../../functions/exports.ts";
import { openObjectStore } from "../../io/object-store.ts";
import { bundleOf, KEY, keepPerson, registerFresh, uploadRelease } from "../api/world.ts";
import { Guest, hasForm, linkOf } from "../page/guest.ts";
import { assertShape, type CommandWorld, openCommandWorld } from "./command.ts";
import { runHere } from "./run-here.ts";

const MARKUP = `<script>alert("x")</script> & *bold*`;

const FILES = {
  "reports/books.yaml": `description: '${MARKUP}'
formats: [csv, geojson]
columns: { id: { type: integer }, x: { type: double }, y: { type: double } }
order: [id]
geometry: { longitude: x, latitude: y }
`,
  "reports/books.sql": "select id, x, y from books",
  "reports/letter.yaml": `description: a letter
document:
  snapshots: { table: finals, record: id, payload: payload, sha256: sha, current: [{ kind: final }] }
  artifacts: { table: artifacts, record: id, key: key, prefix: made/, sha256: sha, bytes: bytes, madeFrom: made }
  outputs: [{ format: pdf, where: { kind: pdf } }]
  title: Letter
  content: [{ heading: Letter }]
`,
};

/** As the task writes it, a feature a line; the second has no place. */
const GEOJSON = `{"type":"FeatureCollection","features":[
{"type":"Feature","geometry":{"type":"Point","coordinates":[7,50]},"properties":{"id":1}},
{"type":"Feature","geometry":null,"properties":{"id":2}},
{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[7,50],[8,50],[8,51],[7,50]]]},"properties":{"id":3}}
]}
`;

/** A run that somebody else has made, with its files. */
const DONE = "t261121aaaaaaaa";

let world: CommandWorld;
let admin: Guest;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rehearsal-reporting-"));
  world = await openCommandWorld();
  const release = await uploadRelease(world, bundleOf(FILES));
  await registerFresh(world, "shop");
  await registerFresh(world, "empty");
  await world.ledger.query("update ledger.environments set release = $1 where name = 'shop'", [release]);
  const store = openObjectStore({ bucket: process.env.REHEARSAL_BUCKET ?? "" });
  await store.put(exportKey(DONE, 1, "books.geojson"), Buffer.from(GEOJSON));
  await writeReportManifest(store, DONE, 1, {
    ...{ report: "books", description: MARKUP, environment: "shop", release, definition: "", statement: "" },
    ...{ snapshotAt: "2026-11-21T10:00:00.000000Z", rows: 3, columns: [], order: ["id"] },
    files: [{ name: "books.geojson", format: "geojson", size: GEOJSON.length, sha256: sha256(GEOJSON) }],
  });
  store.close();
  await world.ledger.query(
    `insert into ledger.tasks (id, kind, environment, input, requested_by, facts, status, attempt, outcome, ended_at)
      values ($1, 'report', 'shop', $2, 'tester', '{}', 'succeeded', 1, $3, now())`,
    [
      ...[DONE, JSON.stringify({ release, report: "books" })],
      JSON.stringify({
        report: "books",
        release,
        rows: 3,
        files: 1,
        bytes: 9,
        snapshotAt: "2026-11-21T10:00:00Z",
      }),
    ],
  );
  admin = new Guest(world);
  await admin.signIn(KEY);
});

afterAll(async () => {
  await world.close();
  await rm(folder, { recursive: true });
});

const reporting = (...words: string[]) =>
  runHere(["reporting", ...words], { REHEARSAL_URL: world.url, REHEARSAL_KEY: KEY });

test("what there is to run is listed, page by page", async () => {
  const { exit, out } = await reporting("list", "shop");
  expect([exit, out]).toEqual([
    0,
    expect.stringMatching(
      /^REPORT +KIND +FORMATS +WHAT IT IS\nbooks +report +csv, geojson .*\nletter +document +pdf /,
    ),
  ]);
  const first = JSON.parse((await reporting("list", "shop", "--limit", "1", "--json")).out);
  assertShape(["reporting", "list"], first);
  expect(first.reports).toHaveLength(1);
  const second = await reporting("list", "shop", "--limit", "1", "--cursor", first.next, "--json");
  expect(JSON.parse(second.out)).toMatchObject({ reports: [{ name: "letter" }], next: null });
  expect((await reporting("list", "empty")).out).toContain('what "empty" runs has no report');
});

test("a run is begun, told of, and refused where there is nothing of the kind", async () => {
  const begun = await reporting("run", "books", "--environment", "shop", "--no-watch", "--json");
  const task = JSON.parse(begun.out);
  assertShape(["reporting", "run"], task);
  expect(task).toMatchObject({ kind: "report", status: "created", input: { report: "books" } });
  expect((await reporting("runs", "shop")).out).toContain(task.id);
  const codes: [string[], string, number][] = [
    [["run", "nothing", "--environment", "shop"], "NotFound", 2],
    [["run", "letter", "--environment", "shop"], "NotFound", 2],
    [["run", "books", "--environment", "empty"], "ReportUnused", 2],
    [["regenerate", "letter", "--environment", "shop", "--stale"], "StorageUnset", 2],
    [["regenerate", "letter", "--environment", "shop"], "InputInvalid", 2],
    [["download", task.id, "--out", join(folder, "early")], "NotFound", 2],
  ];
  for (const [words, code, exit] of codes) {
    const refused = await reporting(...words, "--json");
    expect([words, refused.exit, JSON.parse(refused.out).error.code]).toEqual([words, exit, code]);
  }
});

test("a run's files are fetched into a folder, and never over what is there", async () => {
  const out = join(folder, "books");
  const fetched = await reporting("download", DONE, "--out", out, "--json");
  assertShape(["reporting", "download"], JSON.parse(fetched.out));
  expect(await readFile(join(out, "books.geojson"), "utf8")).toBe(GEOJSON);
  expect(JSON.parse(await readFile(join(out, "manifest.json"), "utf8"))).toMatchObject({ rows: 3 });
  const again = await reporting("download", DONE, "--out", out, "--json");
  expect(JSON.parse(again.out).error.code).toBe("OutputExists");
  expect((await reporting("show", DONE)).out).toContain("books, 3 rows as of");
});

test("abuse 31: the page lists them with forms, markup is text, and a press begins a run", async () => {
  const at = "/console/environments/shop/reports";
  const page = await admin.get(at);
  expect([page.status, page.problems]).toEqual([200, []]);
  expect(page.text).toContain(MARKUP);
  expect(hasForm(page, `${at}/run`)).toBe(true);
  const begun = await admin.submit(page, `${at}/run`, { name: "books" });
  expect([begun.status, begun.to]).toEqual([303, expect.stringMatching(/^\/console\/reports\/t/)]);
  const run = await admin.get(begun.to ?? "");
  expect([run.status, run.problems]).toEqual([200, []]);
  const refused = await admin.submit(page, `${at}/regenerate`, { name: "letter", record: "7" });
  expect([refused.status, refused.problems]).toEqual([409, []]);
  expect(refused.text).toContain("StorageUnset");
});

test("a run's page has its files and a map that says in words what it shows", async () => {
  const page = await admin.get(`/console/reports/${DONE}`);
  expect([page.status, page.problems]).toEqual([200, []]);
  expect(page.elements.filter(({ attributes }) => attributes.r === "2.5")).toHaveLength(1);
  expect(page.elements.filter(({ attributes }) => attributes["fill-rule"] === "evenodd")).toHaveLength(1);
  expect(page.text).toContain(
    "2 places between 50.000° and 51.000° of latitude, 7.000° and 8.000° of longitude",
  );
  const link = linkOf(page, "books.geojson") ?? "";
  const led = await admin.get(link);
  expect(led.status).toBe(302);
  expect(await (await fetch(led.to ?? "")).text()).toBe(GEOJSON);
});

test("a viewer sees runs, and neither begins one nor fetches a file; other environments' are nowhere", async () => {
  await keepPerson(world.ledger, "viewer", "rk_viewer", [{ environment: "shop", role: "viewer" }]);
  await keepPerson(world.ledger, "stranger", "rk_stranger", [{ environment: "empty", role: "admin" }]);
  const [viewer, stranger] = [new Guest(world), new Guest(world)];
  await viewer.signIn("rk_viewer");
  await stranger.signIn("rk_stranger");
  const page = await viewer.get(`/console/reports/${DONE}`);
  expect(linkOf(page, "books.geojson")).toBeUndefined();
  expect((await viewer.get(`/console/reports/${DONE}/files/books.geojson`)).status).toBe(403);
  expect(
    hasForm(await viewer.get("/console/environments/shop/reports"), "/console/environments/shop/reports/run"),
  ).toBe(false);
  expect((await stranger.get(`/console/reports/${DONE}`)).status).toBe(404);
  expect((await stranger.get("/console/environments/shop/reports")).status).toBe(404);
});
