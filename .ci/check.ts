/** `npm run check`: everything that can be told without running the product, one line per check, all of them whatever fails. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const installed = (name: string) => join(ROOT, "node_modules/.bin", name);

/** Rooms and import cycles are rules of the linter: see biome.json, and test/check/rooms.test.ts for the proof. */
const CHECKS: { name: string; command: string; args: string[] }[] = [
  { name: "format and lint", command: installed("biome"), args: ["check", "--error-on-warnings", "."] },
  { name: "types", command: installed("tsc"), args: ["-p", "."] },
  { name: "docs drift", command: process.execPath, args: ["docs/generate.ts", "--check"] },
];

for (const { name, command, args } of CHECKS) {
  const began = performance.now();
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd: ROOT,
    encoding: "utf8",
    maxBuffer: 100_000_000,
  });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`${status === 0 ? "ok    " : "FAILED"} ${name} (${seconds} s)`);
  if (status === 0) continue;
  process.exitCode = 1;
  console.log([stdout, stderr, error?.message].filter(Boolean).join("\n").trimEnd());
}
