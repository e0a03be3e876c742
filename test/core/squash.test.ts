import { describe, expect, test } from "vitest";
import { parseMigration } from "../../core/migration.ts";
import { pendingMigrations } from "../../core/pending.ts";
import { checkProject } from "../../core/project.ts";
import {
  acceptSquashes,
  assertSquashOf,
  pendingSquashes,
  squashDigest,
  squashText,
} from "../../core/squash.ts";
import { refusalOf } from "../refusal.ts";

const FILES: Record<string, string> = {
  "0001_a.sql": "create table a (id int);",
  "0002_b.sql":
    "-- rehearsal: idempotent\n-- rehearsal: allow drop-table: nobody reads it\ncreate table if not exists b (id int); -- the end",
  "0003_c.sql": "create table c (id int)",
  "0004_d.sql": "create table d (id int);",
};

const read = (files: Record<string, string>) =>
  Promise.all(
    Object.entries(files).map(([name, text]) => parseMigration(`migrations/${name}`, Buffer.from(text))),
  );

const asProject = (files: Record<string, string>) =>
  checkProject(
    Object.entries({ "rehearsal.yaml": "project: demo\n", ...files }).map(([path, text]) => ({
      path: path.endsWith(".sql") ? `migrations/${path}` : path,
      bytes: Buffer.from(text),
    })),
  );

async function squashed() {
  const all = await read(FILES);
  const text = squashText(all.slice(1, 3));
  const { "0001_a.sql": a = "", "0004_d.sql": d = "" } = FILES;
  const after = await asProject({ "0001_a.sql": a, "0003_both.sql": text, "0004_d.sql": d });
  return { all, text, after: after.migrations };
}

describe("a squash", () => {
  test("holds what it stands for in order, names it by its hashes, and keeps the numbers behind it", async () => {
    const { all, text, after } = await squashed();
    expect(text.split("\n")).toEqual([
      `-- rehearsal: squashes sha256=${all[1]?.sha256} migrations/0002_b.sql`,
      `-- rehearsal: squashes sha256=${all[2]?.sha256} migrations/0003_c.sql`,
      ...["", "-- from migrations/0002_b.sql", "-- rehearsal: allow drop-table: nobody reads it"],
      ...["create table if not exists b (id int); -- the end", ";", "", "-- from migrations/0003_c.sql"],
      ...["create table c (id int)", ";", ""],
    ]);
    expect(after.map(({ version, path }) => [version, path])).toEqual([
      [1, "migrations/0001_a.sql"],
      [3, "migrations/0003_both.sql"],
      [4, "migrations/0004_d.sql"],
    ]);
    expect(after[1]?.statements).toHaveLength(2);
  });

  test("runs in a database that has none of it, and counts as applied where all of it was", async () => {
    const { all, after } = await squashed();
    const paths = (applied: typeof all) => pendingMigrations(after, applied).map(({ version }) => version);
    expect(paths([])).toEqual([1, 3, 4]);
    expect(paths(all.slice(0, 1))).toEqual([3, 4]);
    expect(paths(all.slice(0, 3))).toEqual([4]);
    expect(paths(all)).toEqual([]);
    expect(paths(after.slice(0, 2))).toEqual([4]);
    expect(acceptSquashes(after, all).taken.map(({ path }) => path)).toEqual(["migrations/0003_both.sql"]);
    expect(acceptSquashes(after, after).taken).toEqual([]);
    const pending = (applied: typeof all) => pendingSquashes(after, applied).map(({ version }) => version);
    expect([pending([]), pending(all.slice(0, 1))]).toEqual([[3], [3]]);
    expect([pending(all), pending(after.slice(0, 2))]).toEqual([[], []]);
  });

  test("is refused where a part of it was applied, or something else under its names", async () => {
    const { all, after } = await squashed();
    expect(await refusalOf(() => pendingMigrations(after, all.slice(0, 2)))).toMatchObject({
      code: "AppliedFilesDiffer",
      message: expect.stringContaining(
        "squashes migrations/0003_c.sql, which never ran, with migrations/0002_b.sql, which did",
      ),
      hint: expect.any(String),
    });
    const edited = all.map((one) => (one.version === 3 ? { ...one, sha256: "0".repeat(64) } : one));
    expect(await refusalOf(() => pendingMigrations(after, edited))).toMatchObject({
      message: expect.stringContaining("squashes another content of migrations/0003_c.sql"),
    });
  });

  test("is of exactly these files in exactly this place", async () => {
    const { all, after } = await squashed();
    const squash = after[1];
    if (squash === undefined) throw new Error("there is no squash");
    assertSquashOf(all, after, squash);
    const others = all.map((one) => (one.version === 2 ? { ...one, sha256: "0".repeat(64) } : one));
    expect(await refusalOf(() => assertSquashOf(others, after, squash))).toMatchObject({
      code: "SquashRefused",
    });
    const earlier = all.map((one) => (one.version === 1 ? { ...one, sha256: "0".repeat(64) } : one));
    expect(await refusalOf(() => assertSquashOf(earlier, after, squash))).toMatchObject({
      message: expect.stringContaining("what comes before migrations/0003_both.sql is not the same"),
      hint: expect.stringContaining("leave them as they are"),
    });
    expect(squashDigest(after, squash)).not.toBe(squashDigest(after, { ...squash, sha256: "0".repeat(64) }));
    expect(squashDigest(after, squash)).not.toBe(squashDigest([{ ...squash, version: 1 }], squash));
  });

  test("cannot hold what needs its own transactions, nor another squash", async () => {
    const outside = await read({
      "0001_i.sql": "-- rehearsal: no-transaction\ncreate index concurrently i on a (id);",
    });
    expect(await refusalOf(() => squashText(outside))).toMatchObject({
      code: "SquashRefused",
      message: expect.stringContaining("runs outside a transaction"),
    });
    const { after } = await squashed();
    expect(await refusalOf(() => squashText(after.slice(1)))).toMatchObject({
      message: expect.stringContaining("is a squash itself"),
    });
  });

  test("leaves no number free that it does not stand for", async () => {
    const { text } = await squashed();
    expect(
      await refusalOf(() => asProject({ "0001_a.sql": "select 1;", "0004_both.sql": text })),
    ).toMatchObject({
      code: "MigrationNumberMissing",
    });
    const broken = text.replace(/sha256=[0-9a-f]+/, "sha256=1");
    expect(await refusalOf(() => asProject({ "0001_both.sql": broken }))).toMatchObject({
      code: "DirectiveInvalid",
    });
  });
});
