/** What ALTER ROLE sets for an application is none of ours: a millisecond's limits, a read-only default, a manner of writing values. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { compareBaselines } from "../../core/baseline.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { backUp } from "../../io/postgres/backup.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { dumpSchema } from "../../io/postgres/dump/index.ts";
import { restore } from "../../io/postgres/restore.ts";
import { openSession } from "../../io/postgres/session.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { startBucket, type TestBucket } from "../bucket.ts";
import { makeHurriedRole } from "../hurried-role.ts";
import { dropDatabases, ends, execute, freshDatabase, rows } from "../postgres.ts";

let bucket: TestBucket;
beforeAll(async () => {
  bucket = await startBucket();
});
afterAll(() => bucket.stop());

const SOURCE = `create table plain (id int generated always as identity primary key, filler text default 'a\\b''c');
  insert into plain (filler) select repeat(md5(g::text), 10) from generate_series(1, 20000) g;
  create table values_of_kinds (at timestamptz, span interval, real float8, bytes bytea, list int[], words text[]);
  insert into values_of_kinds values ('2026-02-03 04:05:06.789+01', '-1 year 2 mons 3 days 04:05:06', 0.1 + 0.2, '\\x00ff',
    '{1,NULL}', array[null, 'NULL', 'ü€']);
  create table told (n int); create function tell() returns trigger language plpgsql as
    $$begin insert into public.told values (new.id); return new; end$$;
  create trigger tells after insert on plain for each row execute function tell();
  create view seen as select filler || E'\\\\' as filler from plain; create index on plain (filler);
  select lo_from_bytea(7, decode(repeat('00ff', 100000), 'hex'))`;

test.each(ends)(
  "none of it reaches a session, a dump, a backup or a restore on Postgres $major",
  async (server) => {
    const source = await freshDatabase(server, SOURCE);
    const target = await freshDatabase(server);
    const role = await makeHurriedRole(server, `hurried_${server.major}`);
    const hurried = (address: DatabaseAddress) => ({ ...address, ...role });
    const common = { application: "limits test", store: bucket.store, connections: 2 };
    const prefix = `limits/${server.major}/`;
    const manifest = await backUp({ ...common, source: hurried(source), prefix, chunkBytes: 1 << 20 });
    await restore({ ...common, target: hurried(target), manifest });

    const session = await openSession(hurried(target), { application: "test" });
    expect(compareBaselines(manifest.baseline, await readBaseline(session))).toEqual([]);
    const ordinary = await openSession(source, { application: "test" });
    expect(await readShape(session)).toEqual(await readShape(ordinary));
    expect(await readBaseline(ordinary)).toEqual(manifest.baseline);
    const dump = (address: DatabaseAddress) => dumpSchema(address, { application: "test" });
    expect(await dump(hurried(target))).toBe(await dump(source));
    const kinds = "select * from public.values_of_kinds";
    expect(await rows(target, kinds)).toEqual(await rows(source, kinds));

    await session.transaction(async () => {
      await session.query("insert into public.plain default values");
      await session.query("select pg_sleep(0.05)");
    });
    expect(await session.query("select n from public.told")).toEqual([{ n: 20001 }]);
    await session.close();
    await ordinary.close();
    await dropDatabases(source, target);
    await execute(server.address, `drop role ${role.user}`);
  },
);
