/** How fast a tree of files becomes rows, beside `\copy` of the same rows when somebody has prepared them; and that memory stays where it is at ten times as much. */
import { execFile } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import type { DatabaseAddress } from "../core/database-url.ts";
import { openCopySession } from "../io/postgres/copy.ts";
import { startPostgres } from "../local/postgres.ts";
import { findInstallation } from "./backup/peers.ts";
import { onDatabase } from "./database.ts";
import type { Outcome } from "./import/child.ts";
import { SCHEMA, TABLES, writeRecords } from "./import/tree.ts";
import { middle } from "./middle.ts";
import { describeMachine, writeSection } from "./page.ts";

const ROOT = join(import.meta.dirname, "..");
const SETTINGS = { shared_buffers: "512MB", max_wal_size: "8GB" };
/** Records of the smaller tree for each gigabyte that was asked for; the larger has ten times as many. */
const RECORDS = 10_000;
/** How much more memory ten times the data may take. */
const FLAT = 1.5;

interface Round {
  first: Outcome;
  again: Outcome;
  copied: number;
}

/** Writes its section with three runs and more: less is a trial. False when memory is not flat. */
export async function benchImport({
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
  const { major, binaries, tools } = findInstallation();
  const server = await startPostgres({
    ...{ major, temporary: true, dataFolder: join(folder, "postgres"), settings: SETTINGS },
    ...(binaries === undefined ? {} : { binaries }),
  });
  try {
    const count = Math.max(200, Math.round(gb * RECORDS));
    const small = await writeRecords(join(folder, "small"), count);
    await writeRecords(join(folder, "large"), count * 10);
    const rounds: Round[] = [];
    for (let round = 1; round <= runs; round++) {
      const address = await fresh(server.address);
      const first = await child(address, join(folder, "small"));
      const again = await child(address, join(folder, "small"));
      const prepared = await prepare(address, folder);
      const copied = await copyBack(address, prepared, tools);
      rounds.push({ first, again, copied });
    }
    const large = await child(await fresh(server.address), join(folder, "large"));
    const report = reportOf(rounds, large, small, tools);
    console.log(json ? JSON.stringify(report, undefined, 2) : section(report));
    if (runs >= 3) await writeSection("Import of files", section(report));
    return report.growth <= FLAT;
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Report {
  machine: string;
  peer: string;
  records: number;
  rows: number;
  bytes: number;
  runs: number;
  /** Rows a second. */
  ours: number;
  again: number;
  theirs: number;
  cpuSeconds: number;
  seconds: number;
  peaks: [small: number, large: number];
  held: [small: number, large: number];
  /** The larger of both growths. */
  growth: number;
}

function reportOf(
  rounds: readonly Round[],
  large: Outcome,
  { bytes }: { bytes: number },
  tools: string | undefined,
): Report {
  const of = (read: (round: Round) => number) => middle(rounds.map(read));
  const [{ first } = { first: large }] = rounds;
  const peak = Math.max(...rounds.map((round) => round.first.peakBytes));
  const held = Math.max(...rounds.map((round) => round.first.heldBytes));
  return {
    machine: describeMachine(),
    peer: tools === undefined ? "COPY by our own protocol (no psql is installed here)" : "`psql \\copy`",
    ...{ records: first.records, rows: first.written, bytes, runs: rounds.length },
    ours: of((round) => round.first.written / round.first.seconds),
    again: of((round) => round.again.rows / round.again.seconds),
    theirs: of((round) => round.first.written / round.copied),
    seconds: of((round) => round.first.seconds),
    cpuSeconds: of((round) => round.first.cpuSeconds),
    peaks: [peak, large.peakBytes],
    held: [held, large.heldBytes],
    growth: Math.max(large.peakBytes / peak, large.heldBytes / held),
  };
}

function section(report: Report): string {
  const number = (value: number) => Math.round(value).toLocaleString("en-US");
  const mb = (value: number) => `${Math.round(value / 2 ** 20)} MB`;
  return `${report.machine}. ${number(report.records)} records of three documents each, ${mb(report.bytes)} of JSON, become ${number(report.rows)} rows of four tables; the middle of ${report.runs} runs. The peer is given the same rows in files of COPY's text, made from what was imported, into the same empty tables with their keys and foreign keys: nobody has read, checked or matched anything for it.

| what                                        | rows per second | beside the peer |
| ------------------------------------------- | --------------: | --------------: |
| import of the tree                          | ${number(report.ours)} | ${(report.ours / report.theirs).toFixed(2)} |
| the same again, which finds all and writes nothing | ${number(report.again)} | ${(report.again / report.theirs).toFixed(2)} |
| ${report.peer} of the prepared rows | ${number(report.theirs)} | 1 |

An import takes ${report.seconds.toFixed(2)} s, ${report.cpuSeconds.toFixed(2)} s of processor time in our process. Its memory is ${mb(report.peaks[0])} at most, of which ${mb(report.held[0])} are held once the collector has been there; with ten times the records it is ${mb(report.peaks[1])} and ${mb(report.held[1])}.`;
}

async function child(address: DatabaseAddress, folder: string): Promise<Outcome> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    // Without a limit the collector lets young objects lie in ever more room, and that would be measured. A limit on all of the
    // heap would not do: that room counts as well, and once it is as large, the collector does nothing else any more.
    "--max-semi-space-size=8",
    join(import.meta.dirname, "import/child.ts"),
    JSON.stringify({ address, folder }),
  ]);
  return JSON.parse(stdout) as Outcome;
}

/** An empty database with the tables. */
async function fresh(server: DatabaseAddress): Promise<DatabaseAddress> {
  await onDatabase(server, async (session) => {
    await session.execute("drop database if exists imported with (force)");
    await session.execute("create database imported template template0");
    await session.execute("checkpoint");
  });
  const address = { ...server, database: "imported" };
  await onDatabase(address, (session) => session.execute(`set search_path = public; ${SCHEMA}`));
  return address;
}

/** The rows as files of COPY's text; the tables are empty then. */
async function prepare(address: DatabaseAddress, folder: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const session = await openCopySession(address, { application: "bench" });
  try {
    for (const table of TABLES) {
      const path = join(folder, `${table}.copy`);
      await pipeline(session.copyOut(`copy public.${table} to stdout`), createWriteStream(path));
      files.set(table, path);
    }
    await session.execute(`truncate ${TABLES.map((table) => `public.${table}`).join(", ")}; checkpoint`);
  } finally {
    await session.close();
  }
  return files;
}

/** Seconds that the peer takes, one table after the other. */
async function copyBack(
  address: DatabaseAddress,
  files: ReadonlyMap<string, string>,
  tools: string | undefined,
): Promise<number> {
  const began = performance.now();
  if (tools === undefined) {
    const session = await openCopySession(address, { application: "bench" });
    try {
      for (const [table, path] of files)
        await session.copyIn(
          `copy public.${table} from stdin`,
          (await open(path)).createReadStream({ highWaterMark: 256 * 1024 }),
        );
    } finally {
      await session.close();
    }
  } else
    await promisify(execFile)(
      join(tools, "psql"),
      [
        "-q",
        "-v",
        "ON_ERROR_STOP=1",
        ...[...files].flatMap(([table, path]) => ["-c", `\\copy public.${table} from '${path}'`]),
        address.database,
      ],
      {
        env: {
          ...{ PGHOST: address.host, PGPORT: String(address.port), PGUSER: address.user },
          ...{ PGPASSWORD: address.password ?? "", PATH: process.env.PATH },
        },
      },
    );
  return (performance.now() - began) / 1000;
}
