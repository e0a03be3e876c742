/** Promotions of databases that are not easily reached: every step of the way goes by the environment's own address. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { makeAuthority } from "../certificates.ts";
import { makeHurriedRole } from "../hurried-role.ts";
import { writeNewerPgDump } from "../native-pg-dump.ts";
import { dropDatabases, freshDatabase, newestServer, rows } from "../postgres.ts";
import { startNewerServer } from "../postgres-front.ts";
import { PROJECT, SCHEMA } from "../service/project.ts";
import { Service } from "../service/service.ts";
import { startTlsServer } from "../tls-server.ts";

let folder: string;
let service: Service;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rehearsal-reached-"));
  service = await new Service(newestServer().address, "connections").start();
});
afterAll(async () => {
  await service.stop();
  await rm(folder, { recursive: true });
});

/** Promotes by way of this address, closing the database to writers on the way. */
async function promote(name: string, address: DatabaseAddress, policy: object = {}) {
  await service.register(name, address, { fence: "always", ...policy });
  const id = await service.promote(name, await service.release(PROJECT));
  return service.until(id, "promoted");
}

test("over verified TLS, by a role whose limits are a millisecond, a database is promoted", async () => {
  const authority = makeAuthority("the only one trusted");
  const sslrootcert = join(folder, "authority.pem");
  await writeFile(sslrootcert, authority.certificate);
  // Whoever is not verified, or not by TLS, is not let in.
  const hba = join(folder, "hba");
  await writeFile(hba, "hostssl all hurried all scram-sha-256\nhost all postgres all scram-sha-256\n");
  const server = await startTlsServer(folder, authority.issue(["localhost"]), { hba_file: hba });
  const plain = await freshDatabase(server, SCHEMA);
  const role = await makeHurriedRole(server, "hurried");
  const promoted = await promote("hurried", {
    ...{ ...plain, ...role, host: "localhost" },
    ...{ sslmode: "verify-full", sslrootcert, channelBinding: "require" },
  });
  expect(promoted.steps.map(({ step }) => step)).toContain("fence");
  expect(await rows(plain, "select state from rehearsal.identity")).toEqual([{ state: "canonical" }]);
  await server.stop();
});

test("a server newer than our pg_dump is promoted by the one that the policy names", async () => {
  const database = await freshDatabase(newestServer(), SCHEMA);
  const front = await startNewerServer(database, 19);
  const pgDump = await writeNewerPgDump(folder);
  const promoted = await promote("newer", { ...database, port: front.port }, { pgDump });
  expect(promoted.steps.map(({ step }) => step)).toContain("back-up");
  expect(await rows(database, "select state from rehearsal.identity")).toEqual([{ state: "canonical" }]);
  await front.stop();
  await dropDatabases(database);
});
