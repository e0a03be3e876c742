/** How long the API's bundle takes from nothing to its first byte, beside a bare Hono bundle made and run the same way. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { bundle } from "../infra/bundle.ts";
import { MODULES } from "../workflows/modules.ts";
import { requestEvent } from "./api/load.ts";
import { coldStart } from "./cold-start/probe.ts";
import { middle } from "./middle.ts";
import { describeMachine, writeSection } from "./page.ts";

const ROOT = join(import.meta.dirname, "..");
/** Processes of each kind in a run. */
const STARTS = 20;
/** What health of the API may take, as a multiple of what it takes with Hono alone. */
const WANTED = 2;

const KINDS = {
  "a bare Hono bundle: GET /health": { bundle: "bare", path: "/health", status: 200 },
  "the API: GET /health": { bundle: "api", path: "/health", status: 200 },
  "the API: GET /promotions, refused": { bundle: "api", path: "/promotions", status: 401 },
} as const;

type Kind = keyof typeof KINDS;

interface Row {
  /** Milliseconds, the middle of all starts. */
  imported: number;
  answered: number;
  /** Of each start, both together. */
  firstByte: number;
  /** To the bare bundle's. */
  ratio: number;
  /** Bytes of code read until the answer. */
  bytes: number;
}

/** Prints the figures and writes its part of docs/performance.md from three runs on; false when health takes too long. */
export async function benchColdStart({ json, runs }: { json: boolean; runs: number }): Promise<boolean> {
  await mkdir(join(ROOT, ".rehearsal"), { recursive: true });
  const folder = await mkdtemp(join(ROOT, ".rehearsal/bench-cold-start-"));
  try {
    const entries = { bare: "bench/cold-start/bare.ts", api: `functions/${MODULES.api}` };
    for (const [name, entry] of Object.entries(entries))
      await bundle({ name, entry, folder: join(folder, name) });
    const before = loadavg()[0] ?? 0;
    const rows = await measure(folder, runs * STARTS);
    console.log(json ? JSON.stringify(rows, undefined, 2) : table(rows));
    if (runs >= 3) await writeSection("Cold start", section(rows, runs * STARTS, before));
    return rows["the API: GET /health"].ratio <= WANTED;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(folder: string, starts: number): Promise<Record<Kind, Row>> {
  const kinds = Object.keys(KINDS) as Kind[];
  const start = async (kind: Kind, count = false) => {
    const { bundle, path, status } = KINDS[kind];
    const one = await coldStart(join(folder, bundle, "main.mjs"), requestEvent(path, ""), { count });
    if (one.status !== status) throw new Error(`${kind} answered ${one.status}`);
    return one;
  };
  const measured = new Map(kinds.map((kind) => [kind, [] as Awaited<ReturnType<typeof start>>[]]));
  // In turns, each kind once as the first: whatever else the machine does falls on all of them.
  for (let round = 0; round < starts; round++)
    for (const kind of kinds.toSorted((a, b) => ((order(a) + round) % 3) - ((order(b) + round) % 3)))
      measured.get(kind)?.push(await start(kind));
  const rows = new Map<Kind, Omit<Row, "ratio">>();
  for (const [kind, all] of measured)
    rows.set(kind, {
      imported: middle(all.map(({ imported }) => imported)),
      answered: middle(all.map(({ answered }) => answered)),
      firstByte: middle(all.map(({ imported, answered }) => imported + answered)),
      bytes: (await start(kind, true)).bytes,
    });
  const bare = rows.get("a bare Hono bundle: GET /health")?.firstByte ?? Number.NaN;
  return Object.fromEntries(
    [...rows].map(([kind, row]) => [kind, { ...row, ratio: row.firstByte / bare }]),
  ) as Record<Kind, Row>;
}

const order = (kind: Kind) => Object.keys(KINDS).indexOf(kind);

function table(rows: Record<Kind, Row>): string {
  const cells = Object.entries(rows).map(([kind, row]) =>
    [
      kind,
      row.imported.toFixed(1),
      row.answered.toFixed(1),
      row.firstByte.toFixed(1),
      row.ratio.toFixed(2),
      (row.bytes / 1_000).toFixed(1),
    ].join(" | "),
  );
  return [
    "| | import (ms) | first request (ms) | to first byte (ms) | to the bare bundle's | code read (kB) |",
    "| --- | --: | --: | --: | --: | --: |",
    ...cells.map((one) => `| ${one} |`),
  ].join("\n");
}

function section(rows: Record<Kind, Row>, starts: number, before: number): string {
  const after = loadavg()[0] ?? 0;
  const { ratio } = rows["the API: GET /health"];
  return `\`npm run bench -- cold-start --runs ${starts / STARTS}\`, on ${describeMachine()}: the middle of ${starts} fresh processes of each kind, in turns, without a compile cache, the files in the machine's memory; Node's own start is not in it. An event as API Gateway hands it on goes through the handler. The load of the machine was ${before.toFixed(1)} at the beginning and ${after.toFixed(1)} at the end.

${table(rows)}

To the first byte of \`GET /health\` at most ${WANTED.toFixed(1)} of what a bare Hono bundle takes was wanted: ${ratio.toFixed(2)}, which ${ratio <= WANTED ? "holds" : "does not hold"}. Health waits for nothing, so it reads only the front; the refusal has read the doors, the driver and the routes of promotions, as every first request for a part of the API does.`;
}
