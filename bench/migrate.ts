/** How long 500 small migrations take, and one pending of 500, beside the tools that apply migrations; all in one run, in turns. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { bundle } from "../infra/bundle.ts";
import { MAJORS, startPostgres } from "../local/postgres.ts";
import { middle } from "./middle.ts";
import { MIGRATIONS_CONTENT, TOOLS, type Tool } from "./migrate/folders.ts";
import { CASES, type Case, COUNT, Tools } from "./migrate/tools.ts";
import { describeMachine, writeSection } from "./page.ts";

const ROOT = join(import.meta.dirname, "..");
const OTHERS = TOOLS.filter((tool) => tool !== "rehearsal");

/** Seconds of each round. */
interface Measured {
  whole: Record<Case, Record<Tool, number[]>>;
  start: Record<Tool, number[]>;
  /** Ours alone. */
  staying: Record<Case, number[]>;
}

/** What is held against what, in a case. */
interface Comparison {
  one: Case;
  measure: keyof typeof MEASURES;
  /** Medians. */
  seconds: Record<Tool, number>;
}

/** The measures, with what their figures are. */
const MEASURES = {
  "whole process": "the tool's process from its start to its end",
  "without its start":
    "the same, less what the tool's process takes that does nothing, measured in the same rounds",
  "ours in a process that stays":
    "ours as a service applies: its second work in one process, by a connection of its own; the others as in the row above",
} as const;

/** Writes its part of docs/performance.md from three runs on. False when ours, as a whole process, is not the fastest in both cases. */
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
    const measured = await measure(new Tools(server.address, folder, join(ours, "main.mjs")), runs);
    const [ended = 0] = loadavg();
    const compared = comparisonsOf(measured);
    const table = resultTable(compared, measured);
    console.log(json ? JSON.stringify(measured, undefined, 2) : table);
    if (runs >= 3) await writeSection("Migrations", section(table, compared, runs, [began, ended]));
    return compared.every((one) => one.measure !== "whole process" || holds(one));
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(tools: Tools, runs: number): Promise<Measured> {
  const none = () => Object.fromEntries(TOOLS.map((tool) => [tool, []])) as unknown as Record<Tool, number[]>;
  const measured: Measured = {
    whole: { "from an empty database": none(), "one pending": none() },
    start: none(),
    staying: { "from an empty database": [], "one pending": [] },
  };
  for (const tool of TOOLS) {
    await tools.prepare(tool);
    // Once for nothing: what a tool keeps of its code between its runs is there after.
    await tools.start(tool);
  }
  for (let round = 1; round <= runs; round++) {
    for (const tool of TOOLS) measured.start[tool].push(await tools.start(tool));
    for (const one of CASES) {
      for (const tool of TOOLS) measured.whole[one][tool].push(await tools.whole(tool, one));
      measured.staying[one].push(await tools.staying(one));
    }
  }
  return measured;
}

function comparisonsOf({ whole, start, staying }: Measured): Comparison[] {
  const each = (secondsOf: (tool: Tool) => number) =>
    Object.fromEntries(TOOLS.map((tool) => [tool, secondsOf(tool)])) as Record<Tool, number>;
  return CASES.flatMap((one): Comparison[] => {
    const all = each((tool) => middle(whole[one][tool]));
    const work = each((tool) => all[tool] - middle(start[tool]));
    return [
      { one, measure: "whole process", seconds: all },
      { one, measure: "without its start", seconds: work },
      {
        ...{ one, measure: "ours in a process that stays" },
        seconds: { ...work, rehearsal: middle(staying[one]) },
      },
    ];
  });
}

/** The fastest of the others. */
function fastest(seconds: Record<Tool, number>): { tool: Tool; seconds: number } {
  return OTHERS.map((tool) => ({ tool, seconds: seconds[tool] })).reduce((best, other) =>
    other.seconds < best.seconds ? other : best,
  );
}

function holds({ seconds }: Comparison): boolean {
  return seconds.rehearsal < fastest(seconds).seconds;
}

function resultTable(compared: readonly Comparison[], { start }: Measured): string {
  const cells = (seconds: Record<Tool, number>) => TOOLS.map((tool) => `${seconds[tool].toFixed(3)} s`);
  const rows = compared.map((one) => [
    `${COUNT} migrations, ${one.one}`,
    one.measure,
    ...cells(one.seconds),
    (one.seconds.rehearsal / fastest(one.seconds).seconds).toFixed(2),
    holds(one) ? "yes" : "no",
  ]);
  const started = Object.fromEntries(TOOLS.map((tool) => [tool, middle(start[tool])])) as Record<
    Tool,
    number
  >;
  const nothing = ["nothing", "a process that does nothing", ...cells(started), "", ""];
  const head = ["case", "measured", ...TOOLS, "ours to the fastest of them", "holds"];
  return [head, head.map(() => "---"), ...rows, nothing].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** One measure in words: where it holds and where not, and against whom. */
function verdict(measure: Comparison["measure"], compared: readonly Comparison[]): string {
  const told = compared
    .filter((one) => one.measure === measure)
    .map((one) => {
      const other = fastest(one.seconds).tool;
      return `"${one.one}" it ${holds(one) ? `holds (${other} is the next)` : `does not hold (${other} is faster)`}`;
    });
  return `- **${measure[0]?.toUpperCase()}${measure.slice(1)}** (${MEASURES[measure]}): in the case ${told.join(", in the case ")}.`;
}

function section(
  table: string,
  compared: readonly Comparison[],
  runs: number,
  load: [number, number],
): string {
  const [began, ended] = load.map((one) => one.toFixed(1));
  const verdicts = (Object.keys(MEASURES) as Comparison["measure"][]).map((one) => verdict(one, compared));
  return `Written by \`npm run bench -- migrate --runs ${runs}\`. Measured on ${describeMachine()}, Postgres without fsync; the load of the machine was ${began} at the beginning and ${ended} at the end. Medians of ${runs}, in turns. ${COUNT} migrations: ${MIGRATIONS_CONTENT}.

${table}

Faster than the fastest of them in both cases was promised; of each measure:

${verdicts.join("\n")}

What the figures are:

- dbmate is a program of machine code, the others run on Node with its compile cache, ours bundled as it is deployed. A process that does nothing says its version (\`--version\`), which may read less of a tool than its work needs; ours loads all that it needs for its work.
- A service applies a release in a process that runs already, so its start is no part of a migration there; dbmate, node-pg-migrate and graphile-migrate are started for each. The process that stays has applied 499 migrations to another database before, and nothing else.
- Ours hashes every file of the project, holds it to the record of what was applied, parses and proves those that are pending, and records each; those that were applied were proved when their release was made. V8's second compilation of the parser is off in it, as in our command line. All pending files run in one transaction, as do those of node-pg-migrate. dbmate and graphile-migrate commit each one. What a promotion does before and after (backup, rehearsal on a copy, verification, fence) is no part of it.
- dbmate is called without its dump of the schema, which needs pg_dump.`;
}
