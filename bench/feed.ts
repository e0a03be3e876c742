/** What a change feed costs whoever writes: the same writes on tables without a trigger, with one that does nothing, and with the feed's; all in one run, in turns. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { feedMigration } from "../core/feed-migration.ts";
import { schemaLock } from "../core/schema-lock.ts";
import { currentCursor, readChanges } from "../io/postgres/feed.ts";
import type { Session } from "../io/postgres/session.ts";
import { readShape } from "../io/postgres/shape.ts";
import { MAJORS, startPostgres } from "../local/postgres.ts";
import { onDatabase } from "./database.ts";
import { middle } from "./middle.ts";
import { describeMachine, writeSection } from "./page.ts";

const ROOT = join(import.meta.dirname, "..");
const ROWS = 50_000;
/** Of single rows, each its own transaction. */
const SINGLE = 3_000;

const TABLES = ["bare", "empty", "fed"] as const;
type Table = (typeof TABLES)[number];

/** A row of 250 bytes, as many are. */
const ROW = `(i, repeat('x', 200), 'b', i, '{"a": 1}')`;

/** In the order in which they run; what each does to a table, and to how many rows. */
const WRITES: Record<string, { rows: number; run: (session: Session, table: Table) => Promise<unknown> }> = {
  "insert, 50,000 in one statement": {
    rows: ROWS,
    run: (session, table) =>
      session.execute(
        `insert into public.${table} select ${ROW.slice(1, -1)} from generate_series(1, ${ROWS}) i`,
      ),
  },
  "update, 50,000 in one statement": {
    rows: ROWS,
    run: (session, table) => session.execute(`update public.${table} set n = n + 1`),
  },
  "delete, 50,000 in one statement": {
    rows: ROWS,
    run: (session, table) => session.execute(`delete from public.${table}`),
  },
  "insert, single rows in one transaction": {
    rows: ROWS,
    run: (session, table) =>
      session.execute(
        `do $$ begin for i in 1..${ROWS} loop insert into public.${table} values ${ROW}; end loop; end $$`,
      ),
  },
  "update, each row a transaction": {
    rows: SINGLE,
    run: async (session, table) => {
      for (let id = 1; id <= SINGLE; id++)
        await session.query(`update public.${table} set n = n + 1 where id = $1`, [id]);
    },
  },
};

/** Microseconds a row, by write and table; changes a second that a reader takes. */
interface Measured {
  writes: Record<string, Record<Table, number>>;
  read: number;
}

/** Writes its part of docs/performance.md from three runs on. */
export async function benchFeed({ json, runs }: { json: boolean; runs: number }): Promise<boolean> {
  const began = loadavg()[0] ?? 0;
  await mkdir(join(ROOT, ".rehearsal"), { recursive: true });
  const folder = await mkdtemp(join(ROOT, ".rehearsal/bench-"));
  const server = await startPostgres({
    ...{ major: MAJORS.at(-1) ?? 18, temporary: true, dataFolder: join(folder, "postgres") },
  });
  try {
    const measured = await onDatabase(server.address, async (session) => {
      await prepare(session);
      const measured: Measured[] = [];
      for (let run = 0; run < runs; run++) measured.push(await measureOnce(session, run));
      return measured;
    });
    const table = resultTable(measured);
    console.log(json ? JSON.stringify(measured, undefined, 2) : table);
    if (runs >= 3) await writeSection("Change feed", section(table, measured, [began, loadavg()[0] ?? 0]));
    return true;
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function prepare(session: Session): Promise<void> {
  for (const table of TABLES)
    await session.execute(
      `create table public.${table} (id bigint primary key, a text, b text, n int, j jsonb)`,
    );
  await session.execute(`create function public.nothing() returns trigger language plpgsql as $$ begin return null; end $$;
    create trigger nothing after insert or update or delete on public.empty for each row execute function public.nothing()`);
  await session.execute(feedMigration(schemaLock(await readShape(session)), "changes", ["fed"]).sql);
}

/** The tables in another order each time. */
async function measureOnce(session: Session, run: number): Promise<Measured> {
  const writes: Measured["writes"] = {};
  await session.execute("truncate public.changes");
  const cursor = await currentCursor(session, "public.changes");
  const order = TABLES.map((_, at) => TABLES[(at + run) % TABLES.length] as Table);
  for (const [name, { rows, run }] of Object.entries(WRITES)) {
    const took: Partial<Record<Table, number>> = {};
    for (const table of order) {
      await session.execute("checkpoint");
      const began = performance.now();
      await run(session, table);
      took[table] = ((performance.now() - began) * 1_000) / rows;
    }
    writes[name] = took as Record<Table, number>;
  }
  const began = performance.now();
  let changes = 0;
  for (let delta = await readChanges(session, "public.changes", cursor, 10_000); ; ) {
    changes += delta.changes.length;
    if (delta.complete) break;
    delta = await readChanges(session, "public.changes", delta.cursor, 10_000);
  }
  const read = changes / ((performance.now() - began) / 1_000);
  await session.execute(TABLES.map((table) => `truncate public.${table}`).join("; "));
  return { writes, read };
}

function resultTable(measured: readonly Measured[]): string {
  const head = ["write", "no trigger", "an empty trigger", "the feed", "the feed adds", "feed to none"];
  const lines = Object.keys(WRITES).map((name) => {
    const [bare, empty, fed] = TABLES.map((table) =>
      middle(measured.map(({ writes }) => writes[name]?.[table] ?? 0)),
    );
    const us = (value = 0) => `${value.toFixed(1)} µs`;
    return [
      name,
      us(bare),
      us(empty),
      us(fed),
      us((fed ?? 0) - (bare ?? 0)),
      ((fed ?? 0) / (bare ?? 1)).toFixed(1),
    ];
  });
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function section(table: string, measured: readonly Measured[], load: [number, number]): string {
  const [began, ended] = load.map((one) => one.toFixed(1));
  return `Written by \`npm run bench -- feed --runs ${measured.length}\`. Measured on ${describeMachine()}, Postgres without fsync; the load of the machine was ${began} at the beginning and ${ended} at the end. Medians of ${measured.length}.

${table}

- For one row each. Without fsync a COMMIT costs next to nothing, so that the last line is the most that a feed can weigh there.
- A reader takes ${Math.round(middle(measured.map(({ read }) => read))).toLocaleString("en")} changes a second, in pages of 10,000 of one delta.`;
}
