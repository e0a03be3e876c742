/** The tools that apply migrations, each called as its users call it, and timed. */
import { execFile, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { type DatabaseAddress, databaseUrl } from "../../core/database-url.ts";
import { queryOn } from "../database.ts";
import { type Tool, writeMigrations } from "./folders.ts";

export const COUNT = 500;
export const CASES = ["from an empty database", "one pending"] as const;
export type Case = (typeof CASES)[number];

/** Every tool on one server, each with a folder and databases of its own below `folder`. */
export class Tools {
  #address: DatabaseAddress;
  #folder: string;
  #ours: string;

  constructor(address: DatabaseAddress, folder: string, ours: string) {
    this.#address = address;
    this.#folder = folder;
    this.#ours = ours;
  }

  /** A folder of all migrations, and a database that has had all but the last; what a tool keeps between its runs is there after. */
  async prepare(tool: Tool): Promise<void> {
    const almost = join(this.#folder, `${tool}-almost`);
    await writeMigrations(almost, tool, COUNT - 1);
    await writeMigrations(join(this.#folder, tool), tool, COUNT);
    await this.#create(baseOf(tool), "template0");
    await this.#migrate(tool, almost, baseOf(tool));
  }

  /** Wall seconds of the tool's process, from its start to its end. */
  async whole(tool: Tool, one: Case): Promise<number> {
    await this.#createFor(tool, one);
    const seconds = await timed(() => this.#migrate(tool, join(this.#folder, tool), "run"));
    await this.#assertMigrated();
    return seconds;
  }

  /** The same of a process that does nothing: ours loads all that it needs for its work, the others say their version. */
  start(tool: Tool): Promise<number> {
    const nothing = tool === "rehearsal" ? "--load" : "--version";
    const [program, script] = this.#program(tool);
    const words = script === undefined ? [nothing] : [script, nothing];
    return timed(() => this.#run(tool, [program, ...words], join(this.#folder, tool), "run"));
  }

  /** Wall seconds of our second work in a process that stays: it is told, opens a connection, works, closes it and answers. */
  async staying(one: Case): Promise<number> {
    const tool = "rehearsal";
    await this.#create("first", "template0");
    await this.#createFor(tool, one);
    const [program, script] = this.#program(tool);
    const child = spawn(program, [script ?? "", "--stay"], {
      stdio: ["pipe", "pipe", "inherit"],
      env: this.#environment("run"),
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const work = async (folder: string, database: string) => {
      child.stdin.write(`${JSON.stringify([join(this.#folder, folder), this.#url(database)])}\n`);
      if ((await lines.next()).value !== "done") throw new Error("rehearsal failed in a process that stays");
    };
    try {
      await work(`${tool}-almost`, "first");
      const seconds = await timed(() => work(tool, "run"));
      await this.#assertMigrated();
      return seconds;
    } finally {
      child.stdin.end();
    }
  }

  #migrate(tool: Tool, folder: string, database: string): Promise<void> {
    const words = {
      rehearsal: [folder, this.#url(database)],
      dbmate: ["-d", "migrations", "--no-dump-schema", "migrate"],
      "node-pg-migrate": ["up", "-m", "migrations", "--verbose", "false"],
      "graphile-migrate": ["migrate", "-c", join(folder, "gmrc")],
    };
    return this.#run(tool, [...this.#program(tool), ...words[tool]], folder, database);
  }

  /** A tool's program: itself, or Node and a script. */
  #program(tool: Tool): [string, string?] {
    // The package's own script would start Node before it.
    if (tool === "dbmate") return [dbmateProgram()];
    return [process.execPath, tool === "rehearsal" ? this.#ours : scriptOf(tool)];
  }

  async #run(
    tool: Tool,
    [program = "", ...words]: (string | undefined)[],
    folder: string,
    database: string,
  ): Promise<void> {
    const given = words.filter((word) => word !== undefined);
    const env = this.#environment(database);
    await promisify(execFile)(program, given, { cwd: folder, env, maxBuffer: 1e8 }).catch(
      (error: { stderr?: string }) => {
        // Its end, for Node shows the whole line of a bundle that an error comes from.
        throw new Error(`${tool} failed: ${error.stderr?.slice(-1_000)}`, { cause: error });
      },
    );
  }

  #environment(database: string): NodeJS.ProcessEnv {
    const [url, root, shadow] = [this.#url(database), this.#url("postgres"), this.#url("shadow")];
    return {
      ...process.env,
      ...{ DATABASE_URL: url, ROOT_DATABASE_URL: root, SHADOW_DATABASE_URL: shadow },
      ...{ NODE_COMPILE_CACHE: join(this.#folder, "compiled"), NODE_ENV: "production" },
    };
  }

  #url(database: string): string {
    return databaseUrl({ ...this.#address, database });
  }

  #createFor(tool: Tool, one: Case): Promise<void> {
    return this.#create("run", one === "one pending" ? baseOf(tool) : "template0");
  }

  async #create(name: string, template: string): Promise<void> {
    await this.#query("postgres", `drop database if exists "${name}" with (force)`);
    await this.#query("postgres", `create database "${name}" template "${template}"`);
    await this.#query("postgres", "checkpoint");
  }

  /** Every tool's work comes to the same tables; one that did less would be measured too fast. */
  async #assertMigrated(): Promise<void> {
    const [row] = await this.#query<{ tables: number; checks: number; comments: number }>(
      "run",
      `select (select count(*)::int from pg_class where relname like 'thing\\_%' and relkind = 'r') as tables,
        (select count(*)::int from pg_constraint where conname = 'price_positive') as checks,
        (select count(*)::int from pg_description where description = 'A thing''s row.') as comments`,
    );
    if (row?.tables !== COUNT / 5 || row.checks !== COUNT / 5 || row.comments !== COUNT / 5)
      throw new Error(`not all migrations were applied: ${JSON.stringify(row)}`);
  }

  #query<Row extends object>(database: string, text: string): Promise<Row[]> {
    return queryOn<Row>({ ...this.#address, database }, text);
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

function baseOf(tool: Tool): string {
  return `almost ${tool}`;
}

/** A package's command, as its package.json names it. */
function scriptOf(name: string): string {
  const { resolve } = createRequire(import.meta.url);
  const home = /^.*node_modules\/[^/]+\//.exec(resolve(name))?.[0] ?? "";
  const { bin } = createRequire(import.meta.url)(join(home, "package.json")) as {
    bin: string | Record<string, string>;
  };
  return join(home, typeof bin === "string" ? bin : (bin[name] ?? ""));
}

function dbmateProgram(): string {
  const home = dirname(createRequire(import.meta.url).resolve("dbmate/package.json"));
  const own = `@dbmate/${process.platform}-${process.arch}/package.json`;
  return join(dirname(createRequire(join(home, "package.json")).resolve(own)), "bin/dbmate");
}
