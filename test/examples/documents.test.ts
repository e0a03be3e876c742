import { readdir, readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compareBaselines } from "../../core/baseline.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { fillProduction } from "../../examples/documents/generate.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows, servers } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { type Hook, startHook } from "../service/hook.ts";
import { expectSettled } from "../service/outcome.ts";
import { Service } from "../service/service.ts";

const EXAMPLE = new URL("../../examples/documents/", import.meta.url);
const FILES = 6_000;

/** The project's files as text, each layer over the one before. */
async function layers(...names: string[]): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const name of names) {
    const layer = new URL(name, EXAMPLE);
    for (const path of (await readdir(layer, { recursive: true })).sort())
      if (/^(migrations|views|checks|plans)\/.+|^rehearsal\.yaml$/.test(path))
        files[path] = await readFile(new URL(path, layer), "utf8");
  }
  return files;
}

async function withSession<T>(address: DatabaseAddress, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession(address, { application: "test" });
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

const made: DatabaseAddress[] = [];
let service: Service;
let smoke: Hook;
let smokeStatus = 200;
let legacy: string;
let target: string;

beforeAll(async () => {
  smoke = await startHook(() => smokeStatus);
  service = await new Service(newestServer().address, "documents").start();
  legacy = await service.release(await layers("./"));
  target = await service.release(await layers("./", "releases/2-target/"));
});

afterAll(async () => {
  await service.stop();
  await smoke.stop();
  await dropDatabases(...made);
});

/** A production at release 1, filled. */
async function production(name: string): Promise<DatabaseAddress> {
  const address = await freshDatabase(newestServer(), "", `documents_${name}_${process.pid}`);
  made.push(address);
  await service.register(name, address, { hooks: { smoke: smoke.url } });
  smokeStatus = 200;
  await service.until(await service.promote(name, legacy), "promoted");
  await withSession(address, (session) => fillProduction(session, { files: FILES }));
  return address;
}

test("the generator draws the same rows on every server", async () => {
  const files = Object.entries(await layers("./")).filter(([path]) => path.startsWith("migrations/"));
  const baselines = [];
  for (const server of [...servers, ...servers.slice(0, 1)]) {
    const address = await freshDatabase(server);
    made.push(address);
    for (const [, sql] of files.sort()) await execute(address, sql);
    baselines.push(
      await withSession(address, async (session) => {
        await fillProduction(session, { files: 3_000 });
        return readBaseline(session);
      }),
    );
  }
  const [first, ...others] = baselines;
  if (first === undefined) throw new Error("no server runs");
  expect(first.tables['"public"."files"']?.rows).toBe(3_000);
  for (const other of others) expect(compareBaselines(first, other)).toEqual([]);
});

test("fault 1: kill -9 amid the backfill goes on at its cursor, and every item of the work package holds", async () => {
  const address = await production("killed");
  const before = await rows<{ id: string; name: string; kind: string; parent: string | null }>(
    address,
    "select id, name, kind, parent_file_id as parent from public.files order by id",
  );
  const [counted] = await rows<{ generated: number; empty: number; local: number; versions: number }>(
    address,
    `select count(*) filter (where origin = 'generated')::int as generated,
        count(*) filter (where origin = 'generated' and content_type is null)::int as empty,
        count(*) filter (where blob_version_id like 'local-%')::int as local, count(*)::int as versions
      from public.file_versions`,
  );
  service.killAt("migrate:slice");
  const id = await service.promote("killed", target);
  expect(await service.ended()).toBe("SIGKILL");
  // The fence has given the database another name until it is opened.
  const [fenced] = await rows<{ name: string }>(
    service.server,
    "select datname::text as name from pg_database where datname like $1 and datname like '%fence%'",
    [`${address.database}%`],
  );
  const at = "select cursor, visited::int as visited, done from rehearsal.batches";
  const [died] = await rows<{ cursor: string; visited: number; done: boolean }>(
    { ...address, database: fenced?.name ?? address.database },
    at,
  );
  expect(died?.done).toBe(false);
  expect(died?.visited).toBeGreaterThan(0);
  expect(died?.visited).toBeLessThan(counted?.versions ?? 0);
  await service.start();
  const detail = await service.until(id, "promoted");
  await expectSettled(service, detail);
  // No slice was run again: a second run would have gone over its rows once more.
  expect(await rows(address, at)).toMatchObject([{ visited: counted?.versions, done: true }]);

  // Asked of the catalogs and the rows in other words than the release's own checks.
  const columns = await rows<{ table_name: string; columns: string[] }>(
    address,
    `select table_name::text, array_agg(column_name::text order by ordinal_position) as columns
      from information_schema.columns where table_schema = 'public' and table_name in ('files', 'file_versions')
      group by table_name order by table_name desc`,
  );
  expect(columns).toEqual([
    {
      table_name: "files",
      columns: [
        ...["id", "workspace_id", "kind", "name", "name_key", "source_file_id", "attributes"],
        ...["created_at", "updated_at", "deleted_at"],
      ],
    },
    {
      table_name: "file_versions",
      columns: [
        ...["id", "file_id", "version_no", "origin", "run_id", "storage_version_id", "content_type"],
        ...["byte_size", "sha256", "created_at"],
      ],
    },
  ]);
  expect(await rows(address, "select to_regclass('public.idempotency_keys') as gone")).toEqual([
    { gone: null },
  ]);
  expect(
    await rows(
      address,
      "select enum_range(null::public.file_kind)::text[] as kinds, count(*)::int as n from public.files",
    ),
  ).toEqual([{ kinds: ["input", "output", "log", "export"], n: FILES }]);
  const after = await rows<{ id: string; name: string; kind: string; source: string | null; key: string }>(
    address,
    "select id, name, kind, source_file_id as source, name_key as key from public.files order by id",
  );
  expect(after.map(({ id, name, kind, source }) => ({ id, name, kind, source }))).toEqual(
    before.map(({ id, name, kind, parent }) => ({
      id,
      name,
      kind: kind === "document" ? "input" : kind,
      source: parent,
    })),
  );
  for (const { kind, name, source, key } of after)
    if (kind === "output") expect(key).toBe(`output:${source}`);
    else
      expect(key.replace(/\/\d+$/, "")).toBe(name.normalize("NFC").replace(/\s+/g, " ").trim().toLowerCase());
  expect(after.filter(({ key }) => /\/2$/.test(key)).length).toBeGreaterThan(50);
  expect(counted?.empty).toBeGreaterThan(100);
  expect(
    await rows(
      address,
      `select count(*) filter (where origin = 'generated' and content_type is null)::int as empty,
          count(*) filter (where storage_version_id is null)::int as unversioned,
          count(*)::int as versions from public.file_versions`,
    ),
  ).toEqual([{ empty: 0, unversioned: counted?.local, versions: counted?.versions }]);
  await expect(
    execute(
      address,
      `insert into file_versions (file_id, version_no, origin, byte_size, sha256)
        select id, 99, 'generated', 1, sha256('') from public.files limit 1`,
    ),
  ).rejects.toThrow(/generated_versions_have_a_content_type/);

  // The feed: nothing of the three parts is left, and each write is one change.
  expect(
    await rows(address, "select proname::text from pg_proc where pronamespace = 'public'::regnamespace"),
  ).toEqual([{ proname: "record_document_change" }]);
  const [last] = await rows<{ cursor: string }>(
    address,
    "select coalesce(max(cursor), 0)::text as cursor from public.document_changes",
  );
  await execute(
    address,
    "update files set name = name || '!' where id = (select min(id::text)::uuid from public.files where kind = 'output'); update files set deleted_at = now() where id = (select max(id::text)::uuid from public.files)",
  );
  expect(
    await rows(address, "select change from public.document_changes where cursor > $1 order by cursor", [
      last?.cursor,
    ]),
  ).toEqual([{ change: "upsert" }, { change: "delete" }]);
});

test("a rollback after COMMIT brings back the old feed, the old names and every byte", async () => {
  const address = await production("back");
  const before = await contentOf(address);
  smokeStatus = 500;
  const detail = await service.until(await service.promote("back", target), "rolled-back");
  smokeStatus = 200;
  made.push({ ...address, database: `${address.database}__failed_${detail.id}` });
  expect(await contentOf(address)).toEqual(before);
  await expectSettled(service, detail, [`${address.database}__failed_${detail.id}`]);
});
