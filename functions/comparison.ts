/** What a rehearsal promised beside what production then took: read from the bucket, for whoever asks. */
import { type Comparison, compareMeasures, type Measures } from "../core/comparison.ts";
import type { RehearsalReport } from "../core/report.ts";
import type { ObjectStore } from "../io/object-store.ts";
import { readArtifact } from "./artifacts.ts";

/** What the promotion's attempts to migrate measured, the oldest first; empty before it migrated. */
async function readMeasures(store: ObjectStore, id: string): Promise<Measures[]> {
  const prefix = `promotions/${id}/migrate/`;
  const attempts: number[] = [];
  for await (const { key } of store.list(prefix)) {
    const attempt = /^(\d+)\/measures\.json$/.exec(key.slice(prefix.length))?.[1];
    if (attempt !== undefined) attempts.push(Number(attempt));
  }
  const found: Measures[] = [];
  for (const attempt of attempts.sort((a, b) => a - b))
    found.push(
      await readArtifact<Measures>(store, `${prefix}${attempt}/measures.json`, "rehearsal-measures/1"),
    );
  return found;
}

/** The report at that key beside what was measured since; undefined before the promotion migrated. */
export async function compareWithReal(
  store: ObjectStore,
  id: string,
  reportKey: string,
): Promise<{ report: RehearsalReport; comparison: Comparison } | undefined> {
  const measures = await readMeasures(store, id);
  if (measures.length === 0) return undefined;
  const report = await readArtifact<RehearsalReport>(store, reportKey, "rehearsal-report/1");
  return { report, comparison: compareMeasures(report, measures) };
}
