/** Imports of files for tests: a folder made of texts, and an attempt that does what the task's would. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { DatabaseAddress } from "../../../core/database-url.ts";
import { layoutOf } from "../../../core/import/layout.ts";
import { parseImportMapping } from "../../../core/import/mapping.ts";
import type { ImportSummary, ReportLine } from "../../../core/import/report.ts";
import { importFiles } from "../../../functions/import-files.ts";
import { openFolderSource } from "../../../io/import/folder-source.ts";
import type { FileSource } from "../../../io/import/source.ts";
import type { ImportPosition } from "../../../io/ledger/tasks.ts";
import type { ObjectStore } from "../../../io/object-store.ts";
import { releaseClaims } from "../../../io/postgres/import/claims.ts";
import { withImporter } from "../../../io/postgres/import/open.ts";

export type Tree = Record<string, string | Uint8Array>;

/** Writes files by their paths into a folder of their own, or into the one given. */
export async function writeTree(tree: Tree, into?: string): Promise<string> {
  const folder = into ?? (await mkdtemp(join(tmpdir(), "rehearsal-import-")));
  for (const [path, bytes] of Object.entries(tree)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
  return folder;
}

export const removeTree = (folder: string) => rm(folder, { recursive: true, force: true });

export interface Imported {
  summary: ImportSummary;
  lines: ReportLine[];
  /** How many attempts it took. */
  attempts: number;
}

export interface Attempted {
  address: DatabaseAddress;
  store: ObjectStore;
  /** In YAML. */
  mapping: string;
  source: string | FileSource;
  dryRun?: boolean;
  /** False when an attempt has to end behind this batch. */
  mayGoOn?: () => boolean;
  passed?: (point: string) => void;
}

let made = 0;

/** Imports a folder, attempt after attempt. */
export async function importTree(options: Attempted): Promise<Imported> {
  const { address, store, dryRun = false, passed = () => {}, mayGoOn = () => true } = options;
  const mapping = parseImportMapping("imports/test.yaml", Buffer.from(options.mapping));
  const layout = layoutOf(mapping);
  const id = `task-${process.pid}-${++made}`;
  const source = typeof options.source === "string" ? await openFolderSource(options.source) : options.source;
  let position: ImportPosition | undefined;
  for (let attempt = 1; ; attempt++) {
    const done = await withImporter(
      address,
      {
        ...{ application: `test ${id}`, task: id, attempt, mapping, layout, dryRun, searchPath: ["public"] },
        ...{ lockTimeout: 2_000, statementTimeout: 60_000 },
      },
      async (importer, session) => {
        const done = await importFiles(
          {
            attempt: { attempt },
            task: {
              id,
              facts: { ...(position && { position }) },
              input: { release: "0".repeat(64), import: "test", source: { folder: "/" }, dryRun },
            },
            ...{ store, passed, mayGoOn, progress: () => {} },
          },
          {
            ...{ mapping, source, importer, media: { store, root: "prod/" } },
            assertFree: async () => {},
            turn: { take: async () => {}, give: async () => {} },
            keep: async (kept) => {
              position = structuredClone(kept);
            },
          },
        );
        if (!("more" in done)) await releaseClaims(session, id);
        return done;
      },
    );
    if ("more" in done) continue;
    const lines: ReportLine[] = [];
    for (const part of done.files) {
      const bytes = await store.get(`tasks/${id}/${part.attempt}/${part.name}`);
      for (const line of Buffer.from(bytes).toString().trimEnd().split("\n")) lines.push(JSON.parse(line));
    }
    return { summary: done.summary, lines, attempts: attempt };
  }
}
