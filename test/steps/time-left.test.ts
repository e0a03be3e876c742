/** A rehearsal that cannot stop and go on tells early that it will not fit. */
import { describe, expect, test } from "vitest";
import type { RunItem } from "../../core/runs.ts";
import { refuseTooLong } from "../../functions/time-left.ts";
import { refusalOf } from "../refusal.ts";

describe("fault 2: a backfill whose rehearsal outlasts its function", () => {
  const item: RunItem = {
    kind: "migration",
    path: "migrations/0001_long.sql",
    version: 1,
    sha256: "",
    idempotent: false,
    statements: [],
  };
  const within = (seconds: number) => ({ timeLeft: () => seconds * 1_000 });
  // A tenth is done in a minute.
  const standing = { visited: 100, expected: 1_000, slices: 5, milliseconds: 60_000 };

  test("is refused as soon as its pace tells, with what would help", async () => {
    refuseTooLong(within(700), item, standing);
    expect(await refusalOf(() => refuseTooLong(within(500), item, standing))).toEqual({
      code: "BatchTooLong",
      message: "rehearsing migrations/0001_long.sql would take 540 s more, and the function has 500 s left",
      hint: expect.stringContaining("narrow its WHERE"),
    });
    // Too little is known of the pace.
    refuseTooLong(within(1), item, { ...standing, slices: 4 });
  });

  test("is refused earlier where it claims to be idempotent, for then it is gone over twice", async () => {
    const twice = { ...item, idempotent: true };
    expect(await refusalOf(() => refuseTooLong(within(1_200), twice, standing))).toMatchObject({
      code: "BatchTooLong",
      message: expect.stringContaining("1140 s more"),
    });
    refuseTooLong(within(1_300), twice, standing);
  });
});
