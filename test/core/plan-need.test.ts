/** Which statements need a data plan: all that are not known to only add. */
import { describe, expect, test } from "vitest";
import { parseMigration } from "../../core/migration.ts";
import { needingPlan } from "../../core/plan-need.ts";

const migrationOf = (sql: string) => parseMigration("migrations/0001_change.sql", Buffer.from(sql));

describe("which statements need a plan", () => {
  test.each([
    "update t set a = 1",
    "delete from t",
    "truncate t",
    "drop table t",
    "drop index i",
    "alter table t drop column a",
    "alter table t rename column a to b",
    "alter table t alter column a type int",
    "alter table t set schema s",
    "alter type e rename value 'a' to 'b'",
    "revoke select on t from someone",
    "with gone as (delete from t returning *) select * from gone",
    "insert into t values (1) on conflict (a) do update set a = 2",
    "merge into t using s on t.a = s.a when matched then delete",
    "do $$ begin execute 'dr' || 'op table t'; end $$",
    "call anything()",
    "select setval('s', 1)",
    "select lo_unlink(1)",
    "select query_to_xml('delete from t returning 1', true, true, '')",
    "create rule r as on insert to t do instead nothing",
    "alter table t enable row level security",
    "alter table t enable replica trigger g",
    "alter table t alter column a restart with 1",
    "alter sequence s restart with 1",
    "alter table t alter constraint c not enforced",
    "alter table t owner to somebody",
    "alter default privileges revoke select on tables from somebody",
    "alter extension e drop function f()",
    "alter extension e update",
    "alter publication p drop table t",
    "alter operator family f using btree drop operator 1 (int, int)",
    "alter text search configuration c drop mapping for word",
    "alter policy p on t using (true)",
    "alter function f() security definer",
    "drop user mapping for someone server s",
    "execute prepared",
    "do $$ begin call anything(); end $$",
    "do $$ declare c refcursor; begin open c for execute 'delete from ' || 't returning 1'; end $$",
    "create temp table t (a int) on commit drop; update t set a = 1",
    "create table pg_temp.t (a int); update pg_temp.t set a = 1",
    "create table t2 (a int); delete from t2",
    "create table if not exists t2 (a int); update t2 set a = 1",
    "create table t2 (a int); update other set a = 1",
  ])("%s", async (sql) => {
    expect(needingPlan(await migrationOf(sql))).toHaveLength(1);
  });

  test.each([
    "create table t (a int)",
    "insert into t select 1",
    "alter table t add column a int",
    "create index i on t (a)",
    "refresh materialized view m",
    "alter default privileges grant select on tables to somebody",
    "alter publication p add table t",
    "alter text search configuration c add mapping for word with simple",
    "alter operator family f using btree add operator 1 = (int, int)",
    "alter extension e add function f()",
    "alter table t alter column a set generated always",
    "alter sequence s maxvalue 9",
    "alter function f() stable cost 3",
    "create rule r as on insert to t do also select 1",
    "create table t2 (a int); alter table t2 enable row level security",
    "-- rehearsal: no-transaction\ncreate index concurrently i on t (a)",
    "-- rehearsal: no-transaction\nreindex index concurrently i",
    "create table t2 (a int); update t2 set a = 1; alter table t2 alter column a type text",
    "select 1",
  ])("none: %s", async (sql) => {
    expect(needingPlan(await migrationOf(sql))).toEqual([]);
  });
});
