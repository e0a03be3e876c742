/**
 * A Postgres server whose databases lie on a disk of their own, so that it can be filled for real; its log has room elsewhere. Run
 * as root in a mount namespace of its own (`unshare --mount`), which takes the disk away with it however it ends. argv[2] is the
 * options as JSON; the first line of stdout is the address; then a line with a number on stdin leaves so many bytes free, and the
 * answer is the number there are.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startPostgres } from "../local/postgres.ts";

const { folder, major, megabytes } = JSON.parse(process.argv[2] ?? "{}");
const mount = (...args: string[]) => execFileSync("mount", args);

mkdirSync(folder, { recursive: true });
mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", folder);
const dataFolder = join(folder, "server");
await (await startPostgres({ major, dataFolder })).stop();

const base = join(dataFolder, "data", "base");
const aside = join(folder, "aside");
cpSync(base, aside, { recursive: true });
mount("-t", "tmpfs", "-o", `mode=0777,size=${megabytes}m`, "tmpfs", base);
execFileSync("sh", [
  "-c",
  'cp -a "$1/." "$2/" && chown -R --reference="$3" "$2"',
  "sh",
  aside,
  base,
  dataFolder,
]);
rmSync(aside, { recursive: true });

const settings = { fsync: "off", full_page_writes: "off", autovacuum: "off" };
const server = await startPostgres({ major, dataFolder, settings });
process.stdout.write(`${JSON.stringify(server.address)}\n`);

const free = () => {
  const { bavail, bsize } = statfsSync(base);
  return bavail * bsize;
};
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const { blocks, bavail, bsize } = statfsSync(base);
  const size = (blocks - bavail) * bsize + Number(line);
  mount("-o", `remount,size=${size}`, base);
  process.stdout.write(`${free()}\n`);
});
// The parent holds our standard input: when it is gone, so are we.
lines.on("close", () => void server.stop().then(() => process.exit(0)));
