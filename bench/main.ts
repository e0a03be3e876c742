/** `npm run bench -- <name> [--json]`: measures the product; without a name, everything there is to measure. */
import { parseArgs } from "node:util";
import { benchBundles } from "./bundles.ts";

/** A bench prints its figures and tells whether they are within what was promised. */
type Bench = (options: { json: boolean }) => Promise<boolean>;

const BENCHES: Record<string, Bench> = {
  bundles: benchBundles,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false } },
});
const unknown = positionals.find((name) => !Object.hasOwn(BENCHES, name));
if (unknown !== undefined) {
  console.error(`there is no bench "${unknown}"\nhint: choose from ${Object.keys(BENCHES).join(", ")}`);
  process.exit(2);
}
for (const [name, bench] of Object.entries(BENCHES))
  if (positionals.length === 0 || positionals.includes(name))
    try {
      if (!(await bench({ json: values.json }))) process.exitCode = 1;
    } catch (error) {
      console.error(`${name}: ${error instanceof Error ? error.message : error}`);
      process.exitCode = 1;
    }
