/** How long production is away when a release that was committed goes back, by the size of the database; and that no write is lost. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { type DatabaseAddress, databaseUrl } from "../core/database-url.ts";
import { MAJORS, startPostgres } from "../local/postgres.ts";
import { type Stack, startStack } from "../local/stack.ts";
import { fillTables } from "./backup/tables.ts";
import { onDatabase } from "./database.ts";
import { writeSection } from "./page.ts";

const ROOT = join(import.meta.dirname, "..");
/** Seconds that are wanted, whatever the size. */
const WANTED = 1;

interface Measured {
  gigabytes: number;
  /** From the step that decided to go back to the end of the swap: sessions ended, names changed, the copy proved and opened. */
  decided: number;
  /** The step alone. */
  step: number;
  /** From the fence until production took connections again, the migration and its verification included. */
  away: number;
  /** The step that fences: what changed since the backup is copied, and the copy brought up. */
  fence: number;
  /** Rows that were committed before the fence, and how many of them were there after the rollback. */
  written: number;
  found: number;
}

/** Writes the part on rollbacks of docs/performance.md when a size of 5 GB is among them. False when it is not what was wanted. */
export async function benchRollback({ json, sizes }: { json: boolean; sizes: number[] }): Promise<boolean> {
  await mkdir(join(ROOT, ".rehearsal"), { recursive: true });
  const measured: Measured[] = [];
  for (const gigabytes of sizes) measured.push(await measure(gigabytes));
  const table = resultTable(measured);
  console.log(json ? JSON.stringify(measured, undefined, 2) : table);
  if (sizes.some((size) => size >= 5)) await writeSection("Rollback", section(table));
  return measured.every(
    ({ decided, written, found }) => decided <= WANTED && written > 0 && written === found,
  );
}

async function measure(gigabytes: number): Promise<Measured> {
  const folder = await mkdtemp(join(ROOT, ".rehearsal/bench-"));
  const server = await startPostgres({
    ...{ major: MAJORS.at(-1) ?? 18, temporary: true, dataFolder: join(folder, "postgres") },
    settings: { shared_buffers: "512MB", max_wal_size: "8GB" },
  });
  const smoke = createServer((request, response) => {
    request.resume();
    response.writeHead(500).end("not well");
  });
  let stack: Stack | undefined;
  try {
    await new Promise<void>((resolve) => smoke.listen(0, "127.0.0.1", resolve));
    const at = smoke.address();
    if (at === null || typeof at === "string") throw new Error("the smoke test has no port");
    stack = await startStack({
      folder: join(folder, "stack"),
      server: server.address,
      onLog: () => undefined,
    });
    const production = { ...server.address, database: "shop" };
    await onDatabase(server.address, (session) => session.execute("create database shop template template0"));
    await fillTables(production, gigabytes * 1e9);
    await onDatabase(production, (session) =>
      session.execute("create table public.orders (id int primary key)"),
    );
    return await goBack(stack, production, folder, gigabytes, `http://127.0.0.1:${at.port}/`);
  } finally {
    smoke.close();
    await stack?.stop();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Promotes a release that the smoke test fails after COMMIT, beside an application that writes all the while. */
async function goBack(
  stack: Stack,
  production: DatabaseAddress,
  folder: string,
  gigabytes: number,
  smoke: string,
): Promise<Measured> {
  const project = join(folder, "project");
  await mkdir(join(project, "migrations"), { recursive: true });
  await writeFile(join(project, "rehearsal.yaml"), "project: shop\n");
  await writeFile(
    join(project, "migrations/0001_note.sql"),
    "alter table public.accounts add column note text;\nupdate public.accounts set note = 'seen' where id <= 1000;\n",
  );
  const policy = join(folder, "policy.yaml");
  await writeFile(policy, `fence: always\nplans: optional\nhooks:\n  smoke: ${smoke}\n`);
  const command = (...words: string[]) =>
    promisify(execFile)(process.execPath, [join(ROOT, "cli/main.ts"), ...words], {
      cwd: project,
      env: {
        ...process.env,
        ...{ INIT_CWD: "", REHEARSAL_URL: stack.url, REHEARSAL_KEY: stack.keys.operator },
        REHEARSAL_DATABASE_URL: databaseUrl(production),
      },
    }).catch((error: { code?: number; stdout?: string; stderr?: string }) => {
      // 1 is how a promotion that was rolled back ends.
      if (words[0] !== "promote" || error.code !== 1) throw new Error(`${error.stdout}${error.stderr}`);
    });
  await command("env", "add", "prod", "--role", "prod", "--policy", policy);
  const application = startApplication(production);
  const promoted = await command("promote", "prod", "--watch").catch((error: unknown) => error);
  const { written, away } = await application.stop();
  if (promoted instanceof Error) throw promoted;
  const steps = await stepsOf(stack);
  const at = (step: string, edge: "startedAt" | "endedAt") => Date.parse(steps.get(step)?.[edge] ?? "");
  const found = await onDatabase(production, async (session) => {
    const [row] = await session.query<{ found: number }>(
      "select count(*)::int as found from public.orders where id = any($1)",
      [written],
    );
    return row?.found ?? 0;
  });
  return {
    gigabytes,
    decided: (at("roll-back", "endedAt") - at("verify", "endedAt")) / 1000,
    step: (at("roll-back", "endedAt") - at("roll-back", "startedAt")) / 1000,
    away,
    fence: (at("fence", "endedAt") - at("fence", "startedAt")) / 1000,
    ...{ written: written.length, found },
  };
}

interface StepTimes {
  step: string;
  startedAt: string;
  endedAt: string;
}

async function stepsOf(stack: Stack): Promise<Map<string, StepTimes>> {
  const get = async <T>(path: string) => {
    const headers = { authorization: `Bearer ${stack.keys.operator}` };
    return (await (await fetch(`${stack.url}${path}`, { headers })).json()) as T;
  };
  const { promotions } = await get<{ promotions: { id: string; status: string }[] }>("/promotions?limit=1");
  const [newest] = promotions;
  if (newest?.status !== "rolled-back") throw new Error(`the promotion ended ${newest?.status}`);
  const { steps } = await get<{ steps: StepTimes[] }>(`/promotions/${newest.id}`);
  return new Map(steps.map((step) => [step.step, step]));
}

/** Writes one row a transaction and comes back at once when it is turned away; knows what was committed, and how long it was away at last. */
function startApplication(address: DatabaseAddress) {
  const written: number[] = [];
  let over = false;
  let next = 1;
  let away = 0;
  let last = performance.now();
  const running = (async () => {
    while (!over) {
      // As an application does it, which does not override what the database says of new sessions.
      const client = new pg.Client({ ...address, ssl: false });
      client.on("error", () => undefined);
      try {
        await client.connect();
        while (!over) {
          const id = next++;
          await client.query("insert into public.orders values ($1)", [id]);
          written.push(id);
          away = Math.max(away, performance.now() - last);
          last = performance.now();
        }
      } catch {
        // Turned away, cut off, or read-only: it comes again.
      } finally {
        await client.end().catch((error: unknown) => error);
      }
    }
  })();
  return {
    async stop() {
      over = true;
      await running;
      return { written, away: away / 1000 };
    },
  };
}

function resultTable(measured: Measured[]): string {
  const rows = measured.map((one) => [
    `${one.gigabytes} GB`,
    `${one.decided.toFixed(2)} s`,
    `${one.step.toFixed(2)} s`,
    `${one.fence.toFixed(2)} s`,
    `${one.away.toFixed(2)} s`,
    `${one.found} of ${one.written}`,
    one.decided <= WANTED && one.found === one.written ? "yes" : "no",
  ]);
  const head = [
    "rows",
    "decision to open",
    "the step",
    "the fence before",
    "away in all",
    "writes kept",
    "holds",
  ];
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function section(table: string): string {
  return `Written by \`npm run bench -- rollback\`. A release is committed and then fails its smoke test, while an application writes one row a transaction as fast as it can. From the decision to go back until production is open again at most ${WANTED} s is wanted, whatever the size. "Away in all" is what the application saw, from its last write before the fence to its first one after: fence, migration, verification, smoke test and rollback. Every write that was committed must be there after.

${table}`;
}
