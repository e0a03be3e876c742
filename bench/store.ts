/** How fast a database becomes a store and a store a database, beside COPY of the same rows as CSV in the same run; that memory stays where it is at ten times as much; and what the backends do in a second. */
import { execFile } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, open, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import type { DatabaseAddress } from "../core/database-url.ts";
import { openCopySession } from "../io/postgres/copy.ts";
import { KEY_BYTES } from "../io/store/move/key-numbers.ts";
import { MAJORS, startPostgres } from "../local/postgres.ts";
import { middle } from "./middle.ts";
import { describeMachine, writeSection } from "./page.ts";
import { makeChats, TABLES } from "./store/chats.ts";
import type { MoveOutcome, MoveTask } from "./store/child.ts";
import { measureOps, type Ops, opsTable } from "./store/ops.ts";

const ROOT = join(import.meta.dirname, "..");
const SETTINGS = { shared_buffers: "512MB", max_wal_size: "8GB" };
/** Messages of the smaller database for each gigabyte that was asked for; the larger one has ten times as many. */
const MESSAGES = 1_000_000;
/** How much more memory ten times the data may take. */
const FLAT = 1.5;

const PARTS = ["export", "verify", "import"] as const;
type Part = (typeof PARTS)[number];

interface Round {
  parts: Record<Part, MoveOutcome>;
  /** Seconds, and bytes of CSV. */
  out: number;
  in: number;
  csv: number;
}

/** Writes its section with three runs and more: less is a trial. False when memory is not flat. */
export async function benchStore({
  json,
  gb,
  runs,
}: {
  json: boolean;
  gb: number;
  runs: number;
}): Promise<boolean> {
  await mkdir(join(ROOT, ".rehearsal"), { recursive: true });
  const folder = await mkdtemp(join(ROOT, ".rehearsal/bench-"));
  const server = await startPostgres({
    ...{
      major: MAJORS.at(-1) ?? 18,
      temporary: true,
      dataFolder: join(folder, "postgres"),
      settings: SETTINGS,
    },
  });
  try {
    const messages = Math.max(2_000, Math.round(gb * MESSAGES));
    const rounds: Round[] = [];
    for (let round = 1; round <= runs; round++) rounds.push(await measure(server.address, folder, messages));
    const large = await move(server.address, folder, messages * 10);
    const ops: Ops[] = [];
    for (let round = 1; round <= runs; round++) ops.push(await measureOps(server.address, folder));
    const report = reportOf(rounds, large, messages, ops);
    console.log(json ? JSON.stringify(report, undefined, 2) : section(report));
    if (runs >= 3) await writeSection("A store of files", section(report));
    return report.growth <= FLAT;
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(server: DatabaseAddress, folder: string, messages: number): Promise<Round> {
  const parts = await move(server, folder, messages);
  const { address: full } = await makeChats(server, "chats", messages);
  const files = join(folder, "csv");
  await mkdir(files, { recursive: true });
  const out = await timed(full, async (copy, table) => {
    const source = copy.copyOut(`copy public.${table} to stdout (format csv)`, { reuse: false });
    await pipeline(source, createWriteStream(join(files, table)));
  });
  const { address: empty } = await makeChats(server, "again", 0);
  const back = await timed(empty, async (copy, table) => {
    const file = await open(join(files, table));
    await copy.copyIn(
      `copy public.${table} from stdin (format csv)`,
      file.createReadStream({ highWaterMark: 256 * 1024 }),
    );
  });
  let csv = 0;
  for (const table of TABLES) csv += (await stat(join(files, table))).size;
  await rm(files, { recursive: true });
  return { parts, out, in: back, csv };
}

/** Out of a database, compared, and into an empty one. */
async function move(server: DatabaseAddress, folder: string, messages: number): Promise<Round["parts"]> {
  const store = join(folder, "store");
  await mkdir(store, { recursive: true });
  const from = await makeChats(server, "chats", messages);
  const to = await makeChats(server, "again", 0);
  const about = { ...from, folder: store };
  const parts = {
    export: await child({ ...about, what: "export" }),
    verify: await child({ ...about, what: "verify" }),
    import: await child({ ...about, what: "import", address: to.address }),
  };
  await rm(store, { recursive: true });
  return parts;
}

async function child(task: MoveTask): Promise<MoveOutcome> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    // Without a limit the collector lets young objects lie in ever more room, and that would be measured.
    "--max-semi-space-size=8",
    join(import.meta.dirname, "store/child.ts"),
    JSON.stringify(task),
  ]);
  return JSON.parse(stdout) as MoveOutcome;
}

type CopySession = Awaited<ReturnType<typeof openCopySession>>;

/** Seconds that it takes for all tables, one after the other. */
async function timed(
  address: DatabaseAddress,
  work: (copy: CopySession, table: string) => Promise<void>,
): Promise<number> {
  const copy = await openCopySession(address, { application: "bench" });
  try {
    const began = performance.now();
    for (const table of TABLES) await work(copy, table);
    return (performance.now() - began) / 1000;
  } finally {
    await copy.close();
  }
}

interface Report {
  machine: string;
  rows: number;
  csvBytes: number;
  runs: number;
  /** Of CSV, by the second. */
  rates: Record<Part | "out" | "in", number>;
  cpuSeconds: Record<Part, number>;
  /** The most memory, with as much and with ten times as much. */
  peaks: Record<Part, [small: number, large: number]>;
  held: Record<Part, [small: number, large: number]>;
  /** The largest of what is held. */
  growth: number;
  ops: Ops[];
}

function reportOf(rounds: readonly Round[], large: Round["parts"], messages: number, ops: Ops[]): Report {
  const of = (read: (round: Round) => number) => middle(rounds.map(read));
  const each = <T>(read: (part: Part) => T) =>
    Object.fromEntries(PARTS.map((part) => [part, read(part)])) as Record<Part, T>;
  const most = (part: Part, field: "peakBytes" | "heldBytes"): [number, number] => [
    Math.max(...rounds.map(({ parts }) => parts[part][field])),
    large[part][field],
  ];
  const held = each((part) => most(part, "heldBytes"));
  const rows = rounds[0]?.parts.export.rows ?? messages;
  // A verification remembers the rows' keys, up to a size that is set: they are meant to grow, and nothing beside them.
  const keys = { export: 0, verify: (large.verify.rows - rows) * KEY_BYTES, import: 0 };
  return {
    machine: describeMachine(),
    ops,
    rows,
    csvBytes: of(({ csv }) => csv),
    runs: rounds.length,
    rates: {
      ...each((part) => of(({ parts, csv }) => csv / parts[part].seconds)),
      out: of((round) => round.csv / round.out),
      in: of((round) => round.csv / round.in),
    },
    cpuSeconds: each((part) => of(({ parts }) => parts[part].cpuSeconds)),
    peaks: each((part) => most(part, "peakBytes")),
    held,
    // What is less than this is the program itself.
    growth: Math.max(
      ...PARTS.map((part) => (held[part][1] - keys[part]) / Math.max(held[part][0], 32 * 2 ** 20)),
    ),
  };
}

function section({ machine, rows, csvBytes, runs, rates, cpuSeconds, peaks, held, ops }: Report): string {
  const mb = (bytes: number) => (bytes / 2 ** 20).toFixed(bytes < 2 ** 24 ? 1 : 0);
  const line = (what: string, rate: number, peer: number, part?: Part) =>
    `| ${what} | ${mb(rate)} | ${(rate / peer).toFixed(2)} | ${part === undefined ? "" : cpuSeconds[part].toFixed(1)} | ${part === undefined ? "" : peaks[part].map(mb).join(" → ")} | ${part === undefined ? "" : held[part].map(mb).join(" → ")} |`;
  return `${machine}. ${rows.toLocaleString("en-US")} rows of three tables, ${mb(csvBytes)} MB as CSV, go to files in a folder, a file for each hundred messages; both are compared; and the files become a database again, with its keys, foreign keys and an index. All rates are MB of CSV by the second, so that they can be compared; the middle of ${runs} runs. The peer is COPY of the same tables as CSV, by our own protocol, in the same run: it reads and writes texts, and proves nothing. Memory is of our process: the most, and what is held behind a collection; with these rows, and with ten times as many.

| what | MB/s | beside COPY | processor, s | memory, MB | held, MB |
| ---- | ---: | ----------: | -----------: | ---------: | -------: |
${line("export", rates.export, rates.out, "export")}
${line("`COPY … TO` as CSV", rates.out, rates.out)}
${line("verify, both sides", rates.verify, rates.out, "verify")}
${line("import, compared before its commit", rates.import, rates.in, "import")}
${line("`COPY … FROM` as CSV", rates.in, rates.in)}

What an application's store does in a second, of 10,000 messages in 100 chats: one caller, who waits for each answer. The server is without fsync; folder and bucket are with it, and the bucket is the local endpoint, so that no network is between.

${opsTable(ops)}`;
}
