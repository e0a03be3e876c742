/** Databases migrated by the very tools whose histories are adopted. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
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

export const MIGRATE: Record<"dbmate" | "drizzle" | "graphile-migrate" | "node-pg-migrate", Migrate> = {
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
};

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
