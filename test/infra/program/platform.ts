/** SST's platform, as `sst install` unpacks it below `.sst/`: once for a tree, whoever asks first, and however many ask at once. */
import { spawn } from "node:child_process";
import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

export const ROOT = join(import.meta.dirname, "../../..");

const PLATFORM = join(ROOT, ".sst/platform");

/** What this SST asks Pulumi's engine for: `sst install` looks at the version, and makes no other call of it. */
const PULUMI = "v3.215.0";

/** The platform's folder; takes about a minute where there is none yet, or one of another version. */
export async function ensurePlatform(): Promise<string> {
  if (await isInstalled()) return PLATFORM;
  const release = await takeTurn();
  try {
    if (!(await isInstalled())) await install();
  } finally {
    await release();
  }
  if (!(await isInstalled())) throw new Error(`"sst install" ended well and left no platform in ${PLATFORM}`);
  return PLATFORM;
}

/** npm writes the last of these when it has ended, so half of an install is none. */
async function isInstalled(): Promise<boolean> {
  const [version, wanted, lock, done] = await Promise.all([
    read(join(PLATFORM, "version")),
    read(join(ROOT, "node_modules/sst/package.json")),
    read(join(ROOT, ".sst/provider-lock.json")),
    read(join(PLATFORM, "node_modules/.package-lock.json")),
  ]);
  return version !== undefined && wanted !== undefined && lock !== undefined && done !== undefined
    ? version.trim() === (JSON.parse(wanted) as { version: string }).version
    : false;
}

async function install(): Promise<void> {
  const home = join(ROOT, ".rehearsal/sst-home");
  await mkdir(join(home, ".config/sst/bin"), { recursive: true });
  const engine = join(home, ".config/sst/bin/pulumi");
  await writeFile(engine, `#!/bin/sh\necho ${PULUMI}\n`);
  await chmod(engine, 0o755);
  process.stderr.write("SST's platform is unpacked into .sst/, which takes about a minute, once ...\n");
  const began = performance.now();
  await run(join(ROOT, "node_modules/sst/bin/sst.mjs"), ["install", "--stage", "offline"], {
    ...process.env,
    HOME: home,
    // HOME is another, and npm's own settings, which may name its registry, are still the user's.
    npm_config_userconfig: process.env.npm_config_userconfig ?? join(homedir(), ".npmrc"),
    npm_config_cache: process.env.npm_config_cache ?? join(homedir(), ".npm"),
    SST_NO_BUN: "1",
    SST_TELEMETRY_DISABLED: "1",
    PATH: `${join(ROOT, "node_modules/.bin")}:${process.env.PATH}`,
  });
  process.stderr.write(`... done in ${Math.round((performance.now() - began) / 1_000)} s\n`);
}

/** Ends well, or throws with what the command wrote. */
async function run(script: string, args: string[], env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(process.execPath, [script, ...args], {
    cwd: ROOT,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => said.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0)
    throw new Error(`sst ${args.join(" ")} ended with ${code}: ${Buffer.concat(said).toString()}`);
}

/** Waits until nobody else installs; one who died in the middle keeps nobody from it. Returns how the turn is given up. */
async function takeTurn(): Promise<() => Promise<void>> {
  const turn = join(ROOT, ".rehearsal/sst-install.pid");
  await mkdir(join(turn, ".."), { recursive: true });
  for (;;) {
    try {
      await writeFile(turn, String(process.pid), { flag: "wx" });
      return () => rm(turn, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const owner = Number(await read(turn));
      if (owner > 0 && !lives(owner)) await rm(turn, { force: true });
      else await pause(500);
    }
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process lives as well.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function read(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return undefined;
  });
}
