/** Databases migrated by the very tools whose histories are adopted. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { PrismaPg } from "@prisma/adapter-pg";
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";
import { SchemaEngine } from "@prisma/schema-engine-wasm";
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate as migrateDrizzle } from "drizzle-orm/node-postgres/migrator";
import { migrate as migrateGraphile } from "graphile-migrate";
import { runner } from "node-pg-migrate";
import pg from "pg";
import { type DatabaseAddress, databaseUrl } from "../../core/database-url.ts";

type Migrate = (url: string, folder: string) => Promise<void>;

const DBMATE = fileURLToPath(
  import.meta.resolve("dbmate/package.json").replace("package.json", "dist/cli.js"),
);
const quiet = { info() {}, warn() {}, error: console.error, debug() {} };

export const MIGRATE: Record<
  "dbmate" | "drizzle" | "graphile-migrate" | "node-pg-migrate" | "prisma" | "sqitch",
  Migrate
> = {
  async dbmate(url, folder) {
    const words = ["--url", url, "--migrations-dir", join(folder, "db/migrations"), "--no-dump-schema", "up"];
    await promisify(execFile)(process.execPath, [DBMATE, ...words]);
  },
  async drizzle(url, folder) {
    const client = new pg.Client(url);
    await client.connect();
    try {
      await migrateDrizzle(drizzle(client), { migrationsFolder: join(folder, "drizzle") });
    } finally {
      await client.end();
    }
  },
  async "graphile-migrate"(url, folder) {
    await migrateGraphile({ connectionString: url, migrationsFolder: join(folder, "migrations") });
  },
  async "node-pg-migrate"(url, folder) {
    await runner({
      databaseUrl: url,
      dir: join(folder, "migrations"),
      direction: "up",
      migrationsTable: "pgmigrations",
      logger: quiet,
    });
  },
  prisma: migrateByPrisma,
  sqitch: migrateBySqitch,
};

/** Prisma's engine of migrations, in the form that its registry carries: `prisma migrate deploy` calls the same one. */
async function migrateByPrisma(url: string, folder: string): Promise<void> {
  const top = join(folder, "prisma/migrations");
  const names = (await readdir(top)).filter((name) => !name.endsWith(".toml")).sort();
  const migrationDirectories = await Promise.all(
    names.map(async (path) => ({
      path,
      migrationFile: {
        path: "migration.sql",
        content: { tag: "ok" as const, value: await readFile(join(top, path, "migration.sql"), "utf8") },
      },
    })),
  );
  const adapter = bindMigrationAwareSqlAdapterFactory(new WholeScripts({ connectionString: url }));
  const engine = await SchemaEngine.new({ datamodels: undefined }, () => undefined, adapter);
  try {
    const lockfile = {
      path: "migration_lock.toml",
      content: await readFile(join(top, "migration_lock.toml"), "utf8"),
    };
    await engine.applyMigrations({
      migrationsList: { baseDir: top, lockfile, shadowDbInitScript: "", migrationDirectories },
      filters: { externalTables: [], externalEnums: [] },
    });
  } finally {
    engine.free();
  }
}

/** The adapter cuts a script at each semicolon, also in a function's body; Prisma's own connector sends it whole. */
class WholeScripts extends PrismaPg {
  override async connect() {
    const adapter = await super.connect();
    adapter.executeScript = async (script) => {
      await adapter.underlyingDriver().query(script);
    };
    return adapter;
  }
}

/** Sqitch itself where it is on the path; else its scripts, and the record that it documents of having run them. */
async function migrateBySqitch(url: string, folder: string): Promise<void> {
  try {
    await promisify(execFile)(
      "sqitch",
      ["deploy", "--target", url.replace(/^postgres(?:ql)?:/, "db:pg:").replace(/\?.*/, "")],
      {
        cwd: folder,
        env: { ...process.env, SQITCH_FULLNAME: "A. Person", SQITCH_EMAIL: "a@example.org", TZ: "UTC" },
      },
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    await recordAsSqitch(url, folder);
  }
}

async function recordAsSqitch(url: string, folder: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(`create schema sqitch;
      create table sqitch.changes (change_id text primary key, script_hash text unique, change text not null, project text not null,
        note text not null default '', committed_at timestamptz not null default clock_timestamp(), committer_name text not null default '',
        committer_email text not null default '', planned_at timestamptz not null default now(), planner_name text not null default '',
        planner_email text not null default '');`);
    const plan = await readFile(join(folder, "sqitch.plan"), "utf8");
    for (const [, change] of plan.matchAll(/^(\w+) (?:\[.*?\] )?\d{4}-/gm)) {
      const script = await readFile(join(folder, `deploy/${change}.sql`));
      const hash = createHash("sha1").update(script).digest("hex");
      await client.query(script.toString());
      await client.query(
        "insert into sqitch.changes (change_id, script_hash, change, project) values ($1, $1, $2, 'library')",
        [hash, change],
      );
    }
  } finally {
    await client.end();
  }
}

/** Lets a tool apply files to a database as it would anywhere. */
export async function migratedBy(
  tool: keyof typeof MIGRATE,
  address: DatabaseAddress,
  files: Record<string, string>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "rehearsal-migrated-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    await MIGRATE[tool](databaseUrl(address), folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
