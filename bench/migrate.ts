/** How long 500 small migrations take, and one pending of 500, beside the tools that apply migrations; all in one run, in turns. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { loadavg } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { type DatabaseAddress, databaseUrl } from "../core/database-url.ts";
import { bundle } from "../infra/bundle.ts";
import { MAJORS, startPostgres } from "../local/postgres.ts";
import { queryOn } from "./database.ts";
import { middle } from "./middle.ts";
import { MIGRATIONS_CONTENT, TOOLS, type Tool, writeMigrations } from "./migrate/folders.ts";
import { describeMachine, writeSection } from "./page.ts";

const ROOT = join(import.meta.dirname, "..");
const COUNT = 500;
const CASES = ["from an empty database", "one pending"] as const;
type Case = (typeof CASES)[number];

/** Seconds of each round, by case and tool. */
type Measured = Record<Case, Record<Tool, number[]>>;

/** Writes its part of docs/performance.md from three runs on. False when ours is not the fastest in both cases. */
export async function benchMigrate({ json, runs }: { json: boolean; runs: number }): Promise<boolean> {
  await mkdir(join(ROOT, ".rehearsal"), { recursive: true });
  const folder = await mkdtemp(join(ROOT, ".rehearsal/bench-"));
  const server = await startPostgres({
    ...{ major: MAJORS.at(-1) ?? 18, temporary: true, dataFolder: join(folder, "postgres") },
  });
  try {
    const ours = join(folder, "ours");
    await bundle({ name: "ours", entry: join(ROOT, "bench/migrate/ours.ts"), folder: ours });
    const [began = 0] = loadavg();
    const measured = await measure(new Bench(server.address, folder, join(ours, "main.mjs")), runs);
    const [ended = 0] = loadavg();
    const table = resultTable(measured);
    console.log(json ? JSON.stringify(measured, undefined, 2) : table);
    if (runs >= 3) await writeSection("Migrations", section(table, measured, runs, [began, ended]));
    return CASES.every((one) => holds(measured[one]));
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(bench: Bench, runs: number): Promise<Measured> {
  const none = () => Object.fromEntries(TOOLS.map((tool) => [tool, []])) as unknown as Record<Tool, number[]>;
  const measured: Measured = { "from an empty database": none(), "one pending": none() };
  for (const tool of TOOLS) await bench.prepare(tool);
  for (let round = 1; round <= runs; round++)
    for (const one of CASES) for (const tool of TOOLS) measured[one][tool].push(await bench.timed(tool, one));
  return measured;
}

class Bench {
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
  async timed(tool: Tool, one: Case): Promise<number> {
    await this.#create("run", one === "one pending" ? baseOf(tool) : "template0");
    const began = performance.now();
    await this.#migrate(tool, join(this.#folder, tool), "run");
    const seconds = (performance.now() - began) / 1000;
    await this.#assertMigrated();
    return seconds;
  }

  async #migrate(tool: Tool, folder: string, database: string): Promise<void> {
    const urlOf = (name: string) => databaseUrl({ ...this.#address, database: name });
    const url = urlOf(database);
    const [program, ...words] = this.#command(tool, folder, url);
    await promisify(execFile)(program, words, {
      cwd: folder,
      env: {
        ...process.env,
        ...{ DATABASE_URL: url, ROOT_DATABASE_URL: urlOf("postgres"), SHADOW_DATABASE_URL: urlOf("shadow") },
        ...{ NODE_COMPILE_CACHE: join(this.#folder, "compiled"), NODE_ENV: "production" },
      },
      maxBuffer: 1e8,
    }).catch((error: { stderr?: string }) => {
      // Its end, for Node shows the whole line of a bundle that an error comes from.
      throw new Error(`${tool} failed: ${error.stderr?.slice(-1_000)}`, { cause: error });
    });
  }

  #command(tool: Tool, folder: string, url: string): [string, ...string[]] {
    const node = process.execPath;
    switch (tool) {
      case "rehearsal":
        return [node, this.#ours, folder, url];
      case "dbmate":
        // The program itself: the package's own script would start Node before it.
        return [dbmateProgram(), "-d", "migrations", "--no-dump-schema", "migrate"];
      case "node-pg-migrate":
        return [node, scriptOf("node-pg-migrate"), "up", "-m", "migrations", "--verbose", "false"];
      case "graphile-migrate":
        return [node, scriptOf("graphile-migrate"), "migrate", "-c", join(folder, "gmrc")];
    }
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

/** The fastest of the others, by its median. */
function fastest(seconds: Record<Tool, number[]>): { tool: Tool; seconds: number } {
  const others = TOOLS.filter((tool) => tool !== "rehearsal").map((tool) => ({
    tool,
    seconds: middle(seconds[tool]),
  }));
  return others.reduce((best, other) => (other.seconds < best.seconds ? other : best));
}

function holds(seconds: Record<Tool, number[]>): boolean {
  return middle(seconds.rehearsal) < fastest(seconds).seconds;
}

function resultTable(measured: Measured): string {
  const rows = CASES.map((one) => [
    `${COUNT} migrations, ${one}`,
    ...TOOLS.map((tool) => `${middle(measured[one][tool]).toFixed(2)} s`),
    (middle(measured[one].rehearsal) / fastest(measured[one]).seconds).toFixed(2),
    holds(measured[one]) ? "yes" : "no",
  ]);
  const head = ["case", ...TOOLS, "ours to the fastest of them", "holds"];
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function section(table: string, measured: Measured, runs: number, load: [number, number]): string {
  const [began, ended] = load.map((one) => one.toFixed(1));
  const failed = CASES.filter((one) => !holds(measured[one]));
  const said =
    failed.length === 0
      ? "Faster than the fastest of them in both cases was promised, and holds."
      : `Faster than the fastest of them in both cases was promised, and does not hold: ${failed.map((one) => `${fastest(measured[one]).tool} is faster in the case "${one}"`).join(", ")}.`;
  return `Written by \`npm run bench -- migrate --runs ${runs}\`. Measured on ${describeMachine()}, Postgres without fsync; the load of the machine was ${began} at the beginning and ${ended} at the end. Medians of ${runs}, in turns. ${COUNT} migrations: ${MIGRATIONS_CONTENT}.

${table}

${said}

- Every figure is of a whole process, its start included: dbmate is a program of machine code, the others run on Node with its compile cache, ours bundled as it is deployed.
- Ours hashes every file of the project, holds it to the record of what was applied, parses and proves those that are pending, and records each; those that were applied were proved when their release was made. V8's second compilation of the parser is off in it, as in our command line. All pending files run in one transaction, as do those of node-pg-migrate. dbmate and graphile-migrate commit each one. What a promotion does before and after (backup, rehearsal on a copy, verification, fence) is no part of it.
- dbmate is called without its dump of the schema, which needs pg_dump.`;
}
