/** Proves a backup without a server: every object is read, decompressed and counted. */
import { parseArchive } from "../core/archive.ts";
import type { BackupManifest, CopiedObject } from "../core/backup-manifest.ts";
import { manifestAmount } from "../core/backup-manifest.ts";
import { RehearsalError } from "../core/errors.ts";
import type { OnProgress } from "../core/progress.ts";
import { readObject, readWhole } from "./backup-objects.ts";
import type { ObjectStore } from "./object-store.ts";

const LINE_FEED = 10;

/**
 * Throws `BackupCorrupt`, `BackupObjectMissing` or `ArchiveUnreadable` unless every object is, to the bit, what was
 * written, decompresses to the bytes and holds the rows that the manifest says. `readers` objects are read at once.
 */
export async function proveObjects(
  store: ObjectStore,
  manifest: BackupManifest,
  options: { readers: number; onProgress: OnProgress },
): Promise<void> {
  parseArchive(await readWhole(store, manifest.toc));
  const left: { object: CopiedObject; what: string }[] = [
    ...manifest.data.map((object) => ({ object, what: object.table })),
    ...manifest.largeObjects.map((object) => ({ object, what: "large objects" })),
  ].sort((one, other) => other.object.size - one.object.size);
  const total = manifestAmount(manifest);
  const done = { bytes: 0, rows: 0 };
  let failed = false;
  const reader = async () => {
    for (let next = left.shift(); next !== undefined && !failed; next = left.shift()) {
      const { object, what } = next;
      let rows = 0;
      for await (const piece of readObject(store, object)) {
        rows += countLines(piece);
        done.bytes += piece.length;
        options.onProgress({ done: { ...done }, total, now: what });
      }
      if (rows !== object.rows)
        throw new RehearsalError("BackupCorrupt", {
          object: object.key,
          reason: `it holds ${rows} rows instead of ${object.rows}`,
        });
      done.rows += rows;
    }
  };
  const stopOthers = (error: unknown) => {
    failed = true;
    throw error;
  };
  await Promise.all(Array.from({ length: options.readers }, () => reader().catch(stopOthers)));
}

/** In COPY's text a line feed ends each row and stands nowhere else. */
function countLines(piece: Uint8Array): number {
  let lines = 0;
  for (let at = piece.indexOf(LINE_FEED); at !== -1; at = piece.indexOf(LINE_FEED, at + 1)) lines++;
  return lines;
}
