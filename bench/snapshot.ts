/** How fast the shape of a database of 1,000 tables is read and its fingerprint taken, beside `pg_dump -s`; all in one run, in turns. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { DatabaseAddress } from "../core/database-url.ts";
import { fingerprint } from "../core/shape.ts";
import { dumpSchema } from "../io/postgres/dump/index.ts";
import { readShape } from "../io/postgres/shape.ts";
import { MAJORS, startPostgres } from "../local/postgres.ts";
import { findProgram } from "./backup/peers.ts";
import { onDatabase, queryOn } from "./database.ts";
import { middle } from "./middle.ts";
import { describeMachine, writeSection } from "./page.ts";
import { makeSchema, SCHEMA_CONTENT } from "./snapshot/schema.ts";

const ROOT = join(import.meta.dirname, "..");
const DATABASE = "bench";
const TABLES = 1_000;
/** How many times faster than pg_dump it is to be. */
const WANTED = 5;

interface Round {
  /** Seconds from the first byte of the connection to the fingerprint. */
  ours: number;
  /** Processor time of our process in it. */
  clientCpu: number;
  theirs: number;
}

interface Measured {
  rounds: Round[];
  objects: number;
  /** Who the peer was. */
  peer: string;
  load: [number, number];
}

/** Writes its part of docs/performance.md from three runs on. False when it is not as much faster as promised. */
export async function benchSnapshot({ json, runs }: { json: boolean; runs: number }): Promise<boolean> {
  await mkdir(join(ROOT, ".rehearsal"), { recursive: true });
  const folder = await mkdtemp(join(ROOT, ".rehearsal/bench-"));
  const major = MAJORS.at(-1) ?? 18;
  const server = await startPostgres({ major, temporary: true, dataFolder: join(folder, "postgres") });
  try {
    await queryOn(server.address, `create database ${DATABASE} template template0`);
    const address = { ...server.address, database: DATABASE };
    await makeSchema(address, TABLES);
    const measured = await measure(address, findProgram("pg_dump", major), runs);
    const table = resultTable(measured);
    console.log(json ? JSON.stringify(measured, undefined, 2) : `${table}\n${measured.peer}`);
    if (runs >= 3) await writeSection("Shape", section(table, measured, runs));
    return ratio(measured) >= WANTED;
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(
  address: DatabaseAddress,
  program: string | undefined,
  runs: number,
): Promise<Measured> {
  const peer =
    program === undefined
      ? "pg_dump as WebAssembly, the one that Rehearsal carries: no native one of this server's version was found"
      : `the native ${program}`;
  const [began = 0] = loadavg();
  // One of each that does not count: the first reads the catalogs into memory, and compiles ours.
  let objects = await readOurs(address).then(({ count }) => count);
  await readTheirs(address, program);
  const rounds: Round[] = [];
  for (let round = 1; round <= runs; round++) {
    const { seconds, cpu, count } = await readOurs(address);
    objects = count;
    rounds.push({ ours: seconds, clientCpu: cpu, theirs: await readTheirs(address, program) });
  }
  const [ended = 0] = loadavg();
  return { rounds, objects, peer, load: [began, ended] };
}

/** A new session each time: what a session has looked up once it does not look up again. */
async function readOurs(address: DatabaseAddress): Promise<{ seconds: number; cpu: number; count: number }> {
  const began = performance.now();
  const before = process.cpuUsage();
  return onDatabase(address, async (session) => {
    const shape = await readShape(session);
    fingerprint(shape);
    const seconds = (performance.now() - began) / 1000;
    const { user, system } = process.cpuUsage(before);
    return { seconds, cpu: (user + system) / 1e6, count: Object.keys(shape.objects).length };
  });
}

async function readTheirs(address: DatabaseAddress, program: string | undefined): Promise<number> {
  const began = performance.now();
  if (program === undefined) await dumpSchema(address, { application: "bench" });
  else
    await promisify(execFile)(program, ["-s", "-f", "/dev/null", address.database], {
      env: {
        ...process.env,
        ...{ PGHOST: address.host, PGPORT: String(address.port), PGUSER: address.user },
        PGPASSWORD: address.password ?? "",
      },
    });
  return (performance.now() - began) / 1000;
}

function ratio({ rounds }: Measured): number {
  return middle(rounds.map(({ theirs }) => theirs)) / middle(rounds.map(({ ours }) => ours));
}

function resultTable(measured: Measured): string {
  const { rounds, objects } = measured;
  const seconds = (of: (round: Round) => number) => `${middle(rounds.map(of)).toFixed(2)} s`;
  const row = [
    `${TABLES} tables, ${objects} objects`,
    seconds(({ ours }) => ours),
    seconds(({ theirs }) => theirs),
    `${ratio(measured).toFixed(1)} times faster`,
    `${WANTED} times`,
    ratio(measured) >= WANTED ? "yes" : "no",
  ];
  const head = [
    "database",
    "ours, with the fingerprint",
    "pg_dump -s",
    "ours is",
    "wanted, at least",
    "holds",
  ];
  return [head, head.map(() => "---"), row].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function section(table: string, measured: Measured, runs: number): string {
  const [began, ended] = measured.load.map((one) => one.toFixed(1));
  const cpu = middle(measured.rounds.map(({ clientCpu }) => clientCpu)).toFixed(2);
  const holds = ratio(measured) >= WANTED;
  return `Written by \`npm run bench -- snapshot --runs ${runs}\`. Measured on ${describeMachine()}; the load of the machine was ${began} at the beginning and ${ended} at the end. Medians of ${runs}, in turns, each with a new connection, which counts. ${TABLES} tables: ${SCHEMA_CONTENT}.

${table}

- The peer is ${measured.peer}.
- ${holds ? `At least ${WANTED} times faster was promised, and holds.` : `At least ${WANTED} times faster was promised, and does not hold.`} Our process takes ${cpu} s of processor time; the server's is not in that.`;
}
