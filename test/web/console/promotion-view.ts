/** A promotion's page with a rehearsal in it, for tests of the views: every text that a release or a person writes is `text`. */
import type { RehearsalReport, StatementMeasure } from "../../../core/report.ts";
import type { StepAttempt } from "../../../core/runbook.ts";
import type { PromotionView } from "../../../web/console/promotion.ts";

export const AT = new Date("2026-01-02T03:04:05Z");

export function attempt(step: StepAttempt["step"], more: Partial<StepAttempt> = {}): StepAttempt {
  const given = { step, attempt: 1, status: "succeeded" as const, outcome: {}, error: null, progress: null };
  return { ...given, startedAt: AT, endedAt: AT, ...more };
}

export function reportOf(text: string, files: readonly number[] = [100, 300]): RehearsalReport {
  const place = { path: `migrations/0001_${text}.sql`, line: 3, summary: text };
  const statement = (milliseconds: number): StatementMeasure => ({
    ...{ line: 3, summary: text, sql: text, milliseconds, rows: 1, walBytes: 10 },
    ...{ locks: [{ relation: `"public"."${text}"`, mode: "AccessExclusiveLock" }], rewritten: [text] },
  });
  const finding = { rule: "drop-table", severity: "error" as const, statement: 0, blocks: "reads" as const };
  return {
    ...{ format: "rehearsal-report/1", promotion: "p1", environment: "prod", release: "r", server: "18.4" },
    ...{ milliseconds: 500, fingerprintBefore: "a", fingerprintAfter: "b", differences: [text] },
    ...{ bytesBefore: 1_048_576, bytesAfter: 2_097_152, walBytes: 20 },
    ...{
      unchangedTables: [`"public"."${text}2"`],
      changedTables: [`"public"."${text}": 3 rows before, 4 after`],
    },
    brokenChecks: [{ path: text, rows: 1, sample: text }],
    runs: [
      {
        ...{ transactional: true, milliseconds: 400, fingerprint: "b" },
        changed: { [`"public"."${text}"`]: { inserted: 1, updated: 2, deleted: 3 } },
        items: files.map((milliseconds, index) => ({
          ...{ kind: "migration", path: `migrations/000${index + 1}_${text}.sql`, milliseconds },
          ...{ idempotent: index === 0 ? "proved" : "not claimed", statements: [statement(milliseconds)] },
        })),
      },
    ],
    blocked: [
      {
        ...{ relation: `"public"."${text}"`, traffic: "writes", milliseconds: 200, statement: place },
        ...{ mode: "ShareLock", by: "probe" },
      },
      {
        ...{ relation: `"public"."${text}"`, traffic: "reads", milliseconds: 50, statement: place },
        ...{ mode: "AccessExclusiveLock", by: "clock" },
      },
    ],
    budgets: [{ budget: "maxWriteBlock", limit: 150, measured: 200, exceeded: true, statement: place }],
    findings: [
      { ...finding, path: text, line: 1, message: text, hint: text },
      { ...finding, path: text, line: 2, message: text, hint: text, suppressed: { reason: text } },
    ],
    plans: [
      {
        ...{ path: `plans/${text}.yaml`, sha256: "c".repeat(64), why: text, notes: [text], rebuild: [text] },
        ...{ back: text, approvers: [text], migration: text, bounds: [] },
        statements: [
          {
            ...{ line: 1, summary: text, fingerprint: "f", loses: text, deterministic: "proved" },
            losses: [{ object: `table ${text}`, measured: 12, planned: "all rows" }],
          },
        ],
      },
    ],
    notes: [{ table: text, wants: text, path: text, says: text }],
    unplanned: [text],
  };
}

export function viewOf(text: string, more: Partial<PromotionView> = {}): PromotionView {
  const progress = {
    done: { bytes: 1_024, rows: 5 },
    total: { bytes: 4_096, rows: 20 },
    secondsLeft: 3,
    now: text,
  };
  const error = { code: "StatementFailed", message: text, hint: `${text}\n${text}` };
  const plan = {
    path: text,
    sha256: "d".repeat(64),
    why: text,
    notes: [text],
    rebuild: [],
    back: text,
    approvers: [],
  };
  return {
    ...{ id: "p1", environment: "prod", role: "prod", release: "e".repeat(64), requestedBy: text },
    ...{ createdAt: AT, endedAt: null, evidence: "f".repeat(64), asked: null, error: null, plans: [plan] },
    course: {
      status: "waiting",
      policy: { decision: "approval", fence: "auto", rollback: "swap", approvalTimeout: 60, hooks: {} },
      pending: [text, `${text}2`],
      steps: [
        attempt("admit", { outcome: { pending: 2, fence: true, unguarded: [text] } }),
        attempt("restore", { status: "failed", error }),
        attempt("restore", { attempt: 2, outcome: { database: text, backup: text } }),
        attempt("rehearse", { status: "running", endedAt: null, progress }),
      ],
      verdict: { status: "waiting", decidedBy: null, comment: null, expiresAt: AT },
    },
    rehearsed: {
      ...{
        attempt: 1,
        report: reportOf(text),
        href: "/console/promotions/p1/artifacts/rehearse/1/report.html",
      },
      changes: {
        changes: [
          {
            ...{ address: `table public.${text}`, kind: "changed", more: 0 },
            lines: [
              { part: `column ${text}`, before: text, after: `${text}2` },
              { part: "definition", before: null, after: Array(20).fill(text).join("\n") },
            ],
          },
          {
            address: `view ${text}`,
            kind: "removed",
            more: 3,
            lines: [{ part: "owner", before: text, after: null }],
          },
        ],
        more: 2,
      },
    },
    rehearsedAs: "rehearse.1",
    log: {
      entries: [
        {
          event: {
            ...{
              seq: 7,
              at: AT.toISOString(),
              type: "promotion.rejected",
              environment: "prod",
              promotion: "p1",
            },
            data: { by: text, comment: text, nested: { secret: "not told" } },
          },
          hash: "a".repeat(64),
        },
      ],
      more: false,
      proved: { from: 7, to: 9 },
    },
    artifacts: [{ key: "rehearse/1/report.json", size: 2_048, mayRead: true }],
    moreArtifacts: false,
    actions: {
      approve: true,
      reject: true,
      cancel: true,
      rollBack: { confirm: true, loss: true },
      reasons: [text],
    },
    ...{ csrf: "the-secret", now: new Date(AT.getTime() + 65_000), version: "v1" },
    refusal: { code: "ConfirmationMissing", message: text, hint: text },
    typed: { comment: text, confirm: text },
    ...more,
  };
}
