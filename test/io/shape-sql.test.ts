import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { describeDifference, diffShapes, type Shape } from "../../core/shape.ts";
import { shapeSql } from "../../core/shape-sql.ts";
import { openSession } from "../../io/postgres/session.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { dropDatabases, execute, freshDatabase, servers } from "../postgres.ts";

/** What was promised. */
const PROMISED = `
create schema app;
create type app.state as enum ('lent', 'here');
create type app.place as (street text, zip text);
create domain app.positive as int default 1 constraint above check (value > 0);
create sequence app.counter increment 5;
create function app.touch() returns trigger language plpgsql as $$ begin new.touched := now(); return new; end $$;
create function app.twice(a int) returns int language sql immutable as 'select 2 * a';
create table app.authors (
  id bigint generated always as identity (start with 100) primary key,
  name text not null,
  born date default '2000-01-01',
  unique (name, born)
);
create table app."odd ""table""" (
  id serial primary key,
  author bigint references app.authors on delete cascade on update restrict deferrable,
  "select" varchar(20) collate "C" default 'x',
  state app.state not null default 'here',
  amount app.positive,
  twice int generated always as (app.twice(3)) stored,
  facts jsonb,
  touched timestamptz,
  constraint short check (length("select") < 10)
);
alter table app."odd ""table""" enable row level security;
alter table app."odd ""table""" set (fillfactor = 80);
create index odd_state on app."odd ""table""" (state, "select") where amount > 3;
create trigger touching before update on app."odd ""table""" for each row execute function app.touch();
create policy mine on app."odd ""table""" for select using (amount > 2);
create view app.books as select id, "select" as title, state from app."odd ""table""";
create view app.lent as select title from app.books where state = 'lent';
create materialized view app.counted as select count(*) as n from app.lent;
create unique index counted_n on app.counted (n);
create table app.events (at timestamptz not null, what text) partition by range (at);
create table app.events_2026 partition of app.events for values from ('2026-01-01') to ('2027-01-01');
comment on table app.authors is 'who''s who';
comment on column app.authors.name is 'what they are called';
comment on view app.books is 'books';
grant select on app.books to public;
grant select (name) on app.authors to public;
revoke execute on function app.twice(int) from public;
create statistics app.together (dependencies) on id, author from app."odd ""table""";
`;

/** What somebody did by hand. */
const BY_HAND = [
  `drop view app.lent cascade;
   alter table app."odd ""table""" drop constraint short, alter column facts type text, add column extra int;`,
  `drop policy mine on app."odd ""table"""; drop trigger touching on app."odd ""table""";
   alter table app."odd ""table""" disable row level security;
   create or replace function app.touch() returns trigger language plpgsql as $$ begin return new; end $$;
   drop index app.odd_state; create index odd_state on app."odd ""table""" (state);`,
  `drop table app.authors cascade;`,
  `create table app.mine (id int primary key, b bigint references app.authors); create table app.other (id int references app.mine);
   create view app.over as select * from app.mine; create function app.three() returns int language sql as 'select 3';
   create type app.kind as enum ('a'); create sequence app.own owned by app.mine.id; create schema elsewhere;`,
  `alter table app.authors alter column name drop not null, alter column born set default now();
   comment on table app.authors is null; comment on column app.authors.name is 'other';
   grant update, select on app.authors to public; revoke select on app.books from public;
   grant execute on function app.twice(int) to public;`,
  `alter sequence app.counter increment 7 maxvalue 100; alter domain app.positive drop constraint above, alter domain app.positive set default 2;`.replace(
    ", alter domain app.positive set",
    "; alter domain app.positive set",
  ),
  `alter table app.authors drop constraint authors_pkey cascade; alter table app.authors alter id drop identity;`,
  `drop table app.events_2026; create table app.events_2027 partition of app.events for values from ('2027-01-01') to ('2028-01-01');
   alter table app.events alter column what set default 'nothing';`,
  `drop view app.books cascade; create view app.books as select id, amount from app."odd ""table""";
   alter type app.place add attribute country text; drop statistics app.together;
   drop function app.twice(int) cascade;`,
];

const made: DatabaseAddress[] = [];
afterAll(() => dropDatabases(...made));

for (const server of servers) {
  let promised: Shape;
  let template: DatabaseAddress;

  beforeAll(async () => {
    template = await freshDatabase(server, PROMISED);
    made.push(template);
    promised = await shapeOf(template);
  });

  // Each kind of drift once, on the newest: what differs between majors is in the whole schema below.
  test.each(server.major === servers.at(-1)?.major ? BY_HAND : [])(
    `on Postgres ${server.major} the SQL of a drift brings back what was promised, and the other way round: %#`,
    async (byHand) => {
      const address = await freshDatabase(server, PROMISED);
      made.push(address);
      await execute(address, byHand);
      const drifted = await shapeOf(address);
      expect(diffShapes(promised, drifted)).not.toEqual([]);
      await bring(address, promised);
      const again = await freshDatabase(server, PROMISED);
      made.push(again);
      await bring(again, drifted);
    },
  );

  test(`on Postgres ${server.major} the whole schema is written for an empty database, and taken away again`, async () => {
    const address = await freshDatabase(server);
    made.push(address);
    const empty = await shapeOf(address);
    await bring(address, promised);
    await bring(address, empty);
  });
}

async function shapeOf(address: DatabaseAddress): Promise<Shape> {
  const session = await openSession(address, { application: "shape test" });
  try {
    return await readShape(session);
  } finally {
    await session.close();
  }
}

/** Runs the SQL statement by statement; afterwards the shape is the wanted one, but for what a comment tells. */
async function bring(address: DatabaseAddress, wanted: Shape) {
  const statements = shapeSql(await shapeOf(address), wanted);
  const text = statements.join("\n");
  const session = await openSession(address, { application: "shape test" });
  try {
    for (const statement of statements)
      await session.execute(statement).catch((error: Error) => {
        throw new Error(`${error.message}\n${statement}\n-- of\n${text}`);
      });
  } finally {
    await session.close();
  }
  const left = diffShapes(wanted, await shapeOf(address));
  const silent = left.filter(({ address }) => !text.includes(`-- not written: ${address}`));
  expect(silent.map(describeDifference), text).toEqual([]);
}
