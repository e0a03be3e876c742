/** The newest rehearsal's report as a promotion's page shows it: read once, for what a rehearsal wrote never changes. */
import { type ErrorCode, RehearsalError } from "../../core/errors.ts";
import type { RehearsalReport } from "../../core/report.ts";
import { type SchemaChanges, schemaChanges } from "../../core/schema-changes.ts";
import type { Promotion } from "../../io/ledger/promotions.ts";
import type { StepRow } from "../../io/ledger/steps.ts";
import type { ObjectStore } from "../../io/object-store.ts";
import type { Rehearsed } from "../../web/console/rehearsal.ts";
import { readArtifact } from "../artifacts.ts";
import { compareWithReal } from "../comparison.ts";
import { readExpectations } from "../expectations.ts";
import { newestReport } from "../promotion-artifacts.ts";
import { readKeptShape } from "../shapes.ts";

/** Bytes: of a report, and of what a rehearsal expects, above which a page does not read them. */
const REPORT_BYTES = 8 * 1024 * 1024;
const SHAPES_BYTES = 24 * 1024 * 1024;

/** A sandbox keeps so many between requests, for a page that follows a promotion asks again and again. */
const KEPT = 4;

interface Kept {
  report: RehearsalReport;
  changes: SchemaChanges | undefined;
}

const kept = new Map<string, Kept>();

/** Names what would be shown without reading it: the attempts that may have written a report, or measured production. */
export function rehearsedAs(steps: readonly StepRow[]): string {
  return steps
    .filter(({ step, status }) => (step === "rehearse" || step === "migrate") && status !== "running")
    .map(({ step, attempt }) => `${step}.${attempt}`)
    .join("-");
}

/** Undefined before a rehearsal has written its report, or where it is too large for a page; it is among the artifacts then. */
export async function readRehearsed(
  store: ObjectStore,
  promotion: Promotion,
  steps: readonly StepRow[],
): Promise<Rehearsed | undefined> {
  if (!steps.some(({ step, status }) => step === "rehearse" && status !== "running")) return undefined;
  const newest = await newestReport(store, promotion.id).catch(absent("ReportMissing"));
  if (newest === undefined) return undefined;
  const found = kept.get(newest) ?? (await readNew(store, promotion, newest));
  if (found === undefined) return undefined;
  const key = newest.slice(`promotions/${promotion.id}/`.length);
  const measured = steps.some(({ step, status }) => step === "migrate" && status !== "running");
  return {
    ...found,
    attempt: Number(key.split("/")[1]),
    comparison: measured
      ? (await compareWithReal(store, promotion.id, `${newest}.json`))?.comparison
      : undefined,
    href: `/console/promotions/${promotion.id}/artifacts/${key}.html`,
  };
}

async function readNew(store: ObjectStore, promotion: Promotion, newest: string): Promise<Kept | undefined> {
  const key = `${newest}.json`;
  const { size } = await store.head(key);
  if (size > REPORT_BYTES) return undefined;
  const report = await readArtifact<RehearsalReport>(store, key, "rehearsal-report/1");
  const found = { report, changes: await readChanges(store, promotion, report) };
  if (kept.size >= KEPT) kept.delete(kept.keys().next().value ?? "");
  kept.set(newest, found);
  return found;
}

/** From the shapes themselves; where one is not kept, or there are too many, the report's own sentences have to do. */
async function readChanges(
  store: ObjectStore,
  { facts: { rehearsal } }: Promotion,
  { fingerprintBefore, fingerprintAfter }: RehearsalReport,
): Promise<SchemaChanges | undefined> {
  if (rehearsal === undefined || fingerprintAfter === "") return undefined;
  if (fingerprintBefore === fingerprintAfter) return { changes: [], more: 0 };
  const { size } = await store.head(rehearsal.expectationsKey);
  if (size > SHAPES_BYTES) return undefined;
  const before = await readKeptShape(store, fingerprintBefore).catch(absent("ObjectMissing"));
  // A damaged one keeps nobody from rejecting: the migration refuses to go by it, and says so.
  const expected = await readExpectations(store, rehearsal).catch(absent("ObjectMissing", "ObjectDamaged"));
  const after = expected?.runs.at(-1)?.shape;
  return before === undefined || after === undefined ? undefined : schemaChanges(before, after);
}

/** What may be missing, and is told by its absence. */
function absent(...codes: ErrorCode[]) {
  return (error: unknown): undefined => {
    if (error instanceof RehearsalError && codes.includes(error.code)) return undefined;
    throw error;
  };
}
