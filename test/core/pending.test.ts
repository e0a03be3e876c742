import { describe, expect, test } from "vitest";
import { pendingMigrations } from "../../core/pending.ts";
import { refusalOf } from "../refusal.ts";

const migration = (version: number, name: string, content = name) => ({
  version,
  path: `migrations/000${version}_${name}.sql`,
  sha256: content.padEnd(64, "0"),
});
const [a, b, c] = [migration(1, "a"), migration(2, "b"), migration(3, "c")];

test("what is not applied is pending, in order", () => {
  expect(pendingMigrations([c, a, b], [a])).toEqual([b, c]);
  expect(pendingMigrations([a, b], [])).toEqual([a, b]);
  expect(pendingMigrations([a, b], [b, a])).toEqual([]);
});

describe("abuse 13: what was applied must be what the release holds", () => {
  test.each([
    [
      "edited",
      [migration(1, "a", "other"), b],
      [a],
      "migrations/0001_a.sql was edited after it was applied: sha256 a00000000000 was applied, other0000000 is in the release",
    ],
    [
      "renamed",
      [migration(1, "z", "a"), b],
      [a],
      "migrations/0001_a.sql was applied, and is renamed to migrations/0001_z.sql",
    ],
    [
      "replaced",
      [migration(1, "z"), b],
      [a],
      "migrations/0001_a.sql was applied, and migrations/0001_z.sql stands in its place",
    ],
    ["removed", [a], [a, b], "migrations/0002_b.sql was applied, and is removed"],
    [
      "reordered",
      [a, migration(2, "c"), migration(3, "b")],
      [a, b],
      "migrations/0002_b.sql was applied, and now is migrations/0003_b.sql: it was reordered",
    ],
  ])("%s", async (_, release, applied, difference) => {
    const refusal = await refusalOf(() => pendingMigrations(release, applied));
    expect(refusal).toMatchObject({
      code: "AppliedFilesDiffer",
      hint: expect.stringContaining("byte for byte"),
    });
    expect(refusal.message).toContain(difference);
  });

  test("abuse 12: one that comes before what was applied is out of order", async () => {
    const refusal = await refusalOf(() => pendingMigrations([a, b, c], [a, c]));
    expect(refusal).toMatchObject({ code: "AppliedFilesDiffer" });
    expect(refusal.message).toContain(
      "migrations/0002_b.sql was never applied, though migrations/0003_c.sql, which comes after it, was",
    );
  });

  test("an old release, replayed where a newer one was applied, is refused", async () => {
    expect((await refusalOf(() => pendingMigrations([a], [a, b, c]))).message).toContain(
      "migrations/0002_b.sql was applied, and is removed; migrations/0003_c.sql was applied, and is removed",
    );
  });
});

describe("abuse 13: where places follow from the names of files, a late one cannot slip in between", () => {
  const stamped = (version: number, stamp: string) => ({
    version,
    path: `db/migrations/${stamp}_x.sql`,
    sha256: stamp.padEnd(64, "0"),
  });

  test("a file with an older stamp than the last applied one is refused by both names", async () => {
    const [first, last] = [stamped(1, "20240101000000"), stamped(2, "20240301000000")];
    const release = [first, stamped(2, "20240201000000"), { ...last, version: 3 }];
    expect((await refusalOf(() => pendingMigrations(release, [first, last]))).message).toBe(
      "the release does not hold the migrations that were applied: db/migrations/20240201000000_x.sql was never applied, though db/migrations/20240301000000_x.sql, which comes after it, was",
    );
  });

  test("files that swapped places by a change of the order are refused", async () => {
    const [first, last] = [stamped(1, "1"), stamped(2, "2")];
    const release = [
      { ...last, version: 1 },
      { ...first, version: 2 },
    ];
    expect((await refusalOf(() => pendingMigrations(release, [first, last]))).message).toContain(
      "db/migrations/2_x.sql was applied after db/migrations/1_x.sql, and now stands before it",
    );
  });

  test("abuse 10: ten thousand applied ones are compared in less than half a second", () => {
    const all = Array.from({ length: 10_000 }, (_, index) => stamped(index + 1, String(index + 1)));
    const started = performance.now();
    expect(pendingMigrations(all, all.slice(0, -1))).toEqual(all.slice(-1));
    expect(performance.now() - started).toBeLessThan(500);
  });
});
