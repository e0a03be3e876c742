/** How long the safety analysis of 5,000 statements takes, beside squawk, both as commands over the same files in the same run. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { bundle } from "../infra/bundle.ts";
import { FILES, lintedFiles, STATEMENTS } from "./lint/files.ts";
import { middle } from "./middle.ts";
import { describeMachine, writeSection } from "./page.ts";

const ROOT = join(import.meta.dirname, "..");
const TOOLS = ["rehearsal", "squawk"] as const;
type Tool = (typeof TOOLS)[number];

interface Round {
  seconds: number;
  findings: number;
}

type Measured = Record<Tool, Round[]>;

/** Prints the seconds and the ratio, and writes its part of docs/performance.md from three runs on. False when one of them found nothing. */
export async function benchLint({ json, runs }: { json: boolean; runs: number }): Promise<boolean> {
  await mkdir(join(ROOT, ".rehearsal"), { recursive: true });
  const folder = await mkdtemp(join(ROOT, ".rehearsal/bench-lint-"));
  try {
    const program = await bundle({
      name: "lint",
      entry: join(ROOT, "cli/main.ts"),
      folder: join(folder, "bundle"),
    });
    const project = join(folder, "project");
    const paths = await writeProject(project);
    const measured: Measured = { rehearsal: [], squawk: [] };
    // The first round warms the disk, and Node's cache of compiled code.
    for (let round = 0; round <= runs; round++)
      for (const tool of TOOLS) {
        const one = await timed(tool, project, paths, join(program.folder, "main.mjs"));
        if (round > 0) measured[tool].push(one);
      }
    const table = resultTable(measured);
    console.log(json ? JSON.stringify(measured, undefined, 2) : table);
    if (runs >= 3) await writeSection("Lint", section(table, runs));
    return TOOLS.every((tool) => measured[tool].every(({ findings }) => findings > 0));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeProject(project: string): Promise<string[]> {
  await mkdir(join(project, "migrations"), { recursive: true });
  await writeFile(join(project, "rehearsal.yaml"), "project: bench\n");
  const paths: string[] = [];
  for (const { path, sql } of lintedFiles()) {
    await writeFile(join(project, path), sql);
    paths.push(path);
  }
  return paths;
}

/** One command from start to end; both tell their findings as JSON, and exit with 1 for them. */
async function timed(tool: Tool, folder: string, paths: readonly string[], ours: string): Promise<Round> {
  const [program, words] =
    tool === "rehearsal"
      ? [process.execPath, [ours, "lint", "--all", "--json"]]
      : [squawkProgram(), ["--reporter", "json", ...paths]];
  const started = performance.now();
  const out = await output(program, words, folder);
  const seconds = (performance.now() - started) / 1000;
  const told: unknown = JSON.parse(out);
  const findings = Array.isArray(told) ? told : (told as { findings: unknown[] }).findings;
  return { seconds, findings: findings.length };
}

function output(program: string, words: readonly string[], folder: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, "../compiled") };
    execFile(program, words, { cwd: folder, env, maxBuffer: 1e9 }, (error, stdout, stderr) => {
      if (error !== null && stdout === "")
        reject(new Error(`it failed: ${stderr.slice(-1_000)}`, { cause: error }));
      else resolve(stdout);
    });
  });
}

/** The program itself: the package's own script would start Node before it. */
function squawkProgram(): string {
  const home = dirname(createRequire(import.meta.url).resolve("squawk-cli/package.json"));
  const own = `@squawk-cli/${process.platform}-${process.arch}/package.json`;
  return join(dirname(createRequire(join(home, "package.json")).resolve(own)), "bin/squawk");
}

function resultTable(measured: Measured): string {
  const seconds = (tool: Tool) => middle(measured[tool].map((round) => round.seconds));
  const head = ["", ...TOOLS, "rehearsal to squawk"];
  const rows = [
    [
      `seconds for ${STATEMENTS.toLocaleString("en-US")} statements in ${FILES} files`,
      ...TOOLS.map((tool) => `${seconds(tool).toFixed(2)} s`),
      (seconds("rehearsal") / seconds("squawk")).toFixed(2),
    ],
    ["findings", ...TOOLS.map((tool) => String(measured[tool][0]?.findings ?? 0)), ""],
  ];
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function section(table: string, runs: number): string {
  return `\`npm run bench -- lint --runs ${runs}\`, on ${describeMachine()}: the middle of ${runs} rounds in turns after one to warm up. Both are whole commands that read the files, and tell what they found as JSON; squawk as the program itself, ours as one file run by Node.

${table}

squawk reads each file alone, with a parser of its own in Rust. Rehearsal reads the sequence with Postgres's own parser, and knows at each statement what the ones before made: so it finds nothing to say of a table that is new, and squawk does.`;
}
