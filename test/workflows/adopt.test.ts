/**
 * Adopting: databases really migrated by other tools are taken over, and what their histories claim without truth is found.
 * Long because the files of each tool, as it names and marks them, stand here in full.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import type { FormatName } from "../../core/formats/format.ts";
import { runCommand } from "../cli/command.ts";
import { committed } from "../core/formats/project-of.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { LocalService } from "../service/local-service.ts";
import { runTask, succeed } from "../service/tasks.ts";
import { type MIGRATE, migratedBy } from "./migrated-by.ts";

const server = newestServer();
const made: DatabaseAddress[] = [];
let service: LocalService;

beforeAll(async () => {
  service = await new LocalService(server.address, "adopt").start();
});

afterAll(async () => {
  await service.stop();
  await dropDatabases(...made);
});

/** Three steps: the second has a body with what looks like marks in it, the third adds a column. */
const STEPS = [
  "create type state as enum ('lent');\ncreate table books (id bigint generated always as identity primary key, title text not null);",
  `alter type state add value 'here';
create function touch() returns trigger language plpgsql as $$
begin
  -- migrate:down
  -- Down Migration
  return new; -- +goose Down
end $$;
create trigger touched before update on books for each row execute function touch();
create index books_title on books (title);`,
  "alter table books add column state state default 'here';",
] as const;

interface Told {
  tool: keyof typeof MIGRATE;
  table: string;
  /** The project's files with its first `count` steps. */
  files(count: number): Record<string, string>;
}

const few = (count: number, file: (sql: string, index: number) => [string, string]) =>
  Object.fromEntries(STEPS.slice(0, count).map(file));

const DBMATE: Told = {
  tool: "dbmate",
  table: "public.schema_migrations",
  files: (count) =>
    few(count, (sql, index) => [
      `db/migrations/2024010${index + 1}120000_step.sql`,
      // dbmate takes the mark in the body for its own, so this one does without.
      `-- migrate:up\n${sql.replace("  -- migrate:down\n", "")}\n-- migrate:down\nselect 1;\n`,
    ]),
};

const TOOLS: Told[] = [
  DBMATE,
  {
    tool: "drizzle",
    table: "drizzle.__drizzle_migrations",
    files: (count) => ({
      "drizzle/meta/_journal.json": JSON.stringify({
        version: "7",
        dialect: "postgresql",
        entries: STEPS.slice(0, count).map((_, idx) => ({
          ...{ idx, version: "7", when: 1704110400000 + idx, tag: `000${idx}_step`, breakpoints: true },
        })),
      }),
      ...few(count, (sql, index) => [
        `drizzle/000${index}_step.sql`,
        // Drizzle runs all in one transaction, where a value that was just added cannot be used.
        sql.replace("alter type state add value 'here';", "").replace("'here'", "'lent'"),
      ]),
    }),
  },
  {
    tool: "graphile-migrate",
    table: "graphile_migrate.migrations",
    files: (count) => committed(...STEPS.slice(0, count)),
  },
  {
    tool: "node-pg-migrate",
    table: "public.pgmigrations",
    files: (count) =>
      few(count, (sql, index) => [
        `migrations/170411040000${index}_step.sql`,
        // node-pg-migrate too would end at the mark in the body.
        `-- Up Migration\n${sql.replace("  -- Down Migration\n", "")}\n-- Down Migration\n`,
      ]),
  },
  {
    tool: "prisma",
    table: "public._prisma_migrations",
    files: (count) => ({
      "prisma/migrations/migration_lock.toml": 'provider = "postgresql"\n',
      ...few(count, (sql, index) => [`prisma/migrations/2024010${index + 1}120000_step/migration.sql`, sql]),
    }),
  },
  {
    tool: "sqitch",
    table: "sqitch.changes",
    files: (count) => ({
      "sqitch.conf": "[core]\n\tengine = pg\n",
      "sqitch.plan": `%syntax-version=1.0.0\n%project=library\n\n${STEPS.slice(0, count)
        .map((_, index) => `step${index} 2024-01-0${index + 1}T12:00:00Z A. Person <a@example.org> # why\n`)
        .join("")}`,
      ...few(count, (sql, index) => [
        `deploy/step${index}.sql`,
        `-- Deploy library:step${index} to pg\n\nBEGIN;\n\n${sql}\n\nCOMMIT;\n`,
      ]),
    }),
  },
];

async function environmentWith(name: string, prepare: (address: DatabaseAddress) => Promise<unknown>) {
  const address = await freshDatabase(server, "", `${name.replaceAll("-", "_")}_${process.pid}`);
  made.push(address);
  await prepare(address);
  await service.register(name, address);
  return address;
}

const project = (format: FormatName, files: Record<string, string>) => ({
  "rehearsal.yaml": `project: library\nformat: ${format}\n`,
  ...files,
});

const adopt = (environment: string, body: object) =>
  runTask(service, `/environments/${environment}/adoptions`, body);

const pathsPending = async (environment: string, release: string) => {
  const plan = await service.must<{ runs: { files: { path: string }[] }[] }>("POST", "/plans", {
    environment,
    release,
  });
  return plan.runs.flatMap(({ files }) => files.map(({ path }) => path));
};

const recorded = (address: DatabaseAddress) =>
  rows<{ path: string; version: number }>(
    address,
    "select path, version from rehearsal.applied order by version",
  );

describe.each(TOOLS)("a database migrated by $tool", ({ tool, table, files }) => {
  test("is adopted with what it has had, and what comes next is pending without drift", async () => {
    const address = await environmentWith(`by-${tool}`, (database) => migratedBy(tool, database, files(2)));
    const history = await rows(address, `select * from ${table}`);
    const release = await service.release(project(tool, files(3)));
    const { outcome, error } = await adopt(`by-${tool}`, { release });
    expect(error).toBeNull();
    expect(outcome).toMatchObject({ tool, migrations: 2, pending: 1 });
    expect(await recorded(address)).toMatchObject([{ version: 1 }, { version: 2 }]);
    expect(await rows(address, `select * from ${table}`)).toEqual(history);
    expect(await pathsPending(`by-${tool}`, release)).toHaveLength(1);
  });
});

describe("what a history claims is believed only where a replay makes it", () => {
  test("abuse 13: a baseline that was never executed is found, and nothing is written", async () => {
    const address = await environmentWith("lying", async (database) => {
      await migratedBy("dbmate", database, DBMATE.files(1));
      await execute(database, "insert into schema_migrations values ('20240102120000')");
    });
    const release = await service.release(project("dbmate", DBMATE.files(3)));
    const before = await contentOf(address);
    const { status, error } = await adopt("lying", { release });
    expect([status, error?.code]).toEqual(["failed", "AdoptionUnproven"]);
    expect(error?.message).toContain("index public.books_title is missing");
    expect(error?.message).toContain("up to db/migrations/20240102120000_step.sql");
    expect(error?.hint).toContain("never ran");
    expect(await contentOf(address)).toEqual(before);
    expect(await recorded(address)).toEqual([]);
  });

  test("a change made by hand is found as well", async () => {
    const address = await environmentWith("by-hand", async (database) => {
      await migratedBy("dbmate", database, DBMATE.files(2));
      await execute(database, "alter table books alter title drop not null");
    });
    const release = await service.release(project("dbmate", DBMATE.files(2)));
    const { error } = await adopt("by-hand", { release });
    expect(error).toMatchObject({ code: "AdoptionUnproven" });
    expect(error?.message).toContain('columns.title."notNull" is not set');
    expect(await recorded(address)).toEqual([]);
  });

  test("other owners and the rights they have by it are no difference; given rights are", async () => {
    const release = await service.release(project("dbmate", DBMATE.files(2)));
    const role = `keeper_${process.pid}`;
    const owned = await environmentWith("owned", async (database) => {
      await migratedBy("dbmate", database, DBMATE.files(2));
      await execute(
        database,
        `create role ${role}; alter table books owner to ${role}; grant all on books to ${role}`,
      );
    });
    try {
      expect((await adopt("owned", { release })).error).toBeNull();
      const given = await environmentWith("given", async (database) => {
        await migratedBy("dbmate", database, DBMATE.files(2));
        await execute(database, `grant select on books to ${role}`);
      });
      expect((await adopt("given", { release })).error?.message).toContain("table public.books: grants is");
      await dropDatabases(given);
    } finally {
      await dropDatabases(owned);
      await execute(server.address, `drop role ${role}`);
    }
  });

  test("a file edited since, one left out and one that is gone are told together", async () => {
    await environmentWith("gaps", async (database) => {
      await migratedBy("drizzle", database, TOOLS[1]?.files(3) ?? {});
      await execute(
        database,
        "update drizzle.__drizzle_migrations set hash = repeat('0', 64) where id = 1; delete from drizzle.__drizzle_migrations where id = 2; insert into drizzle.__drizzle_migrations (hash, created_at) values ('ff', 7)",
      );
    });
    const release = await service.release(project("drizzle", TOOLS[1]?.files(3) ?? {}));
    const { error } = await adopt("gaps", { release });
    expect(error).toMatchObject({
      code: "HistoryRefused",
      hint: expect.stringContaining("nothing was written"),
    });
    expect(error?.message).toContain(
      "drizzle/0000_step.sql was edited after it was applied: the history has 000000000000",
    );
    expect(error?.message).toContain("drizzle/0001_step.sql is not in the history");
    expect(error?.message).toContain("7 (ff) is in the history, and no file of the project is it");
  });
});

test("an adoption that died behind its record is finished by the next attempt, once", async () => {
  const address = await environmentWith("cut-off", (database) =>
    migratedBy("dbmate", database, DBMATE.files(2)),
  );
  const release = await service.release(project("dbmate", DBMATE.files(2)));
  service.gate("task-adopt:adopted", "dies");
  expect(await adopt("cut-off", { release })).toMatchObject({
    status: "succeeded",
    attempt: 2,
    outcome: { migrations: 2, pending: 0 },
  });
  expect(await recorded(address)).toHaveLength(2);
  const environment = await service.must<{ release: string }>("GET", "/environments/cut-off");
  expect(environment.release).toBe(release);
});

describe("a database that is changed behind the record of its adoption", () => {
  const byHand = (address: DatabaseAddress) =>
    execute(address, "alter table books alter title drop not null");

  test("is not what was promised: that is what was proved, and the change is drift", async () => {
    const address = await environmentWith("changed", (database) =>
      migratedBy("dbmate", database, DBMATE.files(2)),
    );
    const release = await service.release(project("dbmate", DBMATE.files(3)));
    const gate = service.gate("task-adopt:adopted");
    const adopted = adopt("changed", { release });
    await gate.reached();
    await byHand(address);
    gate.open();
    expect((await adopted).error).toBeNull();
    const body = { environment: "changed", release };
    expect(await service.call("POST", "/plans", body)).toMatchObject({ body: { code: "DriftFound" } });
  });

  test("is proved again by the next attempt, which takes the record back where that fails", async () => {
    const address = await environmentWith("changed-between", (database) =>
      migratedBy("dbmate", database, DBMATE.files(2)),
    );
    const release = await service.release(project("dbmate", DBMATE.files(2)));
    service.gate("task-adopt:adopted", "dies");
    const gate = service.gate("task-adopt:begun");
    const adopted = adopt("changed-between", { release });
    await gate.reached();
    gate.open();
    const retried = service.gate("task-adopt:begun");
    await retried.reached();
    expect(await recorded(address)).toHaveLength(2);
    await byHand(address);
    retried.open();
    expect(await adopted).toMatchObject({ status: "failed", error: { code: "AdoptionUnproven" } });
    expect(await recorded(address)).toEqual([]);
  });
});

describe("a database without a history", () => {
  const files = {
    "rehearsal.yaml": "project: library\n",
    "migrations/0001_books.sql": STEPS[0],
    "migrations/0002_touch.sql": STEPS[1],
    "migrations/0003_trim.sql": "update books set title = trim(title);",
    "migrations/0004_state.sql": STEPS[2],
  };

  test("is adopted at the baseline that is named, by the command, once", async () => {
    const address = await environmentWith("plain", (database) => execute(database, STEPS[0] + STEPS[1]));
    const release = await service.release(files);
    const run = (...words: string[]) =>
      runCommand(["adopt", "plain", release, ...words], {
        variables: { REHEARSAL_URL: service.url, REHEARSAL_KEY: service.keys.operator },
      });
    const none = await run();
    expect([none.exit, none.out]).toEqual([2, expect.stringContaining("keeps no history")]);
    expect(none.out).toContain("--baseline");
    const unknown = await run("--baseline", "0007");
    expect([unknown.exit, unknown.out]).toEqual([
      2,
      expect.stringContaining('no migration of the release is "0007"'),
    ]);
    const early = await run("--baseline", "1");
    expect([early.exit, early.out]).toEqual([
      3,
      expect.stringContaining("index public.books_title is there, but was not expected"),
    ]);
    const adopted = await run("--baseline", "0003");
    expect([adopted.exit, adopted.out]).toEqual([
      0,
      expect.stringContaining("3 migrations are recorded as applied, to migrations/0003_trim.sql"),
    ]);
    expect(adopted.out).toContain("1 are pending");
    expect(adopted.out).toMatch(/no schema tells whether these ran.*: migrations\/0003_trim\.sql\n/);
    const again = await run("--baseline", "0003");
    expect([again.exit, again.out]).toEqual([2, expect.stringContaining("has 3 applied files already")]);
    const { entries } = await service.must<{ entries: { body: string }[] }>("GET", "/log?limit=200");
    const told = entries.map(({ body }) => JSON.parse(body) as { type: string; environment?: string });
    expect(told).toContainEqual(
      expect.objectContaining({ type: "environment.adopted", environment: "plain" }),
    );
    expect(await recorded(address)).toHaveLength(3);
  });
});

test("views that are there already are adopted with the migrations, and those that are not are pending", async () => {
  const view = "create or replace view titles as select title from books;\n";
  const files = { ...project("dbmate", DBMATE.files(2)), "views/titles.sql": view };
  const release = await service.release(files);
  await environmentWith("viewed", async (database) => {
    await migratedBy("dbmate", database, DBMATE.files(2));
    await execute(database, view);
  });
  expect((await adopt("viewed", { release })).error).toBeNull();
  expect(await pathsPending("viewed", release)).toEqual([]);
  await environmentWith("unviewed", (database) => migratedBy("dbmate", database, DBMATE.files(2)));
  expect((await adopt("unviewed", { release })).error).toBeNull();
  expect(await pathsPending("unviewed", release)).toEqual(["views/titles.sql"]);
});

test("an adopted database is promoted, its tool's table and all, also where a lock promises the schema without it, and nobody adopts it meanwhile", async () => {
  await environmentWith("carried-on", (database) => migratedBy("dbmate", database, DBMATE.files(2)));
  const files = project("dbmate", DBMATE.files(3));
  const bare = await service.release(files);
  expect((await adopt("carried-on", { release: bare })).error).toBeNull();
  const replay = await succeed(service, "/environments/carried-on/replays", { release: bare });
  const { files: made } = await service.must<{ files: { name: string; url: string }[] }>(
    "GET",
    `/tasks/${replay.id}/files`,
  );
  const lock = await fetch(made.find(({ name }) => name === "schema.lock.json")?.url ?? "");
  const release = await service.release({ ...files, "schema.lock.json": await lock.text() });
  const gate = service.gate("admit:begun");
  const id = await service.promote("carried-on", release);
  await gate.reached();
  const path = "/environments/carried-on/adoptions";
  expect(await service.call("POST", path, { release, baseline: "1" })).toMatchObject({
    status: 409,
    body: { code: "EnvironmentLocked", hint: expect.stringContaining("wait for it") },
  });
  expect(await service.call("POST", path, { release, baseline: "1", tool: "dbmate" })).toMatchObject({
    status: 400,
    body: { code: "InputInvalid" },
  });
  gate.open();
  expect(await service.until(id, "promoted")).toMatchObject({ status: "promoted" });
});
