/**
 * A migration as it is read: split, classed, and refused where it must be.
 * Long because it is mostly a table of statements with what is said of each.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseMigration } from "../../core/migration.ts";
import { FILE_BYTES } from "../../core/release-limits.ts";
import { refusalOf } from "../refusal.ts";

const PATH = "migrations/0001_do_it.sql";
const parse = (sql: string, path = PATH) => parseMigration(path, Buffer.from(sql));
const refused = (sql: string) => refusalOf(() => parse(sql));
const body = (text: string) => `do $$ ${text} $$`;

describe("a migration's file", () => {
  test("is cut into statements with exact source, line, class, locks and summary", async () => {
    const migration = await parse(
      "-- rehearsal: idempotent\n-- é\nalter table segments add column speaker_id bigint references app.speakers;\n\n  drop table old -- gone\n;",
    );
    expect(migration).toMatchObject({
      version: 1,
      name: "do_it",
      path: PATH,
      transactional: true,
      idempotent: true,
    });
    expect(migration.statements).toEqual([
      {
        index: 0,
        sql: "alter table segments add column speaker_id bigint references app.speakers",
        line: 3,
        kind: "AlterTableStmt",
        class: "additive",
        fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
        touches: { objects: [{ kind: "table", name: ["segments"] }], opaque: false },
        locks: [
          { relation: '"segments"', mode: "AccessExclusiveLock" },
          { relation: '"app"."speakers"', mode: "ShareRowExclusiveLock" },
        ],
        summary: 'alter table "segments" add column "speaker_id"',
        guarded: false,
      },
      {
        index: 1,
        sql: "drop table old -- gone\n",
        line: 5,
        kind: "DropStmt",
        class: "destructive",
        fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
        touches: { objects: [{ kind: "table", name: ["old"], loses: "rows" }], opaque: false },
        locks: [{ relation: '"old"', mode: "AccessExclusiveLock" }],
        summary: 'drop table "old"',
        guarded: false,
      },
    ]);
  });

  test("abuse 1: quotes, semicolons, line breaks and backslashes in names work", async () => {
    const name = `it"s; a\n\\ name`;
    const quoted = `"${name.replaceAll('"', '""')}"`;
    const migration = await parse(
      `create table ${quoted} (${quoted} int); select 1`,
      `migrations/0007_it's; "a"\nname.sql`,
    );
    expect(migration).toMatchObject({ version: 7, name: `it's; "a"\nname` });
    expect(migration.statements.map((statement) => statement.sql)).toEqual([
      `create table ${quoted} (${quoted} int)`,
      "select 1",
    ]);
  });

  test("abuse 2: dots, mixed case and reserved words in names work", async () => {
    const { statements } = await parse('alter table "a.b"."Select" add column "order" int; drop table "a.b"');
    expect(statements.map((statement) => statement.locks[0]?.relation)).toEqual(['"a.b"."Select"', '"a.b"']);
  });

  test("abuse 3: a NUL byte is refused, for it would hide the rest from the parser", async () => {
    const refusal = await refused("select 1;\nselect 2; \0 drop table t;");
    expect(refusal).toMatchObject({ code: "SqlNotText", message: expect.stringContaining(`${PATH}:2`) });
    expect(refusal.hint).toContain("without NUL");
  });

  test("abuse 4: a name longer than 63 bytes is refused, and what it would be taken for is said", async () => {
    const long = "é".repeat(40);
    expect(await refused(`create table t ("${long}" int)`)).toMatchObject({
      code: "NameTooLong",
      hint: expect.stringContaining(`"${"é".repeat(31)}"`),
    });
    const kept = "x".repeat(63);
    const both = await refused(`create table ${kept} (); create table ${kept}y ()`);
    expect(both).toMatchObject({ code: "NameTooLong", hint: expect.stringContaining("shorten it") });
    expect(both.message).toContain(`same as "${kept}"`);
    await parse(`create table ${kept} (a text default '${"y".repeat(100)}') -- ${"z".repeat(100)}`);
  });

  test("abuse 5: characters that turn text around are refused outside of strings", async () => {
    expect(await refused("select 1; -- \u202E 1 tceles")).toMatchObject({
      code: "BidiControl",
      message: expect.stringContaining("U+202E"),
      hint: expect.stringContaining("escape"),
    });
    expect(await refused('create table "a\u2066b" ()')).toMatchObject({ code: "BidiControl" });
    await parse("insert into t values ('\u202E')");
  });

  test("abuse 6: a byte-order mark and CRLF work, and the checksum is of the raw bytes", async () => {
    const plain = await parse("-- rehearsal: idempotent\nselect 1;\nselect 2;\n");
    const windows = await parse("\uFEFF-- rehearsal: idempotent\r\nselect 1;\r\nselect 2;\r\n");
    expect(windows.sql).toBe("-- rehearsal: idempotent\r\nselect 1;\r\nselect 2;\r\n");
    expect(windows.statements).toEqual(plain.statements);
    expect(windows.idempotent).toBe(true);
    expect(windows.sha256).not.toBe(plain.sha256);
  });

  test("abuse 6: invalid UTF-8 is refused with its line", async () => {
    const bytes = Buffer.concat([
      Buffer.from("select 'é';\nselect '"),
      Buffer.from([0xc3, 0x28]),
      Buffer.from("'"),
    ]);
    const refusal = await refusalOf(() => parseMigration(PATH, bytes));
    expect(refusal).toMatchObject({ code: "SqlNotText", hint: expect.stringContaining("UTF-8") });
    expect(refusal.message).toContain(`${PATH}:2: it is not text in UTF-8: byte 22 cannot stand there`);
  });

  test("abuse 10: a file above the limit is refused before it is read", async () => {
    const refusal = await refusalOf(() => parseMigration(PATH, new Uint8Array(FILE_BYTES + 1)));
    expect(refusal).toMatchObject({ code: "FileTooLarge", hint: expect.stringContaining("split the file") });
  });

  test("abuse 10: what the parser cannot hold is refused, and the parser goes on working", async () => {
    expect(await refused(`select ${Array(20_000).fill("1").join("+")}`)).toMatchObject({
      code: "SqlTooComplex",
      hint: expect.stringContaining("split the statement"),
    });
    expect(await refused(`select ${"(".repeat(50_000)}1${")".repeat(50_000)}`)).toMatchObject({
      code: "SqlTooComplex",
    });
    expect(process.exitCode).toBeUndefined();
    await parse("select 1");
  });

  test("a syntax error is told with line, column and the parser's words", async () => {
    expect(await refused("select 'é';\n  selec 1;")).toEqual({
      code: "SqlSyntax",
      message: `${PATH}:2:3: syntax error at or near "selec"`,
      hint: "mend the SQL; it is read with the parser of Postgres 18",
    });
  });

  test.each(["", "  \n", ";;", "-- only words\n/* and more */"])(
    "without a statement (%j) it is refused",
    async (sql) => {
      expect(await refused(sql)).toMatchObject({
        code: "SqlEmpty",
        hint: expect.stringContaining("remove the file"),
      });
    },
  );

  test.each([
    ["migrations/1_a.sql", "its number is written 0001"],
    ["migrations/00001_a.sql", "its number is written 0001"],
    ["migrations/0000_a.sql", "numbers begin at 0001"],
    ["migrations/0001.sql", "it is not a number"],
    ["migrations/0001_.sql", "it is not a number"],
  ])("a name like %s is refused", async (path, reason) => {
    const refusal = await refusalOf(() => parse("select 1", path));
    expect(refusal).toMatchObject({
      code: "MigrationNameInvalid",
      hint: expect.stringContaining("NNNN_what_it_does"),
    });
    expect(refusal.message).toContain(reason);
  });
});

describe("directives", () => {
  test("are read from the comments before the first statement only", async () => {
    const migration = await parse(
      "/* licence\n -- rehearsal: nonsense /* nested */ */\n--rehearsal:no-transaction  \n\n-- rehearsal: idempotent\nvacuum t",
    );
    expect(migration).toMatchObject({ transactional: false, idempotent: true });
    expect(await parse("select '-- rehearsal: nonsense'")).toMatchObject({ idempotent: false });
  });

  test.each([
    ["no-transactions", 'did you mean "no-transaction"?'],
    ["sideways", "known are: no-transaction, idempotent"],
    ["", "known are: no-transaction, idempotent"],
  ])("-- rehearsal: %s is refused with what may have been meant", async (directive, hint) => {
    const refusal = await refused(`-- one\n-- rehearsal: ${directive}\nselect 1`);
    expect(refusal).toMatchObject({ code: "DirectiveUnknown", hint: expect.stringContaining(hint) });
    expect(refusal.message).toContain(`${PATH}:2`);
  });

  test("one after the first statement is refused rather than overlooked", async () => {
    const refusal = await refused("select 1;\n-- rehearsal: no-transaction\nselect 2");
    expect(refusal).toMatchObject({
      code: "DirectiveMisplaced",
      hint: expect.stringContaining("at its top"),
    });
    expect(refusal.message).toContain(`${PATH}:2`);
  });
});

describe("abuse 15: transaction control is refused", () => {
  test.each([
    "begin",
    "start transaction",
    "commit",
    "end",
    "rollback",
    "abort",
    "savepoint a",
    "release a",
    "rollback to a",
    "prepare transaction 'x'",
    "commit prepared 'x'",
    "rollback prepared 'x'",
    "set transaction isolation level serializable",
    body("begin commit; end"),
    body("begin if true then rollback; end if; end"),
  ])("%s", async (sql) => {
    expect(await refused(`select 1;\n${sql};`)).toMatchObject({
      code: "TransactionControl",
      message: expect.stringContaining(`${PATH}:2`),
      hint: expect.stringContaining("opened and committed by Rehearsal"),
    });
  });

  test("but not in a procedure that is only defined, nor in words and strings", async () => {
    await parse(
      "create procedure p() language plpgsql as $$ begin commit; end $$; select 'commit' as begin; -- commit",
    );
  });
});

describe("abuse 16: what would leak into the session is refused", () => {
  test.each([
    "set role a",
    "set local role a",
    "reset role",
    "set session authorization a",
    "reset session authorization",
    "reset all",
    "discard all",
    "discard temp",
    "set session characteristics as transaction read only",
    "set session_replication_role = replica",
    "set local session_replication_role = replica",
    "set standard_conforming_strings = off",
    "set names 'latin1'",
    "select set_config('role', 'a', true)",
    "select pg_catalog.set_config('Session_Replication_Role', 'replica', false)",
    "select pg_advisory_lock(1)",
    "select pg_advisory_unlock_all()",
    "listen a",
    body("begin set role a; end"),
    body("begin perform set_config('role', 'a', false); end"),
    body("begin execute 'set role a'; end"),
  ])("%s", async (sql) => {
    expect(await refused(sql)).toMatchObject({
      code: "SessionChange",
      hint: expect.stringContaining("leave the session as it is"),
    });
  });

  test.each([
    "set search_path = app, public",
    "set local lock_timeout = '1s'",
    "select set_config('app.tenant', 'x', true)",
    "select pg_advisory_xact_lock(1)",
    "create function f() returns void language plpgsql set role = a as $$ begin set local role b; end $$",
    "notify pgrst, 'reload schema'",
  ])("but not: %s", async (sql) => {
    await parse(sql);
  });
});

describe("abuse 17: reach beyond the database is refused", () => {
  test.each([
    "copy t from program 'curl x'",
    "copy (select 1) to program 'sh'",
    "copy t from '/etc/passwd'",
    "copy t to '/tmp/x'",
    "alter system set fsync = off",
    "load 'x'",
    "create extension dblink",
    "create extension if not exists postgres_fdw",
    "create extension plpython3u",
    "create language plperlu",
    "create function f() returns text language internal as 'pg_read_file'",
    "create function f() returns int language c as 'x', 'y'",
    "do language plpython3u 'import os'",
    "create server s foreign data wrapper w",
    "create user mapping for a server s options (password 'x')",
    "create subscription s connection 'host=x' publication p",
    "import foreign schema a from server s into b",
    "select pg_read_file('/etc/passwd')",
    "select \"pg_catalog\".pg_read_binary_file('x')",
    "select lo_import('/etc/passwd')",
    "update t set a = (select pg_ls_dir('.') limit 1)",
    "create view v as select * from dblink('x', 'y') as t(a int)",
    "select ext.dblink_exec('x', 'y')",
    "alter table t add column a text default pg_read_file('x')",
    "create index on t (pg_stat_file(a))",
    "select pg_terminate_backend(1)",
    "select aws_lambda.invoke('x', 'y')",
    "create aggregate a(int) (sfunc = pg_read_file, stype = text)",
    "create function f() returns text language sql as $$ select pg_read_file('x') $$",
    "create function f() returns text begin atomic select pg_read_file('x'); end",
    "create function f() returns text language plpgsql as $$ declare x text; begin x := pg_read_file('x'); return x; end $$",
    "create function f(out a text) language plpgsql as $$ begin select lo_export(1, 'x') into a; end $$",
    "create function f() returns setof text language plpgsql as $$ begin return query select pg_ls_dir('.'); end $$",
    body("begin execute 'copy t from program ''x'''; end"),
    body("begin this is not plpgsql; perform pg_read_file('x') end"),
    "explain analyze select pg_read_file('x')",
    "prepare p as select pg_read_file('x')",
  ])("%s", async (sql) => {
    const refusal = await refused(sql);
    expect(refusal).toMatchObject({ code: "ServerReach" });
    expect(refusal.hint).toContain("only its own database");
  });

  test.each([
    "create database d",
    "drop database if exists d",
    "alter database d set search_path = a",
    "alter database d rename to e",
    "alter database d owner to a",
    "create role a",
    "create user a password 'x'",
    "alter role a set search_path = b",
    "drop role a",
    "grant a to b",
    "revoke a from b",
    "grant connect on database d to a",
    "comment on database d is 'x'",
    "comment on role a is 'x'",
    "comment on tablespace a is 'x'",
    "create tablespace a location '/x'",
    "drop tablespace a",
    "reassign owned by a to b",
    "drop owned by a",
    "checkpoint",
    body("begin execute 'drop database d'; end"),
  ])("and so is what the whole server would feel: %s", async (sql) => {
    expect(await refused(sql)).toMatchObject({
      code: "ClusterWide",
      hint: expect.stringContaining("would already change production"),
    });
  });

  test.each(["update pg_database set datallowconn = false", "delete from pg_catalog.pg_class"])(
    "and so are writes to the catalogs: %s",
    async (sql) => {
      expect(await refused(sql)).toMatchObject({
        code: "CatalogWritten",
        hint: expect.stringContaining("ALTER, COMMENT or GRANT"),
      });
    },
  );

  test.each([
    "revoke execute on function pg_read_file(text) from public",
    "select app.pg_read_file('x')",
    "select 'pg_read_file(1)' -- pg_read_file('x')",
    "create extension pgcrypto",
    "select lo_create(0)",
    "comment on table t is 'copy to program'",
  ])("but not: %s", async (sql) => {
    await parse(sql);
  });
});

describe("abuse 18: the ledger's schema is out of reach", () => {
  test.each([
    "insert into rehearsal.applied values (1)",
    'delete from "rehearsal".applied',
    "select * from rehearsal.identity",
    "drop schema rehearsal cascade",
    "drop schema a, rehearsal",
    "create schema rehearsal",
    "create schema authorization rehearsal",
    "alter schema rehearsal rename to x",
    "alter schema x rename to rehearsal",
    "alter schema rehearsal owner to a",
    "alter table t set schema rehearsal",
    "alter function f() set schema rehearsal",
    "drop table rehearsal.applied",
    "drop table d.rehearsal.applied",
    "drop function rehearsal.f(int)",
    "drop type rehearsal.t",
    "drop trigger t on rehearsal.applied",
    "truncate rehearsal.applied",
    "create table rehearsal.t ()",
    "create table t (a rehearsal.d)",
    "create table t (a int references rehearsal.applied)",
    "create view v as select 1 from rehearsal.applied",
    "create trigger t before insert on a execute function rehearsal.f()",
    "select rehearsal.f()",
    "select 'rehearsal.applied'::regclass",
    "select nextval('rehearsal.s')",
    "comment on schema rehearsal is 'x'",
    "comment on table rehearsal.applied is 'x'",
    "comment on column rehearsal.applied.path is 'x'",
    "grant usage on schema rehearsal to a",
    "grant select on all tables in schema rehearsal to a",
    "alter default privileges in schema rehearsal grant select on tables to a",
    "create extension pgcrypto schema rehearsal",
    "create publication p for tables in schema rehearsal",
    "set search_path = public, rehearsal",
    "set schema 'rehearsal'",
    "select set_config('search_path', 'a, rehearsal', true)",
    "create function f() returns int language sql set search_path = rehearsal return 1",
    "create function f() returns void language plpgsql as $$ begin update rehearsal.applied set path = ''; end $$",
    body("begin execute 'drop schema rehearsal cascade'; end"),
    body("begin not plpgsql at all rehearsal.applied end"),
    "create or replace function rehearsal.is_acting(kind text) returns boolean language sql return true",
    "create trigger t before insert on a execute function rehearsal.record_archived()",
    "drop function rehearsal.is_acting(text)",
    "revoke execute on function rehearsal.is_acting(text) from public",
  ])("%s", async (sql) => {
    expect(await refused(sql)).toMatchObject({
      code: "LedgerTouched",
      hint: expect.stringContaining("use another schema"),
    });
  });

  test.each([
    "create table rehearsal (rehearsal int, x int, unique (rehearsal, x))",
    "select rehearsal.x from t as rehearsal join u using (rehearsal, x)",
    "insert into t values ('rehearsal.applied')",
    "comment on column public.rehearsal.x is 'x'",
    "drop trigger t on public.rehearsal",
    "create type e as enum ('rehearsal', 'x')",
    "create trigger t before insert on a execute function f('rehearsal', 'x')",
    "drop table rehearsal, x",
    "drop schema rehearsals",
    body("begin perform rehearsal.record_archived('jobs', '1'); end"),
    body("begin if rehearsal.is_acting('prune') then return; end if; end"),
  ])("but not: %s", async (sql) => {
    await parse(sql);
  });
});

describe("abuse 20: what belongs to psql is told apart from plain mistakes", () => {
  test.each([
    ["select 1;\n\\i other.sql\n", "\\i", 2],
    ["\\set x 1", "\\set", 1],
    ["select 1;\n\n  \\copy t from 'x'", "\\copy", 3],
    ["select 'create table t()' \\gexec", "\\gexec", 1],
  ])("%j", async (sql, command, line) => {
    expect(await refused(sql)).toEqual({
      code: "PsqlCommand",
      message: `${PATH}:${line}: ${command} is a command of psql, not SQL`,
      hint: expect.stringContaining("a migration is plain SQL"),
    });
  });

  test.each([
    ["select 1;\nCOPY t (a, b) FROM stdin;\n1\tx\n\\.\n", 2],
    ["copy t from stdin with (format csv);\n\n1,x\n", 1],
    ["copy t from stdin", 1],
    ["copy t to stdout", 1],
  ])("%j", async (sql, line) => {
    expect(await refused(sql)).toMatchObject({
      code: "InlineCopy",
      message: expect.stringContaining(`${PATH}:${line}:`),
      hint: expect.stringContaining("INSERT"),
    });
  });
});

describe("what cannot run inside a transaction", () => {
  const outside = [
    "create index concurrently i on t (a)",
    "drop index concurrently i",
    "reindex table concurrently t",
    "reindex schema s",
    "vacuum full t",
    "cluster",
    "alter table p detach partition q concurrently",
  ];

  test.each(outside)("is refused in an ordinary migration: %s", async (sql) => {
    expect(await refused(sql)).toMatchObject({
      code: "TransactionImpossible",
      hint: expect.stringContaining("-- rehearsal: no-transaction"),
    });
  });

  test.each(outside)("works after the directive: %s", async (sql) => {
    const { statements } = await parse(`-- rehearsal: no-transaction\n${sql}`);
    expect(statements[0]?.class).toBe("non-transactional");
  });

  test.each([
    "lock table t",
    "set local x.y = 1",
    "set constraints all deferred",
    "declare c cursor for select 1",
  ])("and what means nothing outside one is refused there: %s", async (sql) => {
    await parse(sql);
    expect(await refused(`-- rehearsal: no-transaction\n${sql}`)).toMatchObject({
      code: "TransactionNeeded",
      hint: expect.stringContaining("move it into a migration without"),
    });
  });

  test("a value added to an enum cannot be used in the same transaction, unless the type was made in it", async () => {
    const use = "alter type mood add value 'new'; insert into t values ('new')";
    expect(await refused(use)).toMatchObject({
      code: "EnumValueTooSoon",
      hint: expect.stringContaining("an earlier migration"),
    });
    await parse(`create type mood as enum (); ${use}`);
    await parse(`-- rehearsal: no-transaction\n${use}`);
  });

  test("a concurrent index tells its name, for the catalog to be asked after a crash", async () => {
    const names = async (sql: string) =>
      (await parse(`-- rehearsal: no-transaction\n${sql}`)).statements.map(
        (statement) => statement.concurrentIndex,
      );
    expect(
      await names('create index concurrently "My i" on t (a); reindex index concurrently s.j; vacuum t'),
    ).toEqual(["My i", "j", undefined]);
  });
});

describe("statements have a class", () => {
  test.each([
    ["additive", "create table t (id int primary key)"],
    ["additive", "alter table t add column a timestamptz not null default now()"],
    ["additive", "alter table t add column a int generated always as (1) virtual"],
    ["additive", "alter table t alter column a drop not null, add check (a > 0)"],
    ["additive", "insert into t values (1) on conflict do nothing"],
    ["additive", "create or replace function f() returns int language sql return 1"],
    ["additive", "alter type e add value 'x'"],
    ["additive", body("begin perform 1; end")],
    ["rewriting", "alter table t alter column a type bigint"],
    ["rewriting", "alter table t add column a uuid default gen_random_uuid()"],
    ["rewriting", "alter table t add column a bigserial"],
    ["rewriting", "alter table t add column a int generated always as identity"],
    ["rewriting", "alter table t add column a int generated always as (1) stored"],
    ["rewriting", "alter table t set unlogged"],
    ["rewriting", "update t set a = 1"],
    ["rewriting", "insert into t values (1) on conflict (a) do update set a = 2"],
    ["rewriting", body("begin update t set a = 1; end")],
    ["destructive", "drop table if exists t"],
    ["destructive", "alter table t add column b int, drop column a"],
    ["destructive", "alter table t rename column a to b"],
    ["destructive", "truncate t"],
    ["destructive", "delete from t"],
    ["destructive", "with gone as (delete from t returning 1) select * from gone"],
    ["destructive", "merge into t using u on t.a = u.a when matched then delete"],
    ["destructive", "revoke select on t from a"],
    ["destructive", body("begin drop table t; end")],
    ["destructive", body("begin execute format('alter table %I add a int', 't'); end")],
  ])("%s: %s", async (wanted, sql) => {
    expect((await parse(sql)).statements[0]?.class).toBe(wanted);
  });
});

describe("splitting", () => {
  const name = fc.constantFrom("t", '"a;b"', '"ü""x"', '"日本"', "naïve");
  const literal = fc.constantFrom(
    "'a;b'",
    "$$ ; -- no $$",
    "$ü$ it's; $$ $ü$",
    "E'\\';'",
    "'é\n;'",
    "U&'\\00e9'",
    "1",
  );
  const statement = fc.oneof(
    fc.tuple(name, literal).map(([table, value]) => `insert into ${table} values (${value})`),
    fc.tuple(literal, name).map(([value, alias]) => `select ${value} as ${alias}`),
    name.map((table) => `create table ${table} (\n  a int -- é ;\n)`),
    name.map(
      (called) => `create function ${called}() returns int language sql as $f$ select 1; select 2; $f$`,
    ),
    fc.constant("create procedure p() begin atomic select 1; select 2; end"),
    fc.constant("with x as (select 1) update t set a = 1"),
  );
  const gap = fc.constantFrom("", " ", "\n", "\r\n", " -- é; x\n", "/* ; /* ü */ */", ";", "\t;\n");

  test("gives every statement back as it was written, and nothing but gaps between them", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(gap, statement, gap), { minLength: 1, maxLength: 12 }),
        async (parts) => {
          const sql = parts.map(([before, text, after]) => `${before}${text};${after}`).join("");
          const { statements } = await parse(sql);
          expect(statements.map((one) => one.sql)).toEqual(parts.map(([, text]) => text));
          let at = 0;
          for (const one of statements) {
            const start = sql.indexOf(one.sql, at);
            expect(one.line).toBe(sql.slice(0, start).split("\n").length);
            expect(stripped(sql.slice(at, start))).toBe("");
            at = start + one.sql.length;
          }
          expect(stripped(sql.slice(at))).toBe("");
        },
      ),
      { numRuns: 200 },
    );
  });

  /** A gap without its comments, white space and semicolons. */
  const stripped = (text: string) => text.replace(/--[^\n]*|\/\* ; \/\* ü \*\/ \*\/|[\s;]/g, "");
});

test("500 small migrations are read within two seconds", async () => {
  await parse("select 1");
  const started = performance.now();
  for (let version = 1; version <= 500; version++)
    await parse(
      `create table t${version} (id bigint primary key, name text not null, made timestamptz default now());\ncreate index on t${version} (name);`,
      `migrations/${String(version).padStart(4, "0")}_t.sql`,
    );
  expect(performance.now() - started).toBeLessThan(2_000);
});
