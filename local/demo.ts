/**
 * `npm run demo`: a production is filled, promoted, refused a broken release, and taken back from one that fails after
 * COMMIT, all on a real Postgres and with the commands a user would type. `--keep` leaves the stack up at the end.
 */
import { spawn } from "node:child_process";
import { cp, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compareBaselines, totalRows } from "../core/baseline.ts";
import { type DatabaseAddress, databaseUrl } from "../core/database-url.ts";
import { fingerprint } from "../core/shape.ts";
import { fillProduction } from "../examples/narralytica/generate.ts";
import { readBaseline } from "../io/postgres/baseline.ts";
import { openSession } from "../io/postgres/session.ts";
import { readShape } from "../io/postgres/shape.ts";
import { type Stack, startStack } from "./stack.ts";

const SEGMENTS = 200_000;
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const EXAMPLE = join(ROOT, "examples/narralytica");
const FOLDER = join(ROOT, ".rehearsal/demo");
const PROJECT = join(FOLDER, "narralytica");

const { values: flags } = parseArgs({ options: { keep: { type: "boolean", default: false } } });
const started = performance.now();
let stack: Stack | undefined;
let smoke: SmokeTest | undefined;
let stopping: Promise<void> | undefined;

process.on("SIGINT", () => void stop().then(() => process.exit(130)));
process.on("SIGTERM", () => void stop().then(() => process.exit(143)));

try {
  await play();
  if (flags.keep) await keep();
} catch (error) {
  process.stderr.write(
    `\nThe demo did not go as it should: ${error instanceof Error ? error.message : error}\n`,
  );
  process.exitCode ??= 1;
} finally {
  await stop();
}
process.exit();

async function play(): Promise<void> {
  say("A service on this machine: Postgres, S3, Step Functions, the functions themselves");
  // What an earlier demo left, kept or cut off, is not gone on with: each begins anew.
  await rm(FOLDER, { recursive: true, force: true });
  stack = await startStack({ folder: join(FOLDER, "stack"), onLog: () => undefined });
  smoke = await startSmokeTest();
  const production = await makeProduction(stack, smoke);
  tell(
    `the service answers at ${stack.url}; production is ${production.database} on port ${production.port}`,
  );

  say("Release 1 goes onto an empty production, which then fills with a generated video library");
  await layOut();
  await rehearsal(["promote", "prod", "--watch"], 0);
  const session = await openSession(production, { application: "demo" });
  await fillProduction(session, { segments: SEGMENTS });
  await session.close();
  tell(`production holds ${(await contentOf(production)).rows.toLocaleString("en")} rows`);

  say("Release 2 adds speakers: what would run, then the promotion, then the rehearsal's report");
  await layOut("2-speakers");
  await rehearsal(["plan", "prod"], 3);
  await rehearsal(["promote", "prod", "--watch"], 0);
  await rehearsal(["report", await newestPromotion()], 0);

  say("Release 3 breaks on real data: the rehearsal finds out, and production is not touched");
  const before = await contentOf(production);
  await layOut("2-speakers", "3-broken");
  await rehearsal(["promote", "prod", "--watch"], 1);
  proveEqual(before, await contentOf(production));

  say("Release 4 is sound, but the services fail their smoke test after COMMIT: production is swapped back");
  smoke.status = 500;
  await layOut("2-speakers", "4-smoke-fails");
  await rehearsal(["promote", "prod", "--watch"], 1);
  proveEqual(before, await contentOf(production));
  await listDatabases(production);

  say("The promotion log, and its proof");
  await rehearsal(["log", await newestPromotion()], 0);
  await rehearsal(["log", "verify"], 0);
  tell(`all of it took ${((performance.now() - started) / 1_000).toFixed(0)} s`);
}

interface SmokeTest {
  url: string;
  /** What it answers from now on. */
  status: number;
  server: Server;
}

/** Stands for the user's services: asked after the migration whether they still work. */
async function startSmokeTest(): Promise<SmokeTest> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(test.status).end(test.status === 200 ? "all well" : "the player cannot load a video");
  });
  const test: SmokeTest = { url: "", status: 200, server };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the smoke test has no port");
  test.url = `http://127.0.0.1:${address.port}/smoke`;
  return test;
}

/** An empty production, registered with the smoke test in its policy. */
async function makeProduction(
  { server, url, keys }: Stack,
  { url: smokeUrl }: SmokeTest,
): Promise<DatabaseAddress> {
  const session = await openSession(server, { application: "demo" });
  await session.execute("create database narralytica template template0");
  await session.close();
  const production = { ...server, database: "narralytica" };
  await mkdir(join(FOLDER, ".rehearsal"), { recursive: true });
  await writeFile(join(FOLDER, ".rehearsal/connection.json"), JSON.stringify({ url, key: keys.operator }), {
    mode: 0o600,
  });
  await writeFile(join(FOLDER, "policy.yaml"), `hooks:\n  smoke: ${smokeUrl}\n`);
  await rehearsal(["env", "add", "prod", "--role", "prod", "--policy", join(FOLDER, "policy.yaml")], 0, {
    REHEARSAL_DATABASE_URL: databaseUrl(production),
  });
  return production;
}

/** Lays the project out as it stood at a release: the first release's files, and those added since. */
async function layOut(...releases: string[]): Promise<void> {
  await rm(PROJECT, { recursive: true, force: true });
  const layers = [EXAMPLE, ...releases.map((release) => join(EXAMPLE, "releases", release))];
  for (const layer of layers)
    for (const name of await readdir(layer))
      if (!["releases", "generate.ts", "README.md"].includes(name))
        await cp(join(layer, name), join(PROJECT, name), { recursive: true });
}

/** Runs the command as a user would and shows it; throws when it does not end with the exit code that the story wants. */
async function rehearsal(
  words: string[],
  wanted: number,
  variables: Record<string, string> = {},
): Promise<void> {
  process.stdout.write(`\n$ rehearsal ${words.join(" ")}\n`);
  const child = spawn(process.execPath, [join(ROOT, "cli/main.ts"), ...words], {
    cwd: await folderNow(),
    env: { ...process.env, INIT_CWD: "", ...variables },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const code = await new Promise((resolve) => child.on("exit", (exit, signal) => resolve(exit ?? signal)));
  if (code !== wanted)
    throw new Error(`"rehearsal ${words.join(" ")}" ended with ${code}, and ${wanted} was expected`);
}

/** The project's folder once it is laid out. */
async function folderNow(): Promise<string> {
  return readdir(PROJECT).then(
    () => PROJECT,
    () => FOLDER,
  );
}

async function newestPromotion(): Promise<string> {
  if (stack === undefined) throw new Error("the stack does not run");
  const response = await fetch(`${stack.url}/promotions?limit=1`, {
    headers: { authorization: `Bearer ${stack.keys.operator}` },
  });
  const body = (await response.json()) as { promotions: { id: string }[] };
  const [newest] = body.promotions;
  if (newest === undefined) throw new Error("there is no promotion");
  return newest.id;
}

async function contentOf(address: DatabaseAddress) {
  const session = await openSession(address, { application: "demo" });
  try {
    const baseline = await readBaseline(session);
    return { fingerprint: fingerprint(await readShape(session)), baseline, rows: totalRows(baseline) };
  } finally {
    await session.close();
  }
}

type Content = Awaited<ReturnType<typeof contentOf>>;

function proveEqual(before: Content, now: Content): void {
  const differences = compareBaselines(before.baseline, now.baseline);
  if (before.fingerprint !== now.fingerprint || differences.length > 0)
    throw new Error("production has changed");
  tell(
    `production is as it was: shape ${now.fingerprint.slice(0, 12)}, ${now.rows.toLocaleString("en")} rows, every checksum equal`,
  );
}

async function listDatabases(production: DatabaseAddress): Promise<void> {
  const session = await openSession(production, { application: "demo" });
  const found = await session.query<{ name: string }>(
    "select datname as name from pg_database where datname like 'narralytica%' order by 1",
  );
  await session.close();
  tell(`databases: ${found.map(({ name }) => name).join(", ")} (the failed one is kept until you drop it)`);
}

async function keep(): Promise<void> {
  if (stack === undefined) return;
  process.stdout.write(`
The stack stays up until Ctrl-C.
  service     ${stack.url}
  Postgres    ${databaseUrl({ ...stack.server, database: "narralytica" })}
  project     ${PROJECT} (run "rehearsal" commands there)
`);
  await new Promise(() => undefined);
}

function stop(): Promise<void> {
  stopping ??= (async () => {
    smoke?.server.closeAllConnections();
    smoke?.server.close();
    await stack?.stop();
    if (!flags.keep) await rm(FOLDER, { recursive: true, force: true });
  })();
  return stopping;
}

function say(text: string): void {
  process.stdout.write(`\n== ${text}\n`);
}

function tell(text: string): void {
  process.stdout.write(`   ${text}\n`);
}
