import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { LOCK_MODES } from "../../core/lock-modes.ts";
import { parseMigration } from "../../core/migration.ts";
import { openSession } from "../../io/postgres/session.ts";
import { dropDatabases, freshDatabase, servers } from "../postgres.ts";

/** Everything the statements below work on. */
const SCHEMA = `
  create table parent (id int primary key, a int, b text);
  create table child (id int primary key, parent_id int references parent, a int, b text, d date default '2000-01-01');
  create table loose (id int primary key, parent_id int);
  alter table loose add constraint loose_fk foreign key (parent_id) references parent not valid;
  alter table child add constraint positive check (a > 0) not valid;
  create index child_a on child (a);
  create unique index child_b on child (b);
  create table parted (id int, at int) partition by range (at);
  create table part1 partition of parted for values from (0) to (10);
  create table part2 (id int, at int);
  create table base (id int);
  create table heir (id int);
  create function touch() returns trigger language plpgsql as 'begin return new; end';
  create trigger touch before insert on child for each row execute function touch();
  create policy everyone on child using (true);
  create rule nothing as on delete to loose do instead nothing;
  create view seen as select id, d from child;
  create materialized view kept as select id, d from child;
  create unique index kept_id on kept (id);
  create sequence counter;
`;

/** Each may run inside a transaction; the ones for CONCURRENTLY cannot be watched from there. */
const STATEMENTS = [
  "alter table child add column c int",
  "alter table child add column c int references parent",
  "alter table child drop column b",
  "alter table child alter column a set default 1",
  "alter table child alter column a set not null",
  "alter table child alter column a drop not null",
  "alter table child alter column a type bigint",
  "alter table child alter column a set statistics 100",
  "alter table child alter column a set (n_distinct = 5)",
  "alter table child alter column b set storage external",
  "alter table child alter column b set compression pglz",
  "alter table child alter column id add generated always as identity",
  "alter table child set (fillfactor = 70)",
  "alter table child reset (fillfactor)",
  "alter table child set (user_catalog_table = true)",
  "alter table child cluster on child_pkey",
  "alter table child set without cluster",
  "alter table child set unlogged",
  "alter table child add check (a < 100)",
  "alter table child add check (a < 100) not valid",
  "alter table child validate constraint positive",
  "alter table loose validate constraint loose_fk",
  "alter table loose add foreign key (id) references parent",
  "alter table loose add foreign key (id) references parent not valid",
  "alter table child add unique (a)",
  "alter table child add constraint child_b_key unique using index child_b",
  "alter table child drop constraint positive",
  "alter table child alter constraint child_parent_id_fkey deferrable",
  "alter table child disable trigger touch",
  "alter table child enable trigger all",
  "alter table child enable row level security",
  "alter table child replica identity full",
  "alter table heir inherit base",
  "alter table parted attach partition part2 for values from (10) to (20)",
  "alter table parted detach partition part1",
  "alter table child rename to kid",
  "alter table child rename column a to z",
  "alter index child_a rename to child_z",
  "alter table child rename constraint positive to negative",
  "create index on child (b)",
  "reindex table child",
  "drop table heir",
  "drop view seen",
  "drop materialized view kept",
  "drop sequence counter",
  "drop trigger touch on child",
  "drop policy everyone on child",
  "drop rule nothing on loose",
  "truncate loose, heir",
  "insert into child (id) values (1)",
  "insert into heir select id from parent",
  "update heir set id = 1",
  "delete from heir",
  "merge into heir using base on heir.id = base.id when matched then do nothing",
  "select * from parent",
  "select * from parent for update",
  "with gone as (delete from heir returning id) select * from gone join base using (id)",
  "create table copy as select * from parent",
  "create view wide as select * from parent",
  "create or replace view seen as select id, d from child",
  "create table new (parent_id int references parent)",
  "create table new () inherits (base)",
  "create table new (like parent)",
  "create table new partition of parted for values from (20) to (30)",
  "create trigger more before insert on child for each row execute function touch()",
  "create rule more as on delete to heir do instead nothing",
  "create policy more on child using (true)",
  "alter policy everyone on child using (false)",
  "create statistics s on a, b from child",
  "comment on table child is 'x'",
  "comment on column child.a is 'x'",
  "refresh materialized view kept",
  "refresh materialized view concurrently kept",
  "alter sequence counter restart",
  "cluster child using child_pkey",
  "analyze child",
  "lock table child in share mode",
  "lock table parent, child",
];

/** Indexes and partitions of what a statement names, which its text alone cannot tell. */
const BESIDE = /^"(child_|kept_|parent_|loose_pkey|part1|pg_)/;

/** The same for tables: what a constraint or a materialized view refers to stands only in the catalog. */
const ONLY_IN_CATALOG: Record<string, string[]> = {
  "alter table loose validate constraint loose_fk": ['"parent"'],
  "refresh materialized view kept": ['"child"'],
  "refresh materialized view concurrently kept": ['"child"'],
};

describe.each(servers)(
  "on Postgres $major, the locks said beforehand are the locks that pg_locks shows",
  (server) => {
    let address: DatabaseAddress;
    beforeAll(async () => {
      address = await freshDatabase(server, SCHEMA);
    });
    afterAll(() => dropDatabases(address));

    test.each(STATEMENTS)("%s", async (sql) => {
      const { statements } = await parseMigration("migrations/0001_x.sql", Buffer.from(sql));
      const said = Object.fromEntries(statements[0]?.locks.map((lock) => [lock.relation, lock.mode]) ?? []);
      const held = await locksHeld(address, sql);
      const unsaid = Object.keys(held).filter((name) => said[name] === undefined && !BESIDE.test(name));
      expect(unsaid).toEqual(ONLY_IN_CATALOG[sql] ?? []);
      const strongest = Object.keys(said).map((name) => [
        name,
        LOCK_MODES.findLast((mode) => held[name]?.has(mode)),
      ]);
      expect(Object.fromEntries(strongest)).toEqual(said);
    });
  },
);

/** Runs the statement in a transaction that is rolled back; the locks it holds on relations that stood before, by name. */
async function locksHeld(address: DatabaseAddress, sql: string): Promise<Record<string, Set<string>>> {
  const session = await openSession(address, { application: "test" });
  try {
    const before = await session.query<{ oid: string; name: string }>(
      "select oid::text, format('%I', relname) as name from pg_class where relnamespace = 'public'::regnamespace",
    );
    await session.execute("set search_path = public");
    await session.execute("begin");
    await session.execute(sql);
    const locks = await session.query<{ oid: string; mode: string }>(
      "select relation::text as oid, mode from pg_catalog.pg_locks where pid = pg_backend_pid() and locktype = 'relation'",
    );
    const held: Record<string, Set<string>> = {};
    for (const { oid, mode } of locks) {
      const name = before.find((relation) => relation.oid === oid)?.name;
      if (name !== undefined) held[`"${name}"`] = (held[`"${name}"`] ?? new Set()).add(mode);
    }
    return held;
  } finally {
    await session.close();
  }
}
