/** Starts one throw-away Postgres per major for a whole test run; REHEARSAL_TEST_MAJORS=18 narrows it while developing. */
import { rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import type { DatabaseAddress } from "../core/database-url.ts";
import { MAJORS, type Major, startPostgres } from "../local/postgres.ts";

declare module "vitest" {
  export interface ProvidedContext {
    servers: { major: Major; address: DatabaseAddress }[];
  }
}

export default async function setup(project: TestProject) {
  const wanted = process.env.REHEARSAL_TEST_MAJORS?.split(",").map(Number) ?? MAJORS;
  const root = join(fileURLToPath(import.meta.url), "../../.rehearsal/test", String(process.pid));
  const memory = (await isRoomInMemory()) ? MEMORY : undefined;
  const servers = await Promise.all(
    MAJORS.filter((major) => wanted.includes(major)).map((major) =>
      startPostgres({
        major,
        dataFolder: memory
          ? join(memory, `rehearsal-${process.pid}-${major}`)
          : join(root, `postgres-${major}`),
        temporary: true,
        settings: {
          max_prepared_transactions: "10",
          // It would look into each of hundreds of databases once a minute, and none lives that long.
          autovacuum_naptime: "1h",
        },
      }),
    ),
  );
  project.provide(
    "servers",
    servers.map(({ major, address }) => ({ major, address })),
  );
  return async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await rm(root, { recursive: true, force: true });
  };
}

/** A file system in memory, on Linux. */
const MEMORY = "/dev/shm";

/** Bytes that all servers together have room for. */
const ROOM = 8 * 2 ** 30;

/** Databases are made and dropped by the thousand, each hundreds of files: on a disk that takes more than ten times as long. */
async function isRoomInMemory(): Promise<boolean> {
  const free = await statfs(MEMORY).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => 0,
  );
  return Math.min(free, process.availableMemory()) > ROOM;
}
