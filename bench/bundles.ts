/** How large each function is once bundled, and that the API starts with little. */
import { join } from "node:path";
import { type Bundle, bundle } from "../infra/bundle.ts";
import { FUNCTION_NAMES, MODULES } from "../workflows/modules.ts";

const ROOT = join(import.meta.dirname, "..");
const FOLDER = join(ROOT, ".rehearsal/bundles");

/** The API answers people: what it reads at a cold start is what they wait for. */
const MOST_AT_START = 600_000;

/** Prints the sizes; false when the API reads more at start than it should, or any function an AWS client. */
export async function benchBundles({ json }: { json: boolean }): Promise<boolean> {
  const bundles: Bundle[] = [];
  for (const name of FUNCTION_NAMES)
    bundles.push(await bundle({ name, entry: `functions/${MODULES[name]}`, folder: join(FOLDER, name) }));
  console.log(json ? JSON.stringify(bundles, undefined, 2) : table(bundles));
  const wrongs = bundles.flatMap(wrongsOf);
  for (const wrong of wrongs) console.error(`${wrong}\nhint: import it where it is used, by import()`);
  return wrongs.length === 0;
}

function wrongsOf({ name, startBytes, startPackages }: Bundle): string[] {
  const clients = startPackages.filter((one) => one.startsWith("@aws-sdk/client-"));
  return [
    ...(name === "api" && startBytes > MOST_AT_START
      ? [`the bundle "api" reads ${startBytes} bytes at start, and ${MOST_AT_START} are the most it may`]
      : []),
    ...clients.map((client) => `the bundle "${name}" reads ${client} at start`),
  ];
}

function table(bundles: Bundle[]): string {
  const kilobytes = (bytes: number) => (bytes / 1000).toFixed(1).padStart(10);
  const width = Math.max("function".length, ...bundles.map(({ name }) => name.length));
  return [
    `${"function".padEnd(width)}  start (kB)  later (kB)  assets (kB)`,
    ...bundles.map(
      ({ name, startBytes, lazyBytes, assetBytes }) =>
        `${name.padEnd(width)}  ${kilobytes(startBytes)}  ${kilobytes(lazyBytes)}   ${kilobytes(assetBytes)}`,
    ),
  ].join("\n");
}
