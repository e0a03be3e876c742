/** How fast a backup and a restore are, and how much memory they take, beside the tools everybody knows; all in one run, in turns. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { DatabaseAddress } from "../core/database-url.ts";
import { bundle } from "../infra/bundle.ts";
import { startOwnBucket } from "../local/own-bucket.ts";
import { type PostgresServer, startPostgres } from "../local/postgres.ts";
import type { Outcome, Task } from "./backup/child.ts";
import { limit, type Round, ratios, second } from "./backup/figures.ts";
import { backupSection, figureTable, holds, type Report } from "./backup/page.ts";
import { findInstallation, type Installation, Peers } from "./backup/peers.ts";
import { changeSome, dropWhatStandsOnRows, fillTables } from "./backup/tables.ts";
import { onDatabase, queryOn } from "./database.ts";
import { middle } from "./middle.ts";
import { writeSection } from "./page.ts";

const ROOT = join(import.meta.dirname, "..");
const BUCKET = "bench";
const SOURCE = "bench";
/** The same rows, and nothing that stands on them. */
const ROWS = "bench_rows";
/** As many as `-j2` gives the peers. */
const CONNECTIONS = 2;
const SETTINGS = { shared_buffers: "512MB", max_wal_size: "8GB", autovacuum: "off" };

/** Writes docs/performance.md from 1 GB on: less is a trial. False when a ratio is not what was wanted. */
export async function benchBackup({
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
  const installation = findInstallation();
  const { major, binaries } = installation;
  const server = await startPostgres({
    ...{ major, temporary: true, dataFolder: join(folder, "postgres"), settings: SETTINGS },
    ...(binaries === undefined ? {} : { binaries }),
  });
  const s3 = await startOwnBucket(join(folder, "s3"), BUCKET);
  try {
    await bundle({
      name: "child",
      entry: join(ROOT, "bench/backup/child.ts"),
      folder: join(folder, "child"),
    });
    const report = await measure(new Bench(server, installation, folder), gb, runs);
    console.log(
      json
        ? JSON.stringify(report, undefined, 2)
        : `${figureTable(report.figures)}\n${report.notes.join("\n")}`,
    );
    if (gb >= 1) await writeSection("Backup", backupSection(report));
    return report.figures.every(holds);
  } finally {
    await s3.stop();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(bench: Bench, gigabytes: number, runs: number): Promise<Report> {
  await bench.make(gigabytes * 1e9);
  const [began = 0] = loadavg();
  const rounds: Round[] = [];
  for (let round = 1; round <= runs; round++) rounds.push(await bench.round(round));
  const recent = await bench.following("recent", runs);
  const spread = await bench.following("spread", 1);
  const [ended = 0] = loadavg();
  const median = (of: (round: Round) => number) => middle(rounds.map(of));
  const highest = (of: (round: Round) => number) => Math.max(...rounds.map(of));
  return {
    ...{ gigabytes, runs, server: await bench.describe(), load: [began, ended] },
    rawBytes: rounds[0]?.backup.rawBytes ?? 0,
    figures: [
      ...(bench.compares ? ratios(median) : []),
      second("one row in a hundred changed, the newest", recent, median),
      limit(
        "backup, peak memory",
        highest(({ backup }) => backup.peakBytes),
      ),
      limit(
        "restore, peak memory",
        highest(({ restore }) => restore.peakBytes),
      ),
    ],
    notes: [
      ...(bench.compares
        ? [
            `pg_restore leaves statistics to \`vacuumdb --analyze-only -j2\`, which takes ${median(({ peers }) => peers?.analyze ?? 0).toFixed(2)} s more; our restore gathers them.`,
          ]
        : [
            "no installation of Postgres with pg_dump, pg_restore and psql was found under /usr/lib/postgresql: nothing was compared.",
          ]),
      `Where the rows that changed are spread, every hundredth, most ranges of pages have one: then a second backup takes ${middle(spread.map(({ seconds }) => seconds)).toFixed(2)} s, ${(middle(spread.map(({ seconds }) => seconds)) / median(({ backup }) => backup.seconds)).toFixed(2)} of the first.`,
      `Our backup also counts and hashes every row for its baseline, which no peer does. Alone that takes ${median(({ baseline }) => baseline.seconds).toFixed(2)} s here; beside the copying it takes processors from it where, as here, all share them.`,
      `Backup ${median(({ backup }) => backup.seconds).toFixed(2)} s with ${median(({ backup }) => backup.cpuSeconds).toFixed(2)} s of processor time in our process; restore ${median(({ restore }) => restore.seconds).toFixed(2)} s with ${median(({ restore }) => restore.cpuSeconds).toFixed(2)} s of processor time.`,
    ],
  };
}

class Bench {
  readonly compares: boolean;
  #address: DatabaseAddress;
  #peers: Peers | undefined;
  #installation: Installation;
  /** With our engine in `child`, bundled as it is deployed. */
  #folder: string;
  /** The prefix of the newest backup. */
  #newest = "";

  constructor(server: PostgresServer<number>, installation: Installation, folder: string) {
    this.#address = server.address;
    this.#installation = installation;
    this.#folder = folder;
    this.#peers =
      installation.tools === undefined ? undefined : new Peers(installation.tools, server.address, folder);
    this.compares = this.#peers !== undefined;
  }

  async make(bytes: number): Promise<void> {
    await this.#fresh(SOURCE);
    await fillTables({ ...this.#address, database: SOURCE }, bytes);
    await this.#query("postgres", `create database ${ROWS} template ${SOURCE}`);
    await onDatabase({ ...this.#address, database: ROWS }, dropWhatStandsOnRows);
    await this.#child("backup", ROWS, `backups/${ROWS}/`);
  }

  async describe(): Promise<string> {
    const [row] = await this.#query<{ version: string }>(
      "postgres",
      "select current_setting('server_version') as version",
    );
    const settings = Object.entries(SETTINGS).map(([name, value]) => `${name} ${value}`);
    return `Postgres ${row?.version ?? this.#installation.major} with ${settings.join(", ")}, without fsync`;
  }

  /** Ours and the peers in turns; what was slow for one was slow for its neighbours. */
  async round(number: number): Promise<Round> {
    const prefix = `backups/${number}/`;
    const peers = this.#peers;
    await this.#rest();
    const backup = await this.#child("backup", SOURCE, prefix);
    this.#newest = prefix;
    const standard = await peers?.dump(SOURCE, "standard");
    const baseline = await this.#child("baseline", SOURCE, prefix);
    const fast = await peers?.dump(SOURCE, "fast", "-Z1");
    const floor = await peers?.copyToNowhere(SOURCE, await this.#tables());
    await this.#fresh("ours");
    const restore = await this.#child("restore", "ours", prefix);
    await this.#fresh("ours");
    const rows = await this.#child("restore", "ours", `backups/${ROWS}/`);
    await this.#fresh("ours");
    if (!peers || !standard || !fast || floor === undefined) return { backup, baseline, restore, rows };
    await this.#fresh("theirs");
    await peers.restore("theirs", "standard", "--section=pre-data");
    const data = await peers.restore("theirs", "standard", "--section=data");
    await this.#fresh("theirs");
    const whole = await peers.restore("theirs", "standard");
    const analyze = await peers.analyze("theirs");
    return { backup, baseline, restore, rows, peers: { standard, fast, floor, data, whole, analyze } };
  }

  /** Rows change and a backup builds on the one before, so often. */
  async following(which: "recent" | "spread", times: number): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (let time = 1; time <= times; time++) {
      await changeSome({ ...this.#address, database: SOURCE }, which);
      await this.#rest();
      const prefix = `backups/${which}-${time}/`;
      outcomes.push(await this.#child("backup", SOURCE, prefix, this.#newest));
      this.#newest = prefix;
    }
    return outcomes;
  }

  async #child(kind: Task["kind"], database: string, prefix: string, base?: string): Promise<Outcome> {
    const address = { ...this.#address, database };
    const common = { kind, address, bucket: BUCKET, prefix, connections: CONNECTIONS };
    const task: Task = { ...common, ...(base === undefined ? {} : { base }) };
    const { stdout } = await promisify(execFile)(process.execPath, [
      join(this.#folder, "child/main.mjs"),
      JSON.stringify(task),
    ]);
    return JSON.parse(stdout) as Outcome;
  }

  async #tables(): Promise<{ name: string; pages: number }[]> {
    return this.#query(
      SOURCE,
      `select format('%I.%I', relnamespace::regnamespace, relname) as name, relpages as pages
        from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace`,
    );
  }

  /** An empty database of that name, server and kernel at rest; what the other had in the server's memory is gone, for both alike. */
  async #fresh(database: string): Promise<void> {
    for (const other of ["ours", "theirs"])
      await this.#query("postgres", `drop database if exists ${other} with (force)`);
    await this.#query("postgres", `create database ${database} template template0`);
    await this.#rest();
  }

  /** Without fsync what one has written goes to the disk half a minute later, at the cost of whoever is measured then. */
  async #rest(): Promise<void> {
    await this.#query("postgres", "checkpoint");
    await promisify(execFile)("sync");
  }

  #query<Row extends object>(database: string, text: string): Promise<Row[]> {
    return queryOn<Row>({ ...this.#address, database }, text);
  }
}
