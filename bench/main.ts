/** `npm run bench -- <name> [--json] [--gb N] [--runs N]`: measures the product; without a name, everything there is to measure. */
import { parseArgs } from "node:util";
import { benchBackup } from "./backup.ts";
import { benchBundles } from "./bundles.ts";

/** A bench prints its figures and tells whether they are within what was promised. */
type Bench = (options: { json: boolean; gb: number; runs: number }) => Promise<boolean>;

const BENCHES: Record<string, Bench> = {
  backup: benchBackup,
  bundles: benchBundles,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    /** Of rows; a small default, for trying. */
    gb: { type: "string", default: "0.2" },
    runs: { type: "string", default: "3" },
  },
});
const [gb, runs] = [Number(values.gb), Number(values.runs)];
if (!(gb > 0 && gb <= 100) || !(Number.isInteger(runs) && runs > 0 && runs <= 100)) {
  console.error('"--gb" or "--runs" is not a number it can be\nhint: for example --gb 1 --runs 3');
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
      if (!(await bench({ json: values.json, gb, runs }))) process.exitCode = 1;
    } catch (error) {
      console.error(`${name}: ${error instanceof Error ? error.message : error}`);
      process.exitCode = 1;
    }
