/** `npm run bench -- <name> [--json] [--gb N] [--runs N] [--sizes N,N]`: measures the product; without a name, everything there is to measure. */
import { parseArgs } from "node:util";
import { benchApi } from "./api.ts";
import { benchBackup } from "./backup.ts";
import { benchBundles } from "./bundles.ts";
import { benchColdStart } from "./cold-start.ts";
import { benchFeed } from "./feed.ts";
import { benchImport } from "./import.ts";
import { benchLint } from "./lint.ts";
import { benchMigrate } from "./migrate.ts";
import { benchPrune } from "./prune.ts";
import { benchRollback } from "./rollback.ts";
import { benchSnapshot } from "./snapshot.ts";
import { benchStore } from "./store.ts";

/** A bench prints its figures and tells whether they are within what was promised. */
type Bench = (options: { json: boolean; gb: number; runs: number; sizes: number[] }) => Promise<boolean>;

const BENCHES: Record<string, Bench> = {
  api: benchApi,
  backup: benchBackup,
  bundles: benchBundles,
  "cold-start": benchColdStart,
  feed: benchFeed,
  import: benchImport,
  lint: benchLint,
  migrate: benchMigrate,
  prune: benchPrune,
  rollback: benchRollback,
  snapshot: benchSnapshot,
  store: benchStore,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    /** Of rows; a small default, for trying. */
    gb: { type: "string", default: "0.2" },
    runs: { type: "string", default: "3" },
    /** Of the databases that are rolled back, in gigabytes of rows; "0.1,1,5" is what docs/performance.md tells. */
    sizes: { type: "string", default: "0.1" },
  },
});
const [gb, runs] = [Number(values.gb), Number(values.runs)];
const sizes = values.sizes.split(",").map(Number);
if (
  ![gb, ...sizes].every((size) => size > 0 && size <= 100) ||
  !(Number.isInteger(runs) && runs > 0 && runs <= 100)
) {
  console.error(
    '"--gb", "--runs" or "--sizes" is not a number it can be\nhint: for example --gb 1 --runs 3 --sizes 0.1,1',
  );
  process.exit(2);
}
const unknown = positionals.find((name) => !Object.hasOwn(BENCHES, name));
if (unknown !== undefined) {
  console.error(`there is no bench "${unknown}"\nhint: choose from ${Object.keys(BENCHES).join(", ")}`);
  process.exit(2);
}
for (const [name, bench] of Object.entries(BENCHES))
  if (positionals.length === 0 || positionals.includes(name))
    try {
      if (!(await bench({ json: values.json, gb, runs, sizes }))) process.exitCode = 1;
    } catch (error) {
      console.error(`${name}: ${error instanceof Error ? error.message : error}`);
      process.exitCode = 1;
    }
