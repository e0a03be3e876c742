import { expect, test } from "vitest";
import { openSession } from "../../io/postgres/session.ts";
import { settle } from "../../io/postgres/shape/settle.ts";
import { dropDatabases, freshDatabase, servers } from "../postgres.ts";

/** Conditions that Postgres prints in one way and, having read its own print, in another, and many that might be so. */
const CONDITIONS = [
  "v in ('a', 'b')",
  "v not in ('it''s', E'back\\\\slash', '],(ARRAY[')",
  "v in ('a', 'b') and w in ('c', 'd')",
  "v in (w, 'b', upper(w))",
  "v not in (w, 'b', upper(w), lower(w))",
  "v in (w, 'a', 'b', lower(v)) or n in (n + 1, n + 2, n + 3)",
  "v in (w, case when v in ('x', 'y') then 'z' else 'n' end)",
  "n in (1, 2)",
  "n in (-1, -2, n)",
  "n::bigint = any (array[1, 2]::bigint[])",
  "v in (\"odd(ARRAY[\", 'b')",
  "w = '(ARRAY[''a''::character varying])::text[]'",
  "concat(variadic array[v, w]) in ('a', 'b')",
  "t in ('2020-01-01', '2021-01-01')",
  "t::timestamp(3) in ('2020-01-01', '2021-01-01')",
  "c in ('a', 'b')",
  "v::d in ('a', 'b')",
  "v::\"odd s\".\"odd, d\" in ('a', 'b')",
  "v = any ((array['a', 'b']::varchar[])::text[])",
  "v = any (array['a', null])",
  "v::varchar(3) in ('a', 'b') and v::char(3) in ('a', 'b')",
  "(v, w) in (('a', 'b'), ('c', 'd'))",
  "(v, w) < ('a', 'b') or (v, n) = ('a', 1)",
  "array[v, w] && array['x', 'y']::varchar[] and array[v, w] = array['a', 'b']::varchar[]",
  "array[v, w]::text[] @> array[v]::text[] or array[[v, w], [w, v]]::text[] = array[[v::text]]",
  "n between 1 and 2 or n not between symmetric 5 and 3 or (n > 1 or n < 3) or (n > 1 and (n < 3 and n > 2))",
  "not (v is distinct from w) and v is not null and (n > 0) is true",
  "v like any (array['a%', 'b%']) and v ilike 'x' and v similar to 'a|b' and v !~ 'q'",
  "coalesce(v, w, 'none') = 'x' and nullif(v, w) = 'y' and greatest(n, 1, 2) > 3 and least(v, 'z') = 'z'",
  "case v when 'a' then n when 'b' then -n else 0 end > 0",
  "extract(year from t) > 2020 and t at time zone 'UTC' > now() - interval '1 day 2 hours'",
  "(t, t) overlaps (t, interval '1 day') and date_trunc('day', t) = current_date",
  "substring(v from 2 for 3) = 'a' and position('a' in v) > 0 and trim(both 'x' from v) = '' and overlay(v placing 'a' from 1) = ''",
  "n::numeric(5, 2) = 1.50 and n::smallint = 3::int2 and n = -1 and n::float8 > 1e10",
  "exists (select from t o where o.v in ('a', 'b') and o.n = t.n) or n in (select n from t) or n > all (array[1, 2])",
  "((select v in ('a', 'b')) and n > 1) or (select n between 1 and 2 and true)",
  "j ->> 'a' = 'b' and j #> '{a,b}' is not null and j @> '{\"a\": 1}' and (j -> 'x')::text is null",
  "b = b'101' and r && int4range(1, 5) and v collate \"C\" < w and row(v, w) is not null",
];

const QUERIES = [
  "select * from t natural join u",
  "select t.n, u.k, x.n as other from t join u using (n) left join u x on x.n = t.n and x.k in ('a', 'b')",
  "select t as whole, u.* from t, lateral (select * from u where u.n = t.n limit 3) u",
  "select n, count(*) filter (where v in ('a', 'b')), sum(n) over w as s from t group by n window w as (partition by n order by n rows between 1 preceding and current row)",
  "select v, grouping(v, w) from t group by grouping sets ((v, w), (v), ()) having count(*) > 1",
  "with recursive a as (select 1 as n union all select n + 1 from a where n < 5) select * from a",
  "with a as materialized (select * from t) select distinct on (v) v, w from a order by v, w desc nulls last",
  "select 'a' as x, 1 union select v, n from t union all (select 'b', 2 order by 1 limit 1)",
  "values (1, 'a'), (2, null)",
  "select * from generate_series(1, 3) with ordinality as g(a, b), json_to_record('{}') as r(x int, y varchar(3))",
  "select *, v || w as vw, v || 'x' as vx from t where v || w in ('a', 'b') order by v offset 3 fetch first 2 rows with ties",
  "select percentile_cont(0.5) within group (order by n), string_agg(distinct v, ',' order by v), array_agg(row(v, w)::text) from t",
  "select t.*::t as whole, (row(1, 'a')::pair).b, array(select n from u) from t for update",
  "select * from t tablesample system (10) repeatable (3)",
];

test.each(servers)("definitions settle to what Postgres $major prints after a restore", async (server) => {
  const address = await freshDatabase(
    server,
    `create domain d as varchar(20); create schema "odd s"; create domain "odd s"."odd, d" as varchar;
     create type pair as (a int, b text); create table u (n int, k varchar(5));
     create table t (v varchar(20), w varchar(20), n int, "odd(ARRAY[" varchar, t timestamp with time zone, c char(3),
       j jsonb, b bit(3), r int4range)`,
  );
  const session = await openSession(address, { application: "test" });
  const printed = async (definition: string) => {
    await session.execute(
      `set search_path = public; drop view if exists shown; create view shown as ${definition}; set search_path = pg_catalog`,
    );
    const [row] = await session.query<{ text: string }>(
      "select pg_get_viewdef('public.shown'::regclass) as text",
    );
    return row?.text ?? "";
  };
  for (const query of [
    ...CONDITIONS.map((condition) => `select 1 as one from t where ${condition}`),
    ...QUERIES,
  ]) {
    const first = await printed(query);
    const restored = await printed(first);
    expect.soft(settle(first), query).toBe(restored);
    expect.soft(settle(restored), query).toBe(restored);
  }
  await session.close();
  await dropDatabases(address);
});
