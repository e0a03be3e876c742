/** What every demo plays on: a service on this machine, a production, a folder with the project, and the command as a user would type it. */
import { spawn } from "node:child_process";
import { cp, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { type Baseline, compareBaselines, totalRows } from "../../core/baseline.ts";
import { type DatabaseAddress, databaseUrl } from "../../core/database-url.ts";
import { fingerprint } from "../../core/shape.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { type Stack, startStack } from "../stack.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FOLDER = join(ROOT, ".rehearsal/demo");

/** What a database holds, so that two moments can be compared. */
export interface Content {
  fingerprint: string;
  baseline: Baseline;
  rows: number;
}

/** Stands for the user's services: asked after the migration whether they still work. */
export interface SmokeTest {
  url: string;
  /** What it answers from now on. */
  status: number;
  /** Done each time it is asked, before it answers. */
  asked: () => Promise<void>;
}

export interface Stage {
  stack: Stack;
  /** The example's folder in the tree, and the project as it is laid out for the demo. */
  example: string;
  project: string;
  /** An empty database, registered as prod with this policy. */
  makeProduction(policy: object): Promise<DatabaseAddress>;
  startSmokeTest(): Promise<SmokeTest>;
  /** Lays the project out as it stood at a release: the first release's files, and those added since. */
  layOut(...releases: string[]): Promise<void>;
  /** Writes a policy where the command finds it; returns its path. */
  writePolicy(policy: object): Promise<string>;
  /** Runs the command as a user would and shows it; throws when it does not end with the exit code that the story wants. */
  rehearsal(words: string[], wanted: number, variables?: Record<string, string>): Promise<void>;
  newestPromotion(): Promise<string>;
  contentOf(address: DatabaseAddress): Promise<Content>;
  /** Throws unless both are the same. */
  proveEqual(before: Content, now: Content): void;
  withSession<T>(address: DatabaseAddress, work: (session: Session) => Promise<T>): Promise<T>;
  stop(keep: boolean): Promise<void>;
}

/** Starts the service in an empty folder; what an earlier demo left, kept or cut off, is not gone on with. */
export async function openStage(name: string): Promise<Stage> {
  const [example, project] = [join(ROOT, "examples", name), join(FOLDER, name)];
  await rm(FOLDER, { recursive: true, force: true });
  const stack = await startStack({
    folder: join(FOLDER, "stack"),
    environment: { REHEARSAL_STORES: FOLDER },
    onLog: () => undefined,
  });
  const servers: Server[] = [];
  const writePolicy = async (policy: object) => {
    const path = join(FOLDER, "policy.yaml");
    await writeFile(path, stringify(policy));
    return path;
  };
  const rehearsal: Stage["rehearsal"] = async (words, wanted, variables = {}) => {
    process.stdout.write(`\n$ rehearsal ${words.join(" ")}\n`);
    const child = spawn(process.execPath, [join(ROOT, "bin/rehearsal.js"), ...words], {
      cwd: await readdir(project).then(
        () => project,
        () => FOLDER,
      ),
      env: { ...process.env, INIT_CWD: "", ...variables },
      stdio: ["ignore", "inherit", "inherit"],
    });
    const code = await new Promise((resolve) => child.on("exit", (exit, signal) => resolve(exit ?? signal)));
    if (code !== wanted)
      throw new Error(`"rehearsal ${words.join(" ")}" ended with ${code}, and ${wanted} was expected`);
  };
  return {
    ...{ stack, example, project, writePolicy, rehearsal, contentOf, proveEqual, withSession },
    makeProduction: async (policy) => {
      const production = { ...stack.server, database: name };
      await withSession(stack.server, (session) =>
        session.execute(`create database ${name} template template0`),
      );
      await mkdir(join(FOLDER, ".rehearsal"), { recursive: true });
      const connection = JSON.stringify({ url: stack.url, key: stack.keys.operator });
      await writeFile(join(FOLDER, ".rehearsal/connection.json"), connection, { mode: 0o600 });
      const words = ["env", "add", "prod", "--role", "prod", "--policy", await writePolicy(policy)];
      await rehearsal(words, 0, { REHEARSAL_DATABASE_URL: databaseUrl(production) });
      return production;
    },
    startSmokeTest: async () => {
      const { smoke, server } = await startSmokeTest();
      servers.push(server);
      return smoke;
    },
    layOut: async (...releases) => {
      await rm(project, { recursive: true, force: true });
      const layers = [example, ...releases.map((release) => join(example, "releases", release))];
      for (const layer of layers)
        for (const entry of await readdir(layer))
          if (!["releases", "generator", "generate.ts", "README.md"].includes(entry))
            await cp(join(layer, entry), join(project, entry), { recursive: true });
    },
    newestPromotion: async () => {
      const response = await fetch(`${stack.url}/promotions?limit=1`, {
        headers: { authorization: `Bearer ${stack.keys.operator}` },
      });
      const body = (await response.json()) as { promotions: { id: string }[] };
      const [newest] = body.promotions;
      if (newest === undefined) throw new Error("there is no promotion");
      return newest.id;
    },
    stop: async (keep) => {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
      await stack.stop();
      if (!keep) await rm(FOLDER, { recursive: true, force: true });
    },
  };
}

/** The head of what comes next. */
export function say(text: string): void {
  process.stdout.write(`\n== ${text}\n`);
}

/** A line about what has just happened. */
export function tell(text: string): void {
  process.stdout.write(`   ${text}\n`);
}

async function startSmokeTest(): Promise<{ smoke: SmokeTest; server: Server }> {
  const smoke: SmokeTest = { url: "", status: 200, asked: async () => undefined };
  const server = createServer((request, response) => {
    request.resume();
    void smoke
      .asked()
      .then(() =>
        response.writeHead(smoke.status).end(smoke.status === 200 ? "all well" : "the services do not work"),
      );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the smoke test has no port");
  smoke.url = `http://127.0.0.1:${address.port}/smoke`;
  return { smoke, server };
}

async function withSession<T>(address: DatabaseAddress, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession(address, { application: "demo" });
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

function contentOf(address: DatabaseAddress): Promise<Content> {
  return withSession(address, async (session) => {
    const baseline = await readBaseline(session);
    return { fingerprint: fingerprint(await readShape(session)), baseline, rows: totalRows(baseline) };
  });
}

function proveEqual(before: Content, now: Content): void {
  const differences = compareBaselines(before.baseline, now.baseline);
  if (before.fingerprint !== now.fingerprint || differences.length > 0)
    throw new Error("production has changed");
  tell(
    `production is as it was: shape ${now.fingerprint.slice(0, 12)}, ${now.rows.toLocaleString("en")} rows, every checksum equal`,
  );
}
