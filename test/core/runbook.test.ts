/** A promotion told as its runbook: how each step stands, and why it was decided so, in sentences. */
import { describe, expect, test } from "vitest";
import type { Json } from "../../core/canonical-json.ts";
import { type Course, progressWords, type StepAttempt, shareDone, tellRunbook } from "../../core/runbook.ts";
import type { Step } from "../../core/steps.ts";

const at = new Date("2026-01-02T03:04:05Z");

function attempt(step: Step, outcome: Json, more: Partial<StepAttempt> = {}): StepAttempt {
  const given = { step, attempt: 1, status: "succeeded" as const, outcome };
  return { ...given, error: null, progress: null, startedAt: at, endedAt: at, ...more };
}

const course = (more: Partial<Course>): Course => ({
  status: "running",
  policy: { decision: "automatic", fence: "auto", rollback: "swap", approvalTimeout: 60, hooks: {} },
  ...{ pending: null, steps: [], verdict: null },
  ...more,
});

const standings = (told: Course) =>
  Object.fromEntries(tellRunbook(told).map(({ step, standing }) => [step, standing]));
const says = (told: Course, step: Step) =>
  tellRunbook(told)
    .find((chapter) => chapter.step === step)
    ?.says.join(" ");

describe("how the steps stand", () => {
  test("before anything began all are to come, and no ending is told of", () => {
    const chapters = tellRunbook(course({ status: "created" }));
    expect(chapters.map(({ step }) => step)).toEqual([
      ...[
        "admit",
        "snapshot",
        "back-up",
        "restore",
        "rehearse",
        "decide",
        "fence",
        "migrate",
        "verify",
        "open",
      ],
    ]);
    expect(new Set(chapters.map(({ standing }) => standing))).toEqual(new Set(["to-come"]));
  });

  test("of a rehearsal alone nothing is told beyond it, and of a promotion nothing of what puts a rehearsal away", () => {
    const alone = [attempt("admit", { pending: 2, fence: true, rehearseOnly: true })];
    expect(Object.keys(standings(course({ steps: alone })))).toEqual([
      ...["admit", "snapshot", "back-up", "restore", "rehearse", "put-away"],
    ]);
    const away = [...alone, attempt("put-away", { ended: "rehearsed", evidence: "ab" })];
    const ended = course({ status: "rehearsed", steps: away });
    expect(standings(ended)).toMatchObject({ "put-away": "done" });
    expect(says(ended, "put-away")).toContain("production was not touched");
    const promoting = course({ steps: [attempt("admit", { pending: 2, fence: true, rehearseOnly: false })] });
    expect(Object.keys(standings(promoting))).not.toContain("put-away");
  });

  test("what is not needed is told apart from what is to come", () => {
    const admitted = attempt("admit", { pending: 2, fence: false });
    expect(
      standings(course({ steps: [admitted, attempt("snapshot", null, { status: "running" })] })),
    ).toMatchObject({
      ...{ admit: "done", snapshot: "running", "back-up": "to-come", fence: "passed-over", open: "to-come" },
    });
  });

  test("a step that failed is followed by what was not reached, and by the ending", () => {
    const error = { code: "CheckBroken", message: "a check is broken", hint: "mend it" };
    const steps = [
      attempt("admit", { pending: 1, fence: true }),
      attempt("snapshot", null, { status: "failed", error }),
      attempt("refuse", { ended: "refused", copies: "dropped" }),
    ];
    expect(standings(course({ status: "refused", steps }))).toEqual({
      ...{ admit: "done", snapshot: "failed", "back-up": "not-reached", restore: "not-reached" },
      ...{ rehearse: "not-reached", decide: "not-reached", fence: "not-reached", migrate: "not-reached" },
      ...{ verify: "not-reached", open: "not-reached", refuse: "done" },
    });
  });

  test("the last of several attempts counts", () => {
    const failed = attempt("admit", null, { status: "failed" });
    const again = attempt("admit", null, { attempt: 2, status: "running", endedAt: null });
    const [admit] = tellRunbook(course({ steps: [failed, again] }));
    expect([admit?.standing, admit?.attempts.length, admit?.last?.attempt]).toEqual(["running", 2, 2]);
  });

  test("where nothing was pending only the ends of the way were gone", () => {
    const steps = [
      attempt("admit", { pending: 0, fence: false }),
      attempt("open", { ended: "nothing-to-do" }),
    ];
    const told = course({ status: "nothing-to-do", steps });
    expect(standings(told)).toMatchObject({ snapshot: "passed-over", migrate: "passed-over", open: "done" });
    expect(says(told, "admit")).toBe("The environment has all of the release already.");
  });

  test("a rehearsal alone ends by putting away, and tells of no decision", () => {
    const steps = [
      attempt("admit", { pending: 1, fence: false, rehearseOnly: true }),
      attempt("put-away", { ended: "rehearsed" }),
    ];
    const told = standings(course({ status: "rehearsed", steps }));
    expect(told).toMatchObject({ "put-away": "done" });
    expect(Object.keys(told)).not.toContain("decide");
  });
});

describe("why it was decided so", () => {
  const fenced = (fence: boolean, policy: Partial<Course["policy"]>) =>
    says(
      course({
        steps: [attempt("admit", { pending: 2, fence })],
        policy: { ...course({}).policy, ...policy },
      }),
      "admit",
    );

  test.each([
    [true, { fence: "always" as const }, "because the policy asks for it always"],
    [true, {}, "it does not all commit at once"],
    [true, { hooks: { smoke: "http://smoke" } }, "a smoke test is asked after COMMIT"],
    [false, {}, "all of it commits at once"],
    [false, { fence: "never" as const }, "the policy forbids one"],
  ])("a fence: %s under %j", (fence, policy, reason) => {
    expect(fenced(fence, policy)).toContain(reason);
  });

  const decided = (verdict: Course["verdict"], decision = "approval") =>
    says(course({ status: "waiting", verdict, steps: [attempt("decide", { decision })] }), "decide");
  const verdict = { decidedBy: "reviewer", comment: "read it", expiresAt: at };

  test("a decision: by the policy, or by whom and with which words", () => {
    expect(decided(null, "automatic")).toContain("no person was asked");
    expect(decided({ ...verdict, status: "approved" })).toContain("reviewer approved and said: “read it”.");
    expect(decided({ ...verdict, status: "approved", comment: "Read it." })).toMatch(/said: “Read it.”$/);
    expect(decided({ ...verdict, status: "rejected", comment: null })).toContain(
      "reviewer rejected without a comment.",
    );
    expect(decided({ ...verdict, status: "expired" })).toContain("Nobody decided in time.");
  });

  test.each([
    ["none", false],
    ["called", false],
    ["the stop hook did not answer 2xx", true],
  ])("a rollback whose stop hook says %s", (stopped, told) => {
    const steps = [attempt("roll-back", { path: "swap", failed: "shop__failed_p1", stopped })];
    const words = says(course({ status: "rolled-back", steps }), "roll-back");
    expect(words).toContain("The pristine copy became production again");
    expect(words?.includes("The services could not be stopped first: ")).toBe(told);
  });

  test("what was brought up at the fence", () => {
    const at = (refreshed: number, rollback: "swap" | "restore" = "swap") =>
      says(
        course({
          policy: { ...course({}).policy, rollback },
          steps: [attempt("fence", { database: "d", refreshed, backup: "b", bytes: 1_024 })],
        }),
        "fence",
      );
    expect(at(0)).toContain("nothing had changed");
    expect(at(1)).toContain("1 table of the waiting copy was brought up");
    expect(at(2)).toContain("2 tables of the waiting copy were brought up");
    expect(at(2, "restore")).toContain("keeps no copy waiting");
  });

  test("an outcome that is no record, or of a step that failed, makes no sentence", () => {
    expect(says(course({ steps: [attempt("restore", null)] }), "restore")).toBe("");
    expect(says(course({ steps: [attempt("restore", {}, { status: "failed" })] }), "restore")).toBe("");
  });
});

describe("how far a step is", () => {
  test("by bytes, else by rows, else nobody knows", () => {
    const done = { bytes: 50, rows: 3 };
    expect(shareDone({ done, total: { bytes: 200, rows: 4 } })).toBe(0.25);
    expect(shareDone({ done, total: { bytes: 0, rows: 4 } })).toBe(0.75);
    expect(shareDone({ done, total: { bytes: 40, rows: 1 } })).toBe(1);
    expect(shareDone({ done, total: { bytes: 0, rows: 0 } })).toBeUndefined();
    expect(shareDone(null)).toBeUndefined();
  });

  test("in words", () => {
    const total = { bytes: 4_096, rows: 2_000 };
    expect(
      progressWords({
        done: { bytes: 1_024, rows: 1 },
        total,
        rowsPerSecond: 10.4,
        secondsLeft: 200,
        now: "t",
      }),
    ).toBe("1.0 KiB of 4.0 KiB, 1 of 2,000 rows, 10 rows a second, about 3 min 20 s left, t");
    expect(progressWords({ done: { bytes: 0, rows: 0 } })).toBe("");
  });
});
