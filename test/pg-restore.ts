/** Stock pg_restore for tests: what is installed here, and Debian's of other majors, unpacked under .rehearsal without being installed. */
import { execFile, spawn } from "node:child_process";
import { glob, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { DatabaseAddress } from "../core/database-url.ts";

export interface PgRestore {
  major: number;
  /** In its own words. */
  version: string;
  command: string[];
}

/** A registry that does not answer is as good as none. */
const run = (program: string, args: string[], cwd?: string) =>
  promisify(execFile)(program, args, { timeout: 60_000, ...(cwd === undefined ? {} : { cwd }) });
const FETCHED = fileURLToPath(new URL("../.rehearsal/pg-restore", import.meta.url));
/** The release of Debian that has the major. */
const SUITES = { 17: "trixie", 18: "forky" };
/** What pg_restore is linked against; what these need in turn is apt's business. */
const LIBRARIES = ["libc6", "libpq5", "liblz4-1", "libzstd1", "zlib1g"];

/** One for each major there is, the oldest first. What is not installed is fetched with apt-get where that can be done. */
export async function findPgRestores(): Promise<PgRestore[]> {
  const found = new Map<number, PgRestore>();
  const add = (one: PgRestore | undefined) => {
    if (one !== undefined && !found.has(one.major)) found.set(one.major, one);
  };
  for (const folder of (process.env.PATH ?? "").split(delimiter))
    add(await ask([join(folder, "pg_restore")]));
  for await (const path of glob("/usr/lib/postgresql/*/bin/pg_restore")) add(await ask([path]));
  const missing = Object.entries(SUITES).filter(([major]) => !found.has(Number(major)));
  const fetching = missing.map(([major, suite]) => fetched(Number(major), suite));
  for (const one of await Promise.all(fetching)) add(one);
  return [...found.values()].sort((one, other) => one.major - other.major);
}

/**
 * The one a person with that server would take: of its major, else the next newer one. Archives of 17 and newer are of one version,
 * so there an older one does as well.
 */
export function pgRestoreFor(server: number, found: PgRestore[]): PgRestore | undefined {
  return found.find(({ major }) => major >= server) ?? found.findLast(({ major }) => major >= 17);
}

/** Runs it against a database, or without one. Resolves with its exit status and its words; `input` is its standard input. */
export async function pgRestore(
  { command }: PgRestore,
  target: DatabaseAddress | undefined,
  args: string[],
  input?: Readable,
): Promise<{ status: number | null; said: string }> {
  const [program = "", ...before] = command;
  const into = target === undefined ? [] : ["--no-password", "-d", target.database];
  const child = spawn(program, [...before, ...into, ...args], {
    env: { ...process.env, ...(target && surroundings(target)) },
    stdio: [input ? "pipe" : "ignore", "ignore", "pipe"],
  });
  const ended = new Promise<number | null>((resolve, reject) =>
    child.on("error", reject).on("close", resolve),
  );
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  // When it gives up it does not read to the end; its status tells.
  if (input && child.stdin) await pipeline(input, child.stdin).catch(() => undefined);
  return { status: await ended, said };
}

function surroundings({ host, port, user, password }: DatabaseAddress) {
  return { PGHOST: host, PGPORT: String(port), PGUSER: user, PGPASSWORD: password ?? "" };
}

async function ask(command: string[]): Promise<PgRestore | undefined> {
  const [program = "", ...before] = command;
  try {
    const version = (await run(program, [...before, "--version"])).stdout.trim();
    return { major: Number(/\) (\d+)/.exec(version)?.[1]), version, command };
  } catch {
    return undefined;
  }
}

async function fetched(major: number, suite: string): Promise<PgRestore | undefined> {
  const folder = join(FETCHED, String(major));
  const there = await unpacked(folder, major);
  if (there !== undefined) return there;
  const making = `${folder}.${process.pid}`;
  try {
    await fetchInto(making, major, suite);
    // Another run may have been faster.
    await rename(making, folder).catch(() => undefined);
  } catch {
    // No apt-get, no way to its registry, or no such package there: whoever asked sees which majors there are.
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  return unpacked(folder, major);
}

/** With the C library of its own release: this machine's may be older. */
async function unpacked(folder: string, major: number): Promise<PgRestore | undefined> {
  for await (const loader of glob(join(folder, "usr/lib/*/ld-linux-*.so.*")))
    return ask([
      ...[loader, "--library-path", join(loader, "..")],
      join(folder, "usr/lib/postgresql", String(major), "bin/pg_restore"),
    ]);
  return undefined;
}

/** From where this machine's own packages come, with lists and a status of its own: nothing of the machine is changed. */
async function fetchInto(folder: string, major: number, suite: string): Promise<void> {
  let mirror: string | undefined;
  for await (const path of glob("/etc/apt/{sources.list,sources.list.d/*}"))
    mirror ??= /https?:\/\/\S+\/debian\/?(?=\s|$)/m.exec(await readFile(path, "utf8"))?.[0];
  if (mirror === undefined) throw new Error("this machine's packages are not Debian's");
  const apt = join(folder, "apt");
  await mkdir(join(apt, "lists/partial"), { recursive: true });
  await mkdir(join(apt, "archives/partial"), { recursive: true });
  await writeFile(join(apt, "sources.list"), `deb ${mirror} ${suite} main\n`);
  await writeFile(join(apt, "status"), "");
  const options = {
    "Dir::Etc::sourcelist": join(apt, "sources.list"),
    "Dir::Etc::sourceparts": "-",
    "Dir::State::lists": join(apt, "lists"),
    "Dir::State::status": join(apt, "status"),
    "Dir::Cache": apt,
    "Dir::Cache::archives": join(apt, "archives"),
    "APT::Sandbox::User": "root",
    "Debug::NoLocking": "true",
    "Acquire::Languages": "none",
    "Acquire::http::Timeout": "20",
  };
  const flags = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  const archives = join(apt, "archives");
  await run("apt-get", [...flags, "update"]);
  await run("apt-get", [
    ...flags,
    "install",
    "-y",
    "--download-only",
    "--no-install-recommends",
    ...LIBRARIES,
  ]);
  await run("apt-get", [...flags, "download", `postgresql-client-${major}`], archives);
  for (const name of await readdir(archives))
    if (name.endsWith(".deb")) await run("dpkg", ["-x", join(archives, name), folder]);
  await rm(apt, { recursive: true });
  await rm(join(folder, "usr/share"), { recursive: true });
}
