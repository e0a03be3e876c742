/** One import in a process of its own, so that its memory is its own: `node child.ts '{…}'` prints one line of JSON. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { layoutOf } from "../../core/import/layout.ts";
import { parseImportMapping } from "../../core/import/mapping.ts";
import { importFiles } from "../../functions/import-files.ts";
import { openFolderSource } from "../../io/import/folder-source.ts";
import { openObjectStore } from "../../io/object-store.ts";
import { withImporter } from "../../io/postgres/import/open.ts";
import { MAPPING } from "./tree.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

export interface Task {
  address: DatabaseAddress;
  folder: string;
}

export interface Outcome {
  seconds: number;
  /** The most memory the process ever held. */
  peakBytes: number;
  /** The most that was held behind a batch, of every so many: what a collector that is in no hurry leaves lying is not counted. */
  heldBytes: number;
  /** Of the process, not of the server. */
  cpuSeconds: number;
  records: number;
  rows: number;
  /** Rows that were written. */
  written: number;
}

/** Batches between two collections, which take their time too. */
const COLLECTED = 4;

/** Told of batches, looks now and then at what is held. */
function watchHeld(): { look(): void; most: number } {
  let batches = 0;
  return {
    most: 0,
    look() {
      if (batches++ % COLLECTED !== 0) return;
      collect();
      const { heapUsed, external } = process.memoryUsage();
      this.most = Math.max(this.most, heapUsed + external);
    },
  };
}

async function carryOut({ address, folder }: Task): Promise<Outcome> {
  const mapping = parseImportMapping("imports/bench.yaml", Buffer.from(MAPPING));
  const layout = layoutOf(mapping);
  const source = await openFolderSource(folder);
  const [id, application] = [`bench-${process.pid}`, "bench"];
  // Nothing is refused, so nothing is told there.
  const store = openObjectStore({ bucket: "none" });
  const held = watchHeld();
  const began = performance.now();
  const done = await withImporter(
    address,
    {
      ...{ application, task: id, attempt: 1, mapping, layout, dryRun: false, searchPath: ["public"] },
      ...{ lockTimeout: 0, statementTimeout: 0 },
    },
    (importer) =>
      importFiles(
        {
          attempt: { attempt: 1 },
          task: { id, facts: {}, input: { release: "", import: "bench", source: { folder }, dryRun: false } },
          ...{ store, passed: () => {}, progress: () => held.look(), mayGoOn: () => true },
        },
        {
          ...{ mapping, source, importer, media: undefined },
          assertFree: async () => {},
          turn: { take: async () => {}, give: async () => {} },
          keep: async () => {},
        },
      ),
  );
  const seconds = (performance.now() - began) / 1000;
  if ("more" in done || done.summary.records.refused > 0) throw new Error(JSON.stringify(done));
  const counts = Object.values(done.summary.rows);
  const written = counts.reduce((sum, { inserted, updated }) => sum + inserted + updated, 0);
  const used = process.resourceUsage();
  return {
    seconds,
    peakBytes: used.maxRSS * 1024,
    heldBytes: held.most,
    cpuSeconds: (used.userCPUTime + used.systemCPUTime) / 1e6,
    records: done.summary.records.imported,
    rows: counts.reduce((sum, { unchanged }) => sum + unchanged, written),
    written,
  };
}

console.log(JSON.stringify(await carryOut(JSON.parse(process.argv[2] ?? ""))));
