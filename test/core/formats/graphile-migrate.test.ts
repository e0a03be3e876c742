import { expect, test } from "vitest";
import { refusalOf } from "../../refusal.ts";
import { committed, projectOf, whatRuns } from "./project-of.ts";

test("committed migrations run in order; what is not committed is left out and named", async () => {
  const project = await projectOf("graphile-migrate", {
    ...committed("create table a (x int);", "--! no-transaction\ncreate index concurrently i on a (x);"),
    "migrations/current.sql": "-- Enter migration here\nselect 1;\n",
    "migrations/afterReset.sql": "select 1;",
    "migrations/.gmrc": "{}",
  }).catch((error: unknown) => error);
  // Hidden files are never part of a release.
  expect(project).toMatchObject({ code: "PathRefused" });
  const files = {
    ...committed("create table a (x int);", "--! no-transaction\ncreate index concurrently i on a (x);"),
    "migrations/current.sql": "-- Enter migration here\nselect 1;\n",
  };
  const read = await projectOf("graphile-migrate", files);
  expect(whatRuns(read)).toEqual({
    "000001": ["create table a (x int)"],
    "000002": ["create index concurrently i on a (x)"],
  });
  expect(read.migrations.map(({ transactional }) => transactional)).toEqual([true, false]);
  expect(read.notes).toEqual(["migrations/current.sql is left out: it is not committed"]);
});

test("the chain of hashes is verified", async () => {
  const files = committed("create table a (x int);", "create table b (x int);");
  const [first = "", second = ""] = Object.keys(files);
  const edited = { ...files, [first]: files[first]?.replace("x int", "x bigint") ?? "" };
  expect(await refusalOf(() => projectOf("graphile-migrate", edited))).toMatchObject({
    code: "SequenceBroken",
    message: expect.stringContaining("it was edited after it was committed: its hash is sha1:"),
    hint: expect.stringContaining("bring the committed files back"),
  });
  const alone = { [second]: files[second] ?? "" };
  expect((await refusalOf(() => projectOf("graphile-migrate", alone))).message).toContain(
    "and the one before it is none",
  );
  expect(
    (await refusalOf(() => projectOf("graphile-migrate", { [first]: "create table a (x int);" }))).message,
  ).toContain("no Previous and Hash");
});

test("placeholders are refused", async () => {
  const files = committed("comment on schema public is ':DATABASE_OWNER';");
  expect(await refusalOf(() => projectOf("graphile-migrate", files))).toMatchObject({
    code: "PlaceholderRefused",
  });
});
