import { expect, test } from "vitest";
import type { EventContent } from "../../core/log.ts";
import { METRIC_NAMES, METRICS, measuresOf, metricNamespace } from "../../core/metrics.ts";

const event = (type: string, data: EventContent["data"] = {}): EventContent => ({
  ...{ seq: 7, at: "2026-01-01T00:00:00.000Z", environment: "prod", promotion: "p1" },
  ...{ type, data },
});

test("each end of a promotion counts once, under its own name, and says which promotion it was", () => {
  for (const [type, name] of [
    ["promotion.created", "PromotionStarted"],
    ["promotion.succeeded", "PromotionPromoted"],
    ["promotion.refused", "PromotionRefused"],
    ["promotion.rolled-back", "PromotionRolledBack"],
    ["promotion.held", "PromotionHeld"],
  ] as const)
    expect(measuresOf(event(type))).toEqual([
      { name, value: 1, by: { environment: "prod" }, about: { event: 7, promotion: "p1" } },
    ]);
});

test("a step that fails is counted by its name; only production that is not as rehearsed is a failed verification", () => {
  const names = (type: string, code: string) => measuresOf(event(type, { code })).map(({ name }) => name);
  expect(measuresOf(event("back-up.failed", { code: "CopyStalled" }))).toMatchObject([
    { name: "StepFailed", by: { environment: "prod", step: "back-up" } },
  ]);
  expect(names("verify.failed", "CheckFailed")).toEqual(["StepFailed", "VerificationFailed"]);
  expect(names("migrate.failed", "ShapeUnexpected")).toEqual(["StepFailed", "VerificationFailed"]);
  expect(names("verify.failed", "DatabaseUnreachable")).toEqual(["StepFailed"]);
  expect(names("verify.failed", "RollbackAsked")).toEqual(["StepFailed"]);
  // The same code on the copy is the rehearsal's finding, and production is untouched.
  expect(names("rehearse.failed", "CheckFailed")).toEqual(["StepFailed"]);
});

test("a backup tells its bytes, and its seconds where they are known; most events count for nothing", () => {
  expect(measuresOf(event("backup.taken", { bytes: 1_000, seconds: 2.5 }))).toMatchObject([
    { name: "BackupBytes", value: 1_000 },
    { name: "BackupSeconds", value: 2.5 },
  ]);
  expect(measuresOf(event("backup.taken", { bytes: 0 }))).toMatchObject([{ name: "BackupBytes", value: 0 }]);
  for (const type of [
    "admit.done",
    "migrate.yielded",
    "release.uploaded",
    "nobody.failed",
    "verify.failed.not",
  ])
    expect(measuresOf(event(type))).toEqual([]);
});

test("every metric has a name that CloudWatch takes, and a sentence", () => {
  for (const name of METRIC_NAMES) {
    expect(name).toMatch(/^[A-Z][A-Za-z]{2,40}$/);
    expect(METRICS[name].meaning).toMatch(/^[A-Z1].*\.$/);
  }
  expect(metricNamespace("prod")).toBe("Rehearsal/prod");
});
