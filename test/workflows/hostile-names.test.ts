import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type DatabaseAddress, databaseUrl } from "../../core/database-url.ts";
import { quoteName } from "../../core/names.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { type Hook, startHook } from "../service/hook.ts";
import { LocalService } from "../service/local-service.ts";
import { expectSettled, expectUntouched } from "../service/outcome.ts";
import { planned } from "../service/planned.ts";
import { PROJECT, SCHEMA } from "../service/project.ts";

/** Names that end a string, a statement or a line somewhere, or read as something else. */
const NAMES = [
  `it's "quoted"`,
  "semi;colon -- comment",
  "back\\slash\\",
  "two\nlines\tand a tab",
  "a.b",
  "MixedCase",
  "select",
  "$1 $$ #{x} %s",
  "n".repeat(63),
  "ü".repeat(31),
  " leading and trailing ",
];

const q = quoteName;

/** One schema per name, holding a table, a column, a sequence, an index, a view and a function of that name. */
const HOSTILE = NAMES.map((name) => {
  const schema = q(name === "n".repeat(63) ? `s${name.slice(1)}` : name);
  return `
create schema ${schema};
create table ${schema}.${q(name)} (id int generated always as identity primary key, ${q(name)} text, unique (${q(name)}));
insert into ${schema}.${q(name)} (${q(name)}) values ('one'), (null), ('it''s');
create view ${schema}.${q(`v${name.slice(1)}`)} as select * from ${schema}.${q(name)};
create function ${schema}.${q(`f${name.slice(1)}`)}() returns int language sql as $body$ select 1 $body$;
comment on table ${schema}.${q(name)} is 'it''s \\ a comment';`;
}).join("\n");

const migrate = (suffix: string) =>
  NAMES.map((name) => {
    const schema = q(name === "n".repeat(63) ? `s${name.slice(1)}` : name);
    return `alter table ${schema}.${q(name)} add column ${q(`${suffix}${name.slice(1)}`)} int default 7;
update ${schema}.${q(name)} set ${q(`${suffix}${name.slice(1)}`)} = id;`;
  }).join("\n");

describe("names and settings that would capture or break what is written around them", () => {
  const server = newestServer();
  const made: DatabaseAddress[] = [];
  let smoke: Hook;
  let smokeStatus = 200;
  let service: LocalService;

  beforeAll(async () => {
    smoke = await startHook(() => smokeStatus);
    service = await new LocalService(server.address, "hostile").start();
  });

  afterAll(async () => {
    await service.stop();
    await smoke.stop();
    await dropDatabases(...made);
  });

  async function environment(
    name: string,
    database: string,
    sql: string,
    policy: object = {},
  ): Promise<DatabaseAddress> {
    const address = await freshDatabase(server, sql, database);
    made.push(address);
    await service.register(name, address, policy);
    return address;
  }

  test.each([
    [200, "promoted"],
    [500, "rolled-back"],
  ])(
    "abuse 1, abuse 2: names full of traps go through a whole promotion behind a fence: smoke hook %i, %s",
    async (status, end) => {
      smokeStatus = status;
      const database = `it's "${end}"; \\ a.b\nÜber ${process.pid}`;
      const address = await environment(`names-${end}`, database, HOSTILE, { hooks: { smoke: smoke.url } });
      const before = await contentOf(address);
      const [index] = [q("i'\"; a.b")];
      const files = {
        "rehearsal.yaml": "project: hostile\n",
        "migrations/0001_columns.sql": migrate("x"),
        "migrations/0002_index.sql": `-- rehearsal: no-transaction
create index concurrently ${index} on ${q("a.b")}.${q("a.b")} (${q("a.b")});
`,
        "migrations/0003_more.sql": migrate("y"),
        "checks/every_row_counted.sql": `select id from ${q("a.b")}.${q("a.b")} where ${q("y.b")} is null;\n`,
      };
      const id = await service.promote(`names-${end}`, await service.release(await planned(files)));
      const detail = await service.until(id, end);
      smokeStatus = 200;
      if (end === "rolled-back") {
        const left = await rows<{ datname: string }>(
          server.address,
          "select datname from pg_database where strpos(datname, $1) > 0",
          [id],
        );
        for (const { datname } of left) made.push({ ...address, database: datname });
        await expectUntouched(service, detail, address, before, [expect.stringContaining(`__failed_${id}`)]);
        return;
      }
      for (const name of NAMES) {
        const schema = q(name === "n".repeat(63) ? `s${name.slice(1)}` : name);
        expect(
          await rows(
            address,
            `select count(*)::int as n from ${schema}.${q(name)} where ${q(`y${name.slice(1)}`)} = id`,
          ),
        ).toEqual([{ n: 3 }]);
      }
      await expectSettled(service, detail);
    },
  );

  test("abuse 2: a fence in a search path of odd schemas, and names that are one but for case", async () => {
    const sql = `create schema "a.b"; create schema "A.B"; create table "a.b".t (id int); create table "A.B".t (id int);
      create table "A.B"."T" (id int);`;
    const address = await environment("odd-path", `odd_path_${process.pid}`, sql, {
      searchPath: ["A.B", "a.b"],
      fence: "always",
    });
    const release = await service.release({
      "rehearsal.yaml": "project: odd\n",
      "migrations/0001_where.sql": 'insert into t values (1); insert into "T" values (2);',
    });
    await service.until(await service.promote("odd-path", release), "promoted");
    expect(
      await rows(
        address,
        'select (select id from "A.B".t), (select id from "A.B"."T") as t2, (select count(*)::int from "a.b".t)',
      ),
    ).toEqual([{ id: 1, t2: 2, count: 0 }]);
  });

  test("abuse 19: functions, operators and tables that stand in for the catalog's on the search path capture nothing", async () => {
    const traps = `${SCHEMA}
create schema evil;
create table evil.trapped (what text, who text default current_user);
create function evil.now() returns timestamptz language sql as $$ select '1900-01-01'::timestamptz $$;
create function evil.current_database() returns name language plpgsql as $$ begin insert into evil.trapped values ('current_database'); return 'evil'; end $$;
create function evil.pg_advisory_unlock(int, int) returns boolean language plpgsql as $$ begin insert into evil.trapped values ('unlock'); return true; end $$;
create function evil.set_config(text, text, boolean) returns text language plpgsql as $$ begin insert into evil.trapped values ('set_config'); return ''; end $$;
create function evil.quote_ident(text) returns text language plpgsql as $$ begin insert into evil.trapped values ('quote_ident'); return 'x'; end $$;
create function evil.hashtextextended(text, bigint) returns bigint language plpgsql as $$ begin insert into evil.trapped values ('hash'); return 0; end $$;
create function evil.length(text) returns int language plpgsql as $$ begin insert into evil.trapped values ('length'); return 0; end $$;
create function evil.equal(text, text) returns boolean language plpgsql as $$ begin insert into evil.trapped values ('='); return true; end $$;
create operator evil.= (leftarg = text, rightarg = text, function = evil.equal);
create function evil.join(text, text) returns text language plpgsql as $$ begin insert into evil.trapped values ('||'); return ''; end $$;
create operator evil.|| (leftarg = text, rightarg = text, function = evil.join);
create aggregate evil.count(*) (sfunc = int8inc, stype = int8, initcond = '77');
create table evil.pg_class (oid oid, relname text, relkind "char");
create table evil.pg_database (oid oid, datname text);
create table evil.applied (path text);
create type evil.text as (a int);
`;
    const address = await environment("captured", `captured_${process.pid}`, traps, {
      hooks: { smoke: smoke.url },
    });
    await execute(
      address,
      `alter database ${q(address.database)} set search_path = evil, public, pg_catalog`,
    );
    const release = await service.release(PROJECT);
    const detail = await service.until(await service.promote("captured", release), "promoted");
    await expectSettled(service, detail);
    expect(await rows(address, "select what from evil.trapped")).toEqual([]);
    expect(await rows(address, "select count(*)::int as n from public.speakers")).toEqual([{ n: 2 }]);
    expect(
      await rows(
        address,
        "select setting from pg_db_role_setting, unnest(setconfig) as setting where setdatabase = (select oid from pg_database where datname = $1)",
        [address.database],
      ),
    ).toEqual([{ setting: "search_path=evil, public, pg_catalog" }]);
  });

  test("abuse 19: an event trigger that notes every command sees the migration's, and none of the tool's", async () => {
    const sql = `${SCHEMA}
create table public.commands (tag text, query text);
create function public.note() returns event_trigger language plpgsql as $$ begin insert into public.commands values (tg_tag, current_query()); end $$;
create event trigger noting on ddl_command_end execute function public.note();`;
    const address = await environment("noted", `noted_${process.pid}`, sql, { fence: "always" });
    const before = await rows<{ tag: string }>(address, "select tag from public.commands");
    const release = await service.release({
      "rehearsal.yaml": "project: noted\n",
      "migrations/0001_table.sql": "create table noted_too (id int);",
    });
    const detail = await service.ending(await service.promote("noted", release));
    expect(detail).toMatchObject({ status: "promoted" });
    const after = await rows<{ tag: string; query: string }>(
      address,
      "select tag, query from public.commands",
    );
    expect(after.slice(before.length).map(({ query }) => query)).toEqual(["create table noted_too (id int)"]);
  });

  test("abuse 19: an event trigger that refuses commands is told in its own words, and nothing is half done", async () => {
    const guard = (tags: string) => `create function public.no() returns event_trigger language plpgsql
      as $$ begin raise exception 'no command here'; end $$;
      create event trigger guard on ddl_command_start ${tags} execute function public.no()`;
    const closed = await freshDatabase(server, `${SCHEMA} ${guard("")}`, `closed_${process.pid}`);
    made.push(closed);
    const registration = { name: "closed", role: "prod", url: databaseUrl(closed) };
    const refused = await service.call("POST", "/environments", registration);
    expect(refused).toMatchObject({
      status: 409,
      body: { code: "StatementFailed", detail: expect.stringContaining("no command here") },
    });
    expect(await rows(closed, "select 1 from pg_namespace where nspname = 'rehearsal'")).toEqual([]);

    const sql = `${SCHEMA} ${guard("when tag in ('ALTER TABLE')")}`;
    const address = await environment("guarded", `guarded_${process.pid}`, sql, { fence: "always" });
    const before = await contentOf(address);
    const release = await service.release(PROJECT);
    const detail = await service.until(await service.promote("guarded", release), "refused");
    expect(detail.error).toMatchObject({
      code: "MigrationFailed",
      message: expect.stringContaining("no command here"),
      hint: expect.stringContaining("mend this statement"),
    });
    await expectUntouched(service, detail, address, before);
  });
});
