import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { LocalService } from "../service/local-service.ts";
import { OUTSIDE, PROJECT, SCHEMA } from "../service/project.ts";

const server = newestServer();
const made: DatabaseAddress[] = [];
const log: string[] = [];
let service: LocalService;

beforeAll(async () => {
  service = await new LocalService(server.address, "secrecy", { onLog: (line) => log.push(line) }).start();
});

afterAll(async () => {
  await service.stop();
  await dropDatabases(...made);
});

test("abuse 35: the password of an environment is in its secret, and in nothing else that was written, logged or shown", async () => {
  const password = "hunter2/very@secret:%41";
  const owner = `owner_${process.pid}`;
  await execute(server.address, `create role ${owner} superuser login password '${password}'`);
  const plain = await freshDatabase(server, SCHEMA, `secrecy_${process.pid}`);
  made.push(plain);
  const address = { ...plain, user: owner, password };
  await service.register("secret", address);
  const commands = new Set<string>();
  const watch = setInterval(() => {
    for (const line of commandLines()) commands.add(line);
  }, 20);
  const broken = { ...PROJECT, "migrations/0003_bad.sql": "select 1 / 0;" };
  await service.until(await service.promote("secret", await service.release(broken)), "refused");
  const detail = await service.until(
    await service.promote("secret", await service.release({ ...PROJECT, ...OUTSIDE })),
    "promoted",
  );
  // A password that is wrong, and one that belongs to nobody: both are told without being told.
  for (const url of [
    { ...address, port: 1 },
    { ...address, database: "nowhere" },
  ]) {
    const { host, port, database } = url;
    const refused = await service.call("POST", "/environments", {
      name: "unreachable",
      role: "prod",
      url: `postgresql://${owner}:${encodeURIComponent(password)}@${host}:${port}/${database}?sslmode=disable`,
    });
    expect(refused).toMatchObject({ status: 503, body: { code: "DatabaseUnreachable" } });
    log.push(JSON.stringify(refused));
  }
  clearInterval(watch);
  for (const path of ["/environments", "/promotions", `/promotions/${detail.id}`, "/log?limit=200"])
    log.push(JSON.stringify(await service.must("GET", path)));
  log.push(...(await everyRow(service.control)), ...(await everyRow(plain)), ...commands);
  const spellings = [
    password,
    encodeURIComponent(password),
    Buffer.from(password).toString("base64"),
    JSON.stringify(password),
  ];
  const telling = (text: string) => spellings.some((spelling) => text.includes(spelling));
  expect(log.filter(telling)).toEqual([]);
  const files = filesUnder(service.folder).filter((file) => telling(readFileSync(file, "latin1")));
  expect([...new Set(files.map((file) => file.slice(service.folder.length + 1).split("/")[0]))]).toEqual([
    "secrets",
  ]);
  for (const file of files) expect(statSync(file).mode & 0o077).toBe(0);
  await execute(server.address, `reassign owned by ${owner} to ${server.address.user}`);
  await dropDatabases(plain);
  await execute(server.address, `drop role ${owner}`);
});

/** What anybody may see of this machine's processes. */
function commandLines(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [readFileSync(`/proc/${name}/cmdline`, "utf8")];
      } catch {
        // It has ended since.
        return [];
      }
    });
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Every row of every table, as text. */
async function everyRow(address: DatabaseAddress): Promise<string[]> {
  const tables = await rows<{ name: string }>(
    address,
    "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')",
  );
  const found: string[] = [];
  for (const { name } of tables)
    for (const { row } of await rows<{ row: string }>(address, `select t::text as row from ${name} t`))
      found.push(row);
  return found;
}
