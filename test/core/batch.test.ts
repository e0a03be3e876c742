/** A backfill in slices as its file tells it: the directive, and where the slice's condition goes in the statement. */
import { describe, expect, test } from "vitest";
import { sliceSql } from "../../core/batch.ts";
import { LAG } from "../../core/batch-directive.ts";
import { parseMigration } from "../../core/migration.ts";
import { parseSqlFile } from "../../core/sql-file.ts";
import { refusalOf } from "../refusal.ts";

const PATH = "migrations/0001_backfill.sql";
const DIRECTIVE = "-- rehearsal: batch table=public.files key=id size=5000\n";
const parse = (sql: string) => parseMigration(PATH, Buffer.from(sql));
const refused = (sql: string) => refusalOf(() => parse(sql));

async function sliced(sql: string, directive = DIRECTIVE): Promise<string> {
  const { batch } = await parse(directive + sql);
  if (batch === undefined) throw new Error("it is not a batch");
  return sliceSql(batch, `${batch.column} > 7`);
}

describe("the directive", () => {
  test("tells table, key, size and pace; what is left out has its default", async () => {
    const { batch, transactional } = await parse(`${DIRECTIVE}update files set n = 1`);
    expect(transactional).toBe(false);
    expect(batch).toMatchObject({
      table: '"public"."files"',
      key: "id",
      size: 5000,
      lag: LAG,
      pause: 0,
      relation: '"files"',
      column: '"files"."id"',
    });
    const whole = await parse(
      `-- rehearsal: idempotent\n-- rehearsal: batch size=10 rate=200 lag=1024 pause=5 key=ID table=Files\nupdate files set n = 1`,
    );
    expect(whole).toMatchObject({
      idempotent: true,
      batch: { table: '"files"', key: "id", size: 10, rate: 200, lag: 1024, pause: 5 },
    });
  });

  test("abuse 2: takes quoted names with dots, blanks, quotes and capitals", async () => {
    const directive = `-- rehearsal: batch table="odd.name"."x ""y""" key="Key = 1" size=1\n`;
    expect(await sliced(`update "odd.name"."x ""y""" set n = 1`, directive)).toBe(
      `update "odd.name"."x ""y""" set n = 1\nwhere ("x ""y"""."Key = 1" > 7)\n`,
    );
  });

  test.each([
    ["batch", "table and key and size are missing"],
    ["batch table=a key=id", "size is missing"],
    ["batch table=a key=id size=0", "size is not a whole number from 1 to 1000000"],
    ["batch table=a key=id size=1e9", "size is not a whole number"],
    ["batch table=a key=id,other size=10", "of a key of several columns none can be cut"],
    ["batch table=a.b.c key=id size=10", "table is not a name"],
    ["batch table=a key=id size=10 rte=5", '"rte" is not known to it; did you mean "rate"?'],
    ["batch table=a key=id size=10 size=20", '"size" stands twice'],
    ["batch table=a key=id 500", '"500" is not written as name=value'],
    ["batch table=a key=id size=1\n-- rehearsal: batch table=b key=id size=1", "a file is one batch"],
  ])("%s is refused with the way to write it", async (directive, problem) => {
    const refusal = await refused(`-- rehearsal: ${directive}\nupdate a set n = 1`);
    expect(refusal).toMatchObject({ code: "DirectiveInvalid", message: expect.stringContaining(problem) });
    expect(refusal.hint).toContain("batch table=public.files key=id size=5000");
  });

  test("a near miss of its name is refused and named", async () => {
    const refusal = await refused("-- rehearsal: batches table=a key=id size=1\nupdate a set n = 1");
    expect(refusal).toMatchObject({ code: "DirectiveUnknown" });
    expect(refusal.hint).toContain("batch");
  });

  test("a seed or a view cannot be a batch", async () => {
    const refusal = await refusalOf(() =>
      parseSqlFile("seeds/dev.sql", Buffer.from(`${DIRECTIVE}update files set n = 1`)),
    );
    expect(refusal).toMatchObject({
      code: "DirectiveUnknown",
      hint: "only migrations take directives; move it into a migration",
    });
  });
});

describe("the slice's condition", () => {
  test.each([
    ["update files set n = 1", 'update files set n = 1\nwhere ("files"."id" > 7)\n'],
    [
      "update public.files as f set n = 1 where n is null or n = 0",
      'update public.files as f set n = 1 where ("f"."id" > 7) and ( n is null or n = 0\n)\n',
    ],
    [
      "update files set n = 1 where n is null -- not those",
      'update files set n = 1 where ("files"."id" > 7) and ( n is null -- not those\n)\n',
    ],
    [
      "delete from only files f using gone g where g.id = f.id and (select true where true)",
      'delete from only files f using gone g where ("f"."id" > 7) and ( g.id = f.id and (select true where true)\n)\n',
    ],
    [
      "with c as (select id from other where true) update files f set n = c.id from c where c.id = f.other",
      'with c as (select id from other where true) update files f set n = c.id from c where ("f"."id" > 7) and ( c.id = f.other\n)\n',
    ],
    [
      `update files set "where" = 'where', d = $$ where $$ /* where ü */ WHERE true`,
      `update files set "where" = 'where', d = $$ where $$ /* where ü */ WHERE ("files"."id" > 7) and ( true\n)\n`,
    ],
    [
      "insert into kinds (id, k) select f.id, lower(f.k) from files f join users u on u.id = f.owner",
      'insert into kinds (id, k) select f.id, lower(f.k) from files f join users u on u.id = f.owner\nwhere ("f"."id" > 7)\n',
    ],
    [
      "insert into kinds (id) select id from files where k is null on conflict (id) where k > 0 do update set n = 1 where kinds.n = 0",
      'insert into kinds (id) select id from files where ("files"."id" > 7) and ( k is null \n)\non conflict (id) where k > 0 do update set n = 1 where kinds.n = 0',
    ],
    [
      'insert into kinds select id as where, n as "on conflict" from files on conflict do nothing',
      'insert into kinds select id as where, n as "on conflict" from files \nwhere ("files"."id" > 7)\non conflict do nothing',
    ],
  ])("of %s goes where it belongs, and the rest stays as it was written", async (sql, whole) => {
    expect(await sliced(sql)).toBe(whole);
  });

  test.each([
    ["update files set n = 1; update files set n = 2", "more than one statement", "migrations of their own"],
    ["alter table files add column n int", "neither UPDATE nor DELETE nor INSERT", "only rows"],
    ["merge into files f using o on o.id = f.id when matched then do nothing", "neither UPDATE", "only rows"],
    ["update files set n = 1 returning id", "RETURNING", "leave RETURNING out"],
    ["update files set id = id + 1", 'sets its own key "id"', "cut by another key"],
    [
      "with gone as (delete from other returning id) update files set n = 1 from gone",
      "a WITH of it changes rows",
      "of its own",
    ],
    ["update other set n = 1", 'it does not go through "public"."files"', "INSERT … SELECT"],
    ["update files set n = 1 where current of c", "cannot be put into it", "no WHERE CURRENT OF"],
    ["insert into kinds (select id from files)", "cannot be put into it", "without parentheses"],
    ["insert into kinds values (1)", "no rows of a SELECT", "INSERT … SELECT"],
    ["insert into kinds select id from files union select 1", "several SELECTs", "what each row gives"],
    ["insert into kinds select n from files group by n", "GROUP BY", "what each row gives"],
    ["insert into kinds select distinct n from files", "DISTINCT", "what each row gives"],
    ["insert into kinds select n from files limit 10", "LIMIT", "what each row gives"],
    ["insert into kinds select row_number() over () from files", "window function", "what each row gives"],
    ["insert into files select id + 1000 from files", "does not go through", "INSERT … SELECT"],
    ["insert into kinds select a.id from files a, files b", "does not go through", "INSERT … SELECT"],
    [
      "insert into kinds select u.id from users u left join files f on f.owner = u.id",
      "does not go through",
      "outer side of a join",
    ],
    [
      "update files f set n = (select count(*) from public.files x where x.n is null)",
      "a second time",
      "table of its own",
    ],
    [
      "with t as (select id from files order by id limit 5) delete from files using t where t.id = files.id",
      "a second time",
      "table of its own",
    ],
    ["update files set n = f.n from files f where f.id = files.id", "a second time", "table of its own"],
    [
      "insert into kinds select id from files where exists (select from files f)",
      "a second time",
      "before this",
    ],
    [
      "insert into kinds select id from files where n not in (select k.n from kinds k)",
      "that it inserts into",
      "ON CONFLICT DO NOTHING",
    ],
    ["delete from files using (select id from gone limit 5) g", "LIMIT without ORDER BY", "say the order"],
    ["insert into kinds select json_arrayagg(id) from files", "an aggregate", "what each row gives"],
    ["insert into kinds select json_objectagg(id : n) from files", "an aggregate", "what each row gives"],
    ["with files as (select 1 as id) insert into kinds select id from files", "does not go through", "FROM"],
  ])("%s is refused, with the mend", async (sql, problem, mend) => {
    const refusal = await refused(DIRECTIVE + sql);
    expect(refusal).toMatchObject({ code: "BatchRefused", message: expect.stringContaining(problem) });
    expect(refusal.hint).toContain(mend);
  });
});
