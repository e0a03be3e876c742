/** Programs named pg_dump: one that stands for a newer version, and whatever a test writes. */
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Writes a shell script under the name pg_dump into a folder of its own, and returns its path. */
export async function writePgDump(folder: string, name: string, script: string): Promise<string> {
  const own = join(folder, name);
  await mkdir(own, { recursive: true });
  const path = join(own, "pg_dump");
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

/** A pg_dump of version 19. */
export function writeNewerPgDump(folder: string): Promise<string> {
  const program = fileURLToPath(new URL("./fixtures/pg-dump-19.ts", import.meta.url));
  return writePgDump(folder, "newer", `exec '${process.execPath}' '${program}' "$@"`);
}
