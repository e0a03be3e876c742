/** A rehearsal that cannot stop and go on tells early that it will not fit. */
import { describe, expect, test } from "vitest";
import { policySchema } from "../../core/policy.ts";
import type { RunItem } from "../../core/runs.ts";
import type { StepContext } from "../../functions/step.ts";
import { refuseOutlasting, refuseTooLong, whileAlive } from "../../functions/time-left.ts";
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

describe("fault 2: migrations that outlast their function", () => {
  /** What of a context is looked at: a function of ten minutes. */
  const living = (compute: "lambda" | "fargate") => ({
    lifetime: 600_000,
    promotion: { policy: policySchema.parse({ compute }) } as StepContext["promotion"],
  });
  const statement = (seconds: number) => ({
    ...{ line: 1, summary: "", sql: "", rows: null, walBytes: 0, milliseconds: seconds * 1_000 },
    ...{ locks: [], rewritten: [] },
  });
  const run = (transactional: boolean, ...seconds: number[]) => ({
    transactional,
    milliseconds: seconds.reduce((sum, one) => sum + one * 1_000, 0),
    items: seconds.map((one, index) => ({
      ...{ kind: "migration" as const, path: `migrations/${index}.sql`, milliseconds: one * 1_000 },
      ...{ idempotent: "not claimed" as const, statements: [statement(one)] },
    })),
  });
  const none = new Set<string>();

  test("are refused by the copy's time, for production takes longer", async () => {
    refuseOutlasting(living("lambda"), [run(true, 200, 190)], none);
    expect(await refusalOf(() => refuseOutlasting(living("lambda"), [run(true, 250, 250)], none))).toEqual({
      code: "OutlastsFunction",
      message:
        "on the copy, what of the migrations cannot be interrupted took 500 s, and what does it may live 600 s",
      hint: expect.stringContaining("set compute: fargate in the environment's policy"),
    });
  });

  test("are measured by what cannot be cut: a transaction, a statement outside of one, and no slices", async () => {
    refuseOutlasting(living("lambda"), [run(true, 350), run(true, 350)], none);
    refuseOutlasting(living("lambda"), [run(false, 350, 350)], none);
    const long = [run(false, 500)];
    expect(await refusalOf(() => refuseOutlasting(living("lambda"), long, none))).toMatchObject({
      code: "OutlastsFunction",
    });
    refuseOutlasting(living("lambda"), long, new Set(["migrations/0.sql"]));
  });

  test("are not refused where a container does them", () => {
    refuseOutlasting(living("fargate"), [run(true, 100_000)], none);
  });

  test("are ended on the server when the time runs out, and what they then say is not the reason", async () => {
    const ended = Promise.withResolvers<never>();
    const endSessions = async () => ended.reject(new Error("terminating connection"));
    const refusal = await refusalOf(() =>
      whileAlive({ what: "rehearse", lifetime: 50, endSessions }, () => ended.promise),
    );
    expect(refusal).toMatchObject({
      code: "OutlastsFunction",
      message: expect.stringContaining("rehearse is not"),
    });
  });

  test("that are done in time, or fail by themselves, are not disturbed", async () => {
    const life = {
      what: "rehearse",
      lifetime: 60_000,
      endSessions: () => Promise.reject(new Error("disturbed")),
    };
    expect(await whileAlive(life, async () => "done")).toBe("done");
    await expect(whileAlive(life, () => Promise.reject(new Error("its own")))).rejects.toThrow("its own");
    expect(await whileAlive({ ...life, lifetime: Number.POSITIVE_INFINITY }, async () => "done")).toBe(
      "done",
    );
  });
});
