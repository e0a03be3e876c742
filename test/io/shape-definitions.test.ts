/** Definitions and defaults that the shape's reader writes itself or gives to many, held to what the server prints for each of them. */
import { readFile } from "node:fs/promises";
import { afterAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { addressOf } from "../../core/shape.ts";
import { openSession } from "../../io/postgres/session.ts";
import { settle } from "../../io/postgres/shape/settle.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { dropDatabases, freshDatabase, servers } from "../postgres.ts";

/** Every way in which an index or a constraint of columns alone can differ from its neighbours. */
const VARIANTS = `
  create schema "odd. schema";
  create type mood as enum ('sad', 'glad');
  create domain small as int check (value < 100);
  create domain smaller as small;
  create domain word as text collate "C";
  create type pair as (a int, b text);
  create collation reversed (provider = icu, locale = 'en-u-kf-upper');
  create table "odd. schema"."Odd ""table""" (
    id int primary key, "Odd column" text, "select" int unique, v varchar(10), c char(3), n name, a int[], t text[], va varchar[],
    m mood, ma mood[], d small, dd smaller, w word, p pair, j jsonb, r int4range, b bit(3), vb varbit, o oid, f text collate "C", x text collate reversed,
    i inet, ts tsvector, u uuid, e bytea, nn numeric not null, z timestamptz not null default now()
  );
  create index on "odd. schema"."Odd ""table""" ("Odd column");
  create index on "odd. schema"."Odd ""table""" ("Odd column" desc, v desc nulls last, n nulls first, c asc);
  create index on "odd. schema"."Odd ""table""" (v); create index on "odd. schema"."Odd ""table""" (c);
  create index on "odd. schema"."Odd ""table""" (n); create index on "odd. schema"."Odd ""table""" (a);
  create index on "odd. schema"."Odd ""table""" (t); create index on "odd. schema"."Odd ""table""" (va);
  create index on "odd. schema"."Odd ""table""" (m); create index on "odd. schema"."Odd ""table""" (ma);
  create index on "odd. schema"."Odd ""table""" (d); create index on "odd. schema"."Odd ""table""" (dd);
  create index on "odd. schema"."Odd ""table""" (w); create index on "odd. schema"."Odd ""table""" (p);
  create index on "odd. schema"."Odd ""table""" (r); create index on "odd. schema"."Odd ""table""" (b, vb);
  create index on "odd. schema"."Odd ""table""" (o); create index on "odd. schema"."Odd ""table""" (f);
  create index on "odd. schema"."Odd ""table""" (x); create index on "odd. schema"."Odd ""table""" (i);
  create index on "odd. schema"."Odd ""table""" (u, e);
  create index on "odd. schema"."Odd ""table""" (f collate "POSIX"); create index on "odd. schema"."Odd ""table""" ("Odd column" collate "C");
  create index on "odd. schema"."Odd ""table""" ("Odd column" text_pattern_ops); create index on "odd. schema"."Odd ""table""" (v varchar_ops);
  create index on "odd. schema"."Odd ""table""" (v text_pattern_ops); create index on "odd. schema"."Odd ""table""" (c bpchar_pattern_ops);
  create index on "odd. schema"."Odd ""table""" (i cidr_ops);
  create index on "odd. schema"."Odd ""table""" using hash ("Odd column"); create index on "odd. schema"."Odd ""table""" using hash (v);
  create index on "odd. schema"."Odd ""table""" using hash (a); create index on "odd. schema"."Odd ""table""" using hash (m);
  create index on "odd. schema"."Odd ""table""" using gin (j); create index on "odd. schema"."Odd ""table""" using gin (j jsonb_path_ops);
  create index on "odd. schema"."Odd ""table""" using gin (a); create index on "odd. schema"."Odd ""table""" using gin (t, ts);
  create index on "odd. schema"."Odd ""table""" using gin (va); create index on "odd. schema"."Odd ""table""" using gist (r);
  create index on "odd. schema"."Odd ""table""" using gist (i inet_ops); create index on "odd. schema"."Odd ""table""" using brin (z);
  create index on "odd. schema"."Odd ""table""" using spgist (r); create index on "odd. schema"."Odd ""table""" using gin (a) with (fastupdate = off);
  create index on "odd. schema"."Odd ""table""" (d) with (fillfactor = 70); create index on "odd. schema"."Odd ""table""" (d) include (v);
  create index on "odd. schema"."Odd ""table""" (d) where d > 3; create index on "odd. schema"."Odd ""table""" ((d + 1));
  create unique index on "odd. schema"."Odd ""table""" (u); create unique index on "odd. schema"."Odd ""table""" (u, d) nulls not distinct;
  create unique index on "odd. schema"."Odd ""table""" (u) include (d);
  alter table "odd. schema"."Odd ""table""" add unique (d, v), add unique nulls not distinct (dd), add unique (o) include (a),
    add unique (nn) deferrable initially deferred, add unique (z) with (fillfactor = 50), add constraint "a ""name""" unique ("Odd column", "select");
  alter table "odd. schema"."Odd ""table""" add check (id > 0) not valid, add check (nn > 0) no inherit;
  alter table "odd. schema"."Odd ""table""" add exclude using gist (r with &&);
  create table two (a int, b int, primary key (b, a), unique (a), unique (a, b));
  create table "references" (
    id int, a int, b int, "Self" int,
    foreign key (a) references two (a), foreign key (b, a) references two, foreign key (a) references two (a) on delete cascade,
    foreign key (a) references two (a) on update cascade on delete set null, foreign key (a) references two (a) on update restrict on delete set default,
    foreign key (a, b) references two (a, b) match full, foreign key (a, b) references two (a, b) on delete set null (b),
    foreign key (a) references two (a) match full, foreign key (a) references two (a) on delete set null (a),
    foreign key (a) references two (a) deferrable, foreign key (a) references two (a) deferrable initially deferred,
    foreign key ("Self") references "odd. schema"."Odd ""table""" ("select")
  );
  alter table "references" add foreign key (a) references two (a) not valid;
  create table parted (id int, at date not null, primary key (id, at)) partition by range (at);
  create table part partition of parted for values from ('2024-01-01') to ('2025-01-01');
  create table other_part (id int not null, at date not null, unique (at));
  alter table parted attach partition other_part for values from ('2025-01-01') to ('2026-01-01');
  create index on only parted (at desc); create index on parted (id); create index on part (id desc nulls last);
  alter table "references" add parted_id int, add parted_at date, add foreign key (parted_id, parted_at) references parted;
  create table parent (a int not null, b int primary key); create table child (c int not null, b int not null) inherits (parent); create index on child (a);
  create index on "odd. schema"."Odd ""table""" (v) where v in ('a', 'b'); create index on "odd. schema"."Odd ""table""" (id desc) where (d > 3 or d < 1 or d is null) and id > 0;
  create index on "odd. schema"."Odd ""table""" (id) where case when d > 3 then true else false end; create index on "odd. schema"."Odd ""table""" (lower(v));
  create index on "odd. schema"."Odd ""table""" (id) where v <> E'two\nlines'; create index on "odd. schema"."Odd ""table""" (v text_pattern_ops) where "select" > 3;
  create schema "user"; create table "user"."order" ("group" int primary key, "__proto__" int unique deferrable, "toJSON" int references "user"."order" ("group"));
  create index on "user"."order" ("__proto__", "toJSON" desc);
  create table one_way (a int, doubled int generated always as (a * 2) stored, at timestamptz default now(), note text default 'none');
  create table other_way (b int, doubled int generated always as (b * 2) stored, at timestamptz default now(), note text default '{VAR ');
  create materialized view seen as select a, b from two; create unique index on seen (b); create index on seen using hash (a);
`;
const NEWER = `
  create extension if not exists btree_gist;
  create table periods (
    id int, valid daterange, unique (id, valid), primary key (id, valid without overlaps)
  );
`;

type TableFacts = { columns: Record<string, { default?: string }> } | undefined;

describe.each(servers)("on Postgres $major", ({ major, address: server }) => {
  const made: DatabaseAddress[] = [];
  afterAll(() => dropDatabases(...made));

  test.each(["variants of each", "kinds", "odd ones"])(
    "%s: each is what the server prints",
    async (which) => {
      const fixture = (name: string) => readFile(new URL(`../fixtures/${name}.sql`, import.meta.url), "utf8");
      const sql = {
        "variants of each": async () => VARIANTS + (major >= 18 ? NEWER : ""),
        kinds: () => fixture("shape-kinds"),
        "odd ones": () => fixture("shape-odd"),
      }[which];
      const address = await freshDatabase({ address: server }, await sql?.());
      made.push(address);
      const session = await openSession(address, { application: "test" });
      try {
        const printed = await session.query<{
          word: string;
          name: string[];
          on: string[] | null;
          definition: string;
        }>(
          `select 'index' as word, array[n.nspname, c.relname]::text[] as name, null::text[] as on, pg_get_indexdef(c.oid) as definition
           from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('i', 'I')
         union all
         select 'constraint', array[k.conname]::text[], array[n.nspname, c.relname]::text[], pg_get_constraintdef(k.oid)
           from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace`,
        );
        const { objects } = await readShape(session);
        const defaults = await session.query<{
          word: string;
          name: string[];
          column: string;
          printed: string;
        }>(
          `select case c.relkind when 'v' then 'view' when 'f' then 'foreign table' else 'table' end as word,
             array[n.nspname, c.relname]::text[] as name, a.attname as column, pg_get_expr(d.adbin, d.adrelid) as printed
           from pg_attrdef d join pg_class c on c.oid = d.adrelid join pg_namespace n on n.oid = c.relnamespace
             join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum`,
        );
        for (const { word, name, column, printed } of defaults) {
          const facts = objects[addressOf({ word, name, suffix: null, on: null })] as unknown as TableFacts;
          expect(facts?.columns[column]?.default, `${name} ${column}`).toBe(settle(printed));
        }
        const held = printed.flatMap(({ word, name, on, definition }) => {
          const address = addressOf({ word, name, suffix: null, on });
          const facts = objects[address] as { definition?: string } | undefined;
          return facts?.definition === undefined
            ? []
            : [{ address, ours: facts.definition, servers: settle(definition) }];
        });
        expect(held.filter(({ ours, servers }) => ours !== servers)).toEqual([]);
        expect(held.length).toBeGreaterThan(10);
      } finally {
        await session.close();
      }
    },
  );
});
