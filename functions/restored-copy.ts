/** A database filled from a backup and believed only when it holds the same. */

import type { BackupManifest } from "../core/backup-manifest.ts";
import { compareBaselines, describeBaselineDifference } from "../core/baseline.ts";
import type { DatabaseAddress } from "../core/database-url.ts";
import { RehearsalError } from "../core/errors.ts";
import type { OnProgress } from "../core/progress.ts";
import { describeDifference, diffShapes, type Shape } from "../core/shape.ts";
import type { ObjectStore } from "../io/object-store.ts";
import { readBaseline } from "../io/postgres/baseline.ts";
import { restore } from "../io/postgres/restore.ts";
import { openSession, type Session } from "../io/postgres/session.ts";
import { readShape } from "../io/postgres/shape.ts";

export interface CopyOptions {
  /** An empty database. */
  target: DatabaseAddress;
  application: string;
  store: ObjectStore;
  manifest: BackupManifest;
  connections: number;
  onProgress: OnProgress;
}

/** Fills the database; returns the seconds that it took. */
export async function fillCopy(options: CopyOptions): Promise<number> {
  const started = performance.now();
  await restore(options);
  return (performance.now() - started) / 1_000;
}

/** Throws `CopyDiffers` unless the copy holds what the manifest says, and, when one is promised, has that shape. */
export async function refuseDifferentCopy(
  { target, application, manifest, onProgress }: CopyOptions,
  promised?: Shape,
): Promise<void> {
  const copy = await openSession(target, { application });
  try {
    const shape = promised === undefined ? [] : diffShapes(promised, await readShape(copy));
    const content = compareBaselines(manifest.baseline, await contentOf(copy, onProgress));
    const differences = [
      ...shape.map(describeDifference),
      ...content.map((difference) => describeBaselineDifference(difference)),
    ];
    if (differences.length > 0)
      throw new RehearsalError("CopyDiffers", { differences: differences.slice(0, 5).join("; ") });
  } finally {
    await copy.close();
  }
}

function contentOf(copy: Session, onProgress: OnProgress) {
  return readBaseline(copy, { onProgress });
}
