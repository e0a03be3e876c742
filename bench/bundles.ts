/** How large each function is once bundled, and that the API starts without the S3 client. */
import { globSync } from "node:fs";
import { basename, join } from "node:path";
import { type Bundle, bundle } from "../infra/bundle.ts";

const ROOT = join(import.meta.dirname, "..");
const FOLDER = join(ROOT, ".rehearsal/bundles");

/** The API answers people: what it reads at a cold start is what they wait for. */
const NOT_AT_START = "@aws-sdk/client-s3";

/** Prints the sizes; false when the API reads at start what it should read later. */
export async function benchBundles({ json }: { json: boolean }): Promise<boolean> {
  const bundles: Bundle[] = [];
  for (const { name, entry } of handlers())
    bundles.push(await bundle({ name, entry, folder: join(FOLDER, name) }));
  const eager = bundles.filter(
    ({ name, startPackages }) => name === "api" && startPackages.includes(NOT_AT_START),
  );
  console.log(json ? JSON.stringify(bundles, undefined, 2) : table(bundles));
  for (const { name } of eager)
    console.error(
      `the bundle "${name}" reads ${NOT_AT_START} at start\nhint: import it where it is used, by import()`,
    );
  return eager.length === 0;
}

/** Every handler there is: the API, the steps, the events, the tasks. */
function handlers(): { name: string; entry: string }[] {
  const files = globSync(["functions/{api,tasks}/main.ts", "functions/{steps,events}/*.ts"], { cwd: ROOT });
  return files.sort().map((file) => ({
    name: MAINS[file] ?? basename(file, ".ts"),
    entry: join(ROOT, file),
  }));
}

const MAINS: Record<string, string> = { "functions/api/main.ts": "api", "functions/tasks/main.ts": "task" };

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
