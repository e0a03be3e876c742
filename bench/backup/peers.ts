/** The tools a backup is measured against, where this machine has them: pg_dump, pg_restore, vacuumdb and psql, with a server of their version. */
import { execFile } from "node:child_process";
import { globSync } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { MAJORS } from "../../local/postgres.ts";

const run = promisify(execFile);
const TOOLS = ["postgres", "initdb", "pg_dump", "pg_restore", "vacuumdb", "psql"];

export interface Installation {
  major: number;
  /** Undefined for the registry's server. */
  binaries: string | undefined;
  /** Undefined when there is nobody to compare with. */
  tools: string | undefined;
}

/** The newest installation that has servers and tools; else the registry's server, of which there are no tools. */
export function findInstallation(): Installation {
  const folders = globSync("/usr/lib/postgresql/*/bin").filter((folder) => {
    const found = globSync(join(folder, "*"));
    return TOOLS.every((tool) => found.includes(join(folder, tool)));
  });
  const major = (folder: string) => Number(folder.split("/").at(-2));
  const [newest] = folders.sort((one, other) => major(other) - major(one));
  if (newest === undefined) return { major: MAJORS.at(-1) ?? 18, binaries: undefined, tools: undefined };
  return { major: major(newest), binaries: newest, tools: newest };
}

export class Peers {
  #tools: string;
  #environment: NodeJS.ProcessEnv;
  /** For dumps; made when needed. */
  #folder: string;

  constructor(tools: string, address: DatabaseAddress, folder: string) {
    this.#tools = tools;
    this.#folder = folder;
    this.#environment = {
      ...process.env,
      ...{ PGHOST: address.host, PGPORT: String(address.port), PGUSER: address.user },
      PGPASSWORD: address.password ?? "",
    };
  }

  /** `pg_dump -Fd -j2` into a folder of that name. */
  async dump(database: string, name: string, ...more: string[]): Promise<{ seconds: number; bytes: number }> {
    const to = join(this.#folder, name);
    await rm(to, { recursive: true, force: true });
    const seconds = await this.#timed("pg_dump", ["-Fd", "-j2", ...more, "-f", to, database]);
    const sizes = await Promise.all(
      (await readdir(to)).map(async (file) => (await stat(join(to, file))).size),
    );
    return { seconds, bytes: sizes.reduce((sum, size) => sum + size, 0) };
  }

  /** `pg_restore -j2` of what `dump` wrote. */
  restore(database: string, name: string, ...more: string[]): Promise<number> {
    return this.#timed("pg_restore", ["-j2", ...more, "-d", database, join(this.#folder, name)]);
  }

  analyze(database: string): Promise<number> {
    return this.#timed("vacuumdb", ["--analyze-only", "-j2", "--quiet", database]);
  }

  /** Two psql, each with one half of the pages of every table, to nowhere: what any backup by COPY takes at least. */
  async copyToNowhere(database: string, tables: { name: string; pages: number }[]): Promise<number> {
    const half = (sign: string) =>
      tables.flatMap(({ name, pages }) => [
        ...["-c", `copy (select * from ${name} where ctid ${sign} '(${Math.floor(pages / 2)},0)') to stdout`],
      ]);
    const began = performance.now();
    const psql = (sign: string) =>
      this.#run("sh", [
        "-c",
        'exec "$@" >/dev/null',
        "sh",
        join(this.#tools, "psql"),
        "-q",
        ...half(sign),
        database,
      ]);
    await Promise.all([psql("<"), psql(">=")]);
    return (performance.now() - began) / 1000;
  }

  async #timed(tool: string, args: string[]): Promise<number> {
    const began = performance.now();
    await this.#run(join(this.#tools, tool), args);
    return (performance.now() - began) / 1000;
  }

  async #run(command: string, args: string[]): Promise<void> {
    await run(command, args, { env: this.#environment, maxBuffer: 1e8 });
  }
}

/** A tool of exactly that major, where this machine has it: pg_dump refuses newer servers, and older ones cost it other queries. */
export function findProgram(tool: string, major: number): string | undefined {
  return globSync(`/usr/lib/postgresql/${major}/bin/${tool}`)[0];
}
