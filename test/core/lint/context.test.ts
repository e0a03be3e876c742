/**
 * What the analysis knows around a statement: what the release made, what it proved, how large production is, and what is allowed.
 * Long because it is mostly statements with what is found in each.
 */
import { describe, expect, test } from "vitest";
import { feedMigration } from "../../../core/feed-migration.ts";
import { type LintOptions, lint } from "../../../core/lint/lint.ts";
import { lintSection } from "../../../core/report-lint.ts";
import { lockOf } from "../store/a-definition.ts";
import { projectOf } from "./project-of.ts";

const ORDERS =
  "create table if not exists orders (id bigint primary key, customer_id bigint, note varchar(20));";

/** `rule@file:line` of what is not suppressed, warnings about idempotence left out. */
async function findings(migrations: string[], options: LintOptions & { from?: number } = {}) {
  const project = await projectOf({ migrations });
  const pending = new Set(project.migrations.slice(options.from ?? 0).map(({ path }) => path));
  return lint(project, { pending, ...options }).filter(({ rule }) => rule !== "not-idempotent");
}

const named = async (migrations: string[], options: LintOptions & { from?: number } = {}) =>
  (await findings(migrations, options)).map(
    ({ rule, path, line }) => `${rule}@${Number(path.slice(11, 15))}:${line}`,
  );

describe("a table that the same release makes", () => {
  const work = [
    "create index on orders (note);",
    "alter table orders alter column note set not null;",
    "alter table orders add check (id > 0);",
    "update orders set note = '';",
    "alter table orders drop column note;",
    "drop table orders;",
  ];

  test("is locked by nobody: nothing is found", async () => {
    expect(await named([ORDERS, ...work])).toEqual([]);
  });

  test("stood when an earlier release made it", async () => {
    expect(await named([ORDERS, ...work], { from: 1 })).toEqual([
      "index-without-concurrently@2:1",
      "set-not-null-without-check@3:1",
      "check-without-not-valid@4:1",
      "work-after-access-exclusive@4:1",
      "data-motion-without-batch@5:1",
      "work-after-access-exclusive@5:1",
      "drop-column@6:1",
      "drop-table@7:1",
    ]);
  });

  test("keeps being new under another name and its full one", async () => {
    expect(
      await named([
        `${ORDERS} alter table orders rename to purchases; drop index if exists orders_pkey;`,
        "alter table public.purchases drop column note; truncate purchases;",
      ]),
    ).toEqual([]);
  });

  test("is new in its own file only when nobody knows which files run together", async () => {
    expect(
      await named([`${ORDERS} create index on orders (note);`, "create index on orders (id);"], {
        apart: true,
      }),
    ).toEqual(["index-without-concurrently@2:1"]);
  });
});

describe("names", () => {
  test("abuse 1, abuse 2: hostile and dotted names are one table, quoted in every message", async () => {
    const name = '"a.b"."it""s; a\\ name"';
    const [found] = await findings([`create table ${name} (id int);`, `drop table ${name};`], { from: 1 });
    expect(found?.message).toContain(name);
    expect(await named([`create table ${name} (id int);`, `drop table ${name};`])).toEqual([]);
    expect(await named(['create table "a.b" (id int);', "drop table a.b;"])).toEqual(["drop-table@2:1"]);
  });

  test("without a schema are those of the search path", async () => {
    const release = ["create table app.t (id int);", "drop table t;"];
    expect(await named(release, { searchPath: ["app"] })).toEqual([]);
    expect(await named(release)).toEqual(["drop-table@2:1"]);
  });
});

describe("what earlier statements proved", () => {
  test("a validated CHECK (… IS NOT NULL), also joined by AND, makes SET NOT NULL free", async () => {
    const release = (validated: string) => [
      ORDERS,
      "alter table orders add constraint given check (id > 0 and note is not null) not valid;",
      `-- rehearsal: no-transaction\n${validated}`,
      "alter table orders alter column note set not null;",
    ];
    expect(await named(release("alter table orders validate constraint given;"), { from: 1 })).toEqual([]);
    expect(await named(release("analyze orders;"), { from: 1 })).toEqual([
      "constraint-left-not-valid@2:1",
      "set-not-null-without-check@4:1",
    ]);
  });

  test("a constraint without a name has the one that Postgres gives it", async () => {
    expect(
      await named(
        [
          ORDERS,
          "alter table orders add check (note is not null) not valid;",
          "-- rehearsal: no-transaction\nalter table orders validate constraint orders_note_check;",
        ],
        { from: 1 },
      ),
    ).toEqual([]);
  });

  test("an index of any earlier or later file serves a foreign key; one of some rows does not", async () => {
    const key =
      "alter table orders add constraint c foreign key (customer_id) references customers not valid;";
    const index = (where: string) =>
      `-- rehearsal: no-transaction\ncreate index concurrently i on orders (customer_id, id) ${where};`;
    const validate = "-- rehearsal: no-transaction\nalter table orders validate constraint c;";
    expect(await named([ORDERS, key, index(""), validate], { from: 1 })).toEqual([]);
    expect(await named([ORDERS, key, index("where id > 7"), validate], { from: 1 })).toEqual([
      "foreign-key-without-index@2:1",
    ]);
  });

  test.each([
    ["varchar(40)", []],
    ["text", []],
    ["text using note::text", []],
    ["text using upper(note)", ["type-change-rewrite@2:1"]],
    ["varchar(10)", ["narrowing-type@2:1"]],
    ["char(20)", ["type-change-rewrite@2:1"]],
    ["bytea using note::bytea", ["type-change-rewrite@2:1"]],
  ])("a varchar(20) that becomes %s", async (type, expected) => {
    const sql = `alter table orders alter column note type ${type};`;
    expect(await named([ORDERS, sql], { from: 1 })).toEqual(expected);
  });
});

describe("what comes with a constraint", () => {
  test("a foreign key of a new column is looked through only where old rows have a value in it", async () => {
    const add = (more: string) =>
      `alter table orders add column buyer bigint ${more} references customers; create index b on orders (buyer);`;
    const blocking = async (sql: string) =>
      (await named([ORDERS, sql], { from: 1 })).filter((one) => one.startsWith("foreign-key"));
    expect(await blocking(add(""))).toEqual([]);
    expect(await blocking(add("default 1"))).toEqual(["foreign-key-without-not-valid@2:1"]);
  });

  test("PRIMARY KEY USING INDEX sets its columns NOT NULL, and is free where they are", async () => {
    const table = (words: string) => `create table if not exists t (id bigint ${words});`;
    const release = (words: string, before = "analyze t;") => [
      table(words),
      "-- rehearsal: no-transaction\ncreate unique index concurrently t_id on t (id);",
      before,
      "alter table t add constraint t_pkey primary key using index t_id;",
    ];
    expect(await named(release(""), { from: 1 })).toEqual(["set-not-null-without-check@4:1"]);
    expect(await named(release("not null"), { from: 1 })).toEqual([]);
    expect(await named(release("check (id is not null)"), { from: 1 })).toEqual([]);
    expect(
      await named(release("not null", "alter table t alter column id drop not null;"), { from: 1 }),
    ).toEqual(["set-not-null-without-check@4:1"]);
  });

  test("a domain's CHECK is held against every table that uses it", async () => {
    const domain = "create domain email as text;";
    const check = (more: string) => `alter domain email add constraint at check (value like '%@%') ${more};`;
    expect(await named([domain, check("")], { from: 1 })).toEqual(["check-without-not-valid@2:1"]);
    expect(await named([domain, check("not valid")], { from: 1 })).toEqual([]);
    expect(await named([domain, check("")])).toEqual([]);
  });
});

describe("the transaction", () => {
  test("goes on over consecutive files, and work in the next one keeps readers out as well", async () => {
    const first = "alter table orders add column year int;";
    const second = "-- rehearsal: allow data-motion-without-batch: few\nupdate others set a = 1;";
    const [found] = (await findings([ORDERS, first, second], { from: 1 })).filter(
      ({ suppressed }) => suppressed === undefined,
    );
    expect(found).toMatchObject({
      rule: "work-after-access-exclusive",
      severity: "error",
      message: expect.stringContaining('"public"."orders", locked at migrations/0002_example.sql:1'),
    });
    expect(
      await named(
        [ORDERS, first, "-- rehearsal: no-transaction\nvacuum orders;", "create view v as select 1;"],
        {
          from: 1,
        },
      ),
    ).toEqual([]);
  });

  test("a batch is its own", async () => {
    expect(
      await named(
        [
          ORDERS,
          "alter table orders add column year int;",
          "-- rehearsal: batch table=orders key=id size=1000\nupdate orders set year = 1;",
        ],
        { from: 1 },
      ),
    ).toEqual([]);
  });
});

describe("rows that are moved", () => {
  test.each([
    ["insert into orders values (1), (2)", 0],
    ["insert into orders select 1", 0],
    ["insert into orders select * from others", 1],
    ["with gone as (delete from orders returning id) select * from gone", 1],
    ["explain update orders set note = ''", 0],
    ["explain analyze update orders set note = ''", 1],
    ["merge into orders using others on orders.id = others.id when matched then delete", 1],
    ["update orders set note = '' where id = 3", 0],
    ["update orders set note = '' where id > 3", 1],
    ["update orders set note = '' where customer_id = 3", 1],
    ["create temporary table x on commit drop as select 1", 0],
  ])("%s: %d", async (sql, count) => {
    const quick = "alter table orders add column if not exists year int;";
    const rules = (await findings([ORDERS, `${sql};`], { from: 1 })).map(({ rule }) => rule);
    expect(rules).toEqual(count === 0 ? [] : ["data-motion-without-batch"]);
    const after = (await findings([ORDERS, `${quick}\n${sql};`], { from: 1 })).map(({ rule }) => rule);
    if (count === 0 && !sql.startsWith("update")) expect(after).toEqual([]);
  });
});

describe("what runs inside a DO block", () => {
  test("is looked at like any statement", async () => {
    expect(
      await named([ORDERS, "do $$ begin if true then drop table orders; end if; end $$;"], { from: 1 }),
    ).toEqual(["drop-table@2:1"]);
  });
});

describe("sizes of production", () => {
  const index = [ORDERS, "create index i on orders (note);"];
  const sized = async (bytes: number, rows: number, sql = index) =>
    (await findings(sql, { from: 1, sizes: { '"public"."orders"': { rows, bytes } } }))[0];

  test("stand in the message", async () => {
    expect(await sized(3.1 * 2 ** 30, 1_200_000)).toMatchObject({
      severity: "error",
      message: 'nobody can write to "orders" while its index is built (about 1,200,000 rows, 3.1 GiB)',
      lock: { mode: "ShareLock", relations: ['"orders"'] },
      blocks: "writes",
    });
  });

  test("make what blocks a tiny table a warning, and never what destroys it", async () => {
    expect(await sized(8_192, 1)).toMatchObject({
      severity: "warning",
      message: expect.stringContaining("(about 1 row, 8.0 KiB)"),
    });
    expect(await sized(8_192, 1, [ORDERS, "drop table orders;"])).toMatchObject({ severity: "error" });
  });
});

describe("an allowance", () => {
  const drop = (comment: string, options: LintOptions & { from?: number } = { from: 1 }) =>
    findings([ORDERS, `select 1;\n${comment}\n-- more words\ndrop table orders;`], options);

  test("keeps the finding, with its reason", async () => {
    expect(await drop("-- rehearsal: allow drop-table: in the archive: since March ")).toMatchObject([
      { rule: "drop-table", severity: "error", suppressed: { reason: "in the archive: since March" } },
    ]);
  });

  test("is not needed where a data plan names the statement, whose point is the loss", async () => {
    const sql = [ORDERS, "drop table orders;\ncreate index i on orders (note);"];
    const project = await projectOf({ migrations: sql });
    const migration = project.migrations[1];
    const planned = (migration?.statements ?? []).map(({ fingerprint }) => ({
      ...{ path: migration?.path ?? "", fingerprint, plan: "plans/0002.yaml", why: "in the archive" },
    }));
    const found = (options: LintOptions) =>
      lint(project, { pending: new Set([migration?.path ?? ""]), ...options })
        .filter(({ severity }) => severity === "error")
        .map(({ rule, suppressed }) => [rule, suppressed]);
    const by = { reason: "in the archive", by: "plans/0002.yaml" };
    expect(found({ planned })).toContainEqual(["drop-table", by]);
    expect(lintSection(lint(project, { planned })).join("\n")).not.toContain("plans/0002.yaml");
    const pending = new Set([migration?.path ?? ""]);
    expect(lintSection(lint(project, { planned, pending })).join("\n")).toContain(
      "| allowed: `plans/0002.yaml: in the archive` |",
    );
    expect(
      found({ planned: planned.map((one) => ({ ...one, path: "migrations/0001.sql" })) }),
    ).toContainEqual(["drop-table", undefined]);
    expect(found({ planned: planned.slice(1) })).toContainEqual(["drop-table", undefined]);
  });

  test("is for the statement directly below it only", async () => {
    const sql = "-- rehearsal: allow drop-table: old\ndrop table if exists a;\ndrop table if exists b;";
    const found = await findings([sql]);
    expect(found.map(({ line, suppressed }) => [line, suppressed?.reason])).toEqual([
      [2, "old"],
      [3, undefined],
    ]);
  });

  test.each([
    [
      "-- rehearsal: allow drop-table",
      "error",
      "gives no reason",
      'write why: "-- rehearsal: allow drop-table:',
    ],
    ["-- rehearsal: allow drop-table: ", "error", "gives no reason", "write why"],
    ["-- rehearsal: allow drop-tabel: old", "error", 'no rule "drop-tabel"', 'did you mean "drop-table"?'],
    ["-- rehearsal: allow: old", "error", 'no rule ""', "docs/rules/README.md"],
    ["-- rehearsal: allow truncate: old", "warning", 'no finding of "truncate"', "take the allowance away"],
    ["-- rehearsal: allow refused-statement: x", "error", "cannot be allowed", "does not run such a file"],
  ])("%s is found itself, and lets nothing through", async (comment, severity, message, hint) => {
    const found = await drop(comment);
    expect(found).toMatchObject([
      {
        rule: "allowance",
        line: 2,
        severity,
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      },
      { rule: "drop-table", line: 4 },
    ]);
    expect(found[1]).not.toHaveProperty("suppressed");
  });

  test("that is needed where the table stands already is not idle where it is new", async () => {
    expect(await drop("-- rehearsal: allow drop-table: old", {})).toEqual([]);
  });
});

describe("views and seeds", () => {
  test("are linted after the migrations, and what they call is known from them", async () => {
    const project = await projectOf({
      migrations: [
        "create or replace function touch() returns int language plpgsql as $$ begin update t set a = 1; return 1; end $$;",
      ],
      views: ["create or replace view v as select touch() as touched;"],
      seeds: ["insert into people (id) values (1);", "delete from other;"],
    });
    const found = lint(project, { protectedTables: new Set(['"public"."people"']) });
    expect(found.map(({ rule, path }) => [rule, path])).toEqual([
      ["volatile-function-in-view", "views/0001_example.sql"],
      ["view-with-business-writes", "views/0001_example.sql"],
      ["seed-writes-protected-table", "seeds/0001_example.sql"],
    ]);
  });
});

describe("abuse", () => {
  test("abuse 3: a NUL byte never gets here, and text after a comment that looks like SQL is not read", async () => {
    expect(await named(["select 1; -- drop table orders;\n/* truncate orders; */"])).toEqual([]);
  });

  test.each(["begin", "commit", "rollback", "prepare transaction 'x'", "do $$ begin commit; end $$"])(
    "abuse 15: %s is found, each of them",
    async (sql) => {
      expect(await named([`${sql};\n${sql};`])).toEqual([
        "transaction-control@1:1",
        "transaction-control@1:2",
      ]);
    },
  );

  test.each([
    ["set role postgres", "error"],
    ["set session authorization postgres", "error"],
    ["reset all", "error"],
    ["set session_replication_role = replica", "error"],
    ["select pg_advisory_lock(1)", "error"],
    ["set search_path = app", "warning"],
    ["create temporary table scratch (id int)", "warning"],
    ["create temporary table scratch as select 1", "warning"],
  ])("abuse 16: %s is found as %s", async (sql, severity) => {
    expect(await findings([`${sql};`])).toMatchObject([{ rule: "session-leak", severity }]);
  });

  test("abuse 22: SECURITY DEFINER without search_path is a warning, also when it is altered to", async () => {
    for (const sql of [
      "create or replace function f() returns int language sql security definer as 'select 1';",
      "alter function f() security definer;",
    ])
      expect(await findings([sql])).toMatchObject([
        {
          rule: "security-definer-without-search-path",
          severity: "warning",
          hint: expect.stringContaining("SET search_path"),
        },
      ]);
    expect(
      await named([
        "create or replace function f() returns int language sql security definer set work_mem = '8MB' set search_path = pg_catalog as 'select 1';",
      ]),
    ).toEqual([]);
  });
});

test("the feed that a command wrote is known by its trigger: a key's column may go where the feed is written anew behind it", async () => {
  const lock = (column: string) =>
    lockOf({
      tables: {
        "public.orders": { columns: { [column]: "bigint" }, constraints: { k: `PRIMARY KEY (${column})` } },
      },
    });
  const feed = (column: string) => feedMigration(lock(column), "changes", ["orders"]).sql;
  const lost = async (...migrations: string[]) =>
    (await named([ORDERS, feed("id"), ...migrations], { from: 2 })).filter((one) => one.startsWith("feed"));
  const rename = "alter table orders rename column id to number;";
  expect(await lost(rename)).toEqual(["feed-key-lost@3:1"]);
  expect(await lost("alter table orders drop column id;")).toEqual(["feed-key-lost@3:1"]);
  expect(await lost("alter table orders rename column note to told;")).toEqual([]);
  expect(await lost(rename, feed("number"))).toEqual([]);
  expect(await lost(rename, feed("id"))).toEqual(["feed-key-lost@3:1"]);
});
