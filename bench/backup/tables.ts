/** What the benches back up and roll back: pgbench's tables, wide rows of jsonb, articles of text, and their indexes. */
import type { DatabaseAddress } from "../../core/database-url.ts";
import type { Session } from "../../io/postgres/session.ts";
import { onDatabase } from "../database.ts";

export const CONTENT =
  "half of it accounts and history as pgbench makes them, a quarter wide rows of jsonb, a quarter articles of text; four primary keys, six more indexes, a foreign key";

/** Of COPY text, about; measured once and good enough to aim by. */
const ROW_BYTES = { accounts: 98, history: 48, events: 620, articles: 2_100 };
const SHARES = { accounts: 0.4, history: 0.1, events: 0.25, articles: 0.25 };

/** About `bytes` of COPY text: many narrow rows, fewer wide ones of jsonb, text that is compressed and kept out of line. */
export async function fillTables(address: DatabaseAddress, bytes: number): Promise<void> {
  const rows = (kind: keyof typeof ROW_BYTES) =>
    Math.max(1_000, Math.round((bytes * SHARES[kind]) / ROW_BYTES[kind]));
  const branches = Math.max(1, Math.round(rows("accounts") / 100_000));
  await onDatabase(address, async (session) => {
    for (const statement of [
      `create table public.branches (id int primary key, balance int not null, filler char(88))`,
      `create table public.accounts (id int not null, branch int not null, balance int not null, filler char(84))`,
      `create table public.history (account int, branch int, delta int, at timestamp, filler char(22))`,
      `create table public.events (id bigint not null, at timestamptz not null, kind text not null, payload jsonb not null)`,
      `create table public.articles (id int not null, author int not null, title text not null, body text not null, rating float8, price numeric(12, 2))`,
      `insert into public.branches select g, 0, '' from generate_series(1, ${branches}) g`,
      `insert into public.accounts select g, 1 + (g - 1) % ${branches}, (hashint4(g) % 5000), '' from generate_series(1, ${rows("accounts")}) g`,
      `insert into public.history select abs(hashint4(g)) % ${rows("accounts")}, 1 + g % ${branches}, hashint4(g) % 5000, timestamp '2024-01-01' + g * interval '1.3 seconds', null
        from generate_series(1, ${rows("history")}) g`,
      events(1, rows("events")),
      // Paragraphs of words of which some are frequent and most are rare; an article is six of 20,000.
      `create table public.paragraphs as select p as id, (select string_agg(translate(substr(md5((w ^ 1)::text), 1, 2 + w % 9), '0123456789', 'etaoinshrl'), ' ') as text
          from (select floor(4096 ^ ((hashint4extended(p * 71 + n, 7) & 1048575) / 1048576.0))::int as w from generate_series(1, 55) n) words)
        from generate_series(1, 20000) p`,
      `create unique index on public.paragraphs (id)`,
      `insert into public.articles select g, 1 + abs(hashint4(g)) % 5000, 'On ' || md5(g::text), string_agg(p.text, E'\\n\\n' order by n), abs(hashint4(g)) % 1000 / 7.0, abs(hashint4(g)) % 100000 / 100.0
        from generate_series(1, ${rows("articles")}) g cross join generate_series(1, 6) n join public.paragraphs p on p.id = 1 + (hashint8extended(g::bigint * 6 + n, 3) & 1048575) % 20000 group by g`,
      `drop table public.paragraphs`,
      `alter table public.accounts add primary key (id)`,
      `alter table public.events add primary key (id)`,
      `alter table public.articles add primary key (id)`,
      `create index on public.accounts (branch)`,
      `create index on public.events (at)`,
      `create index on public.events (kind, at)`,
      `create index on public.events ((payload ->> 'user'))`,
      `create index on public.articles (author, rating)`,
      `create index on public.articles (title)`,
      `alter table public.accounts add foreign key (branch) references public.branches (id)`,
      `vacuum analyze`,
      `checkpoint`,
    ])
      await session.execute(statement);
  });
}

/** Leaves the tables with their rows: no keys, no indexes. */
export async function dropWhatStandsOnRows(session: Session): Promise<void> {
  const drops = await session.query<{ statement: string }>(
    `select format('alter table %s drop constraint %I cascade', conrelid::regclass, conname) as statement
        from pg_constraint where connamespace = 'public'::regnamespace and contype in ('f', 'p') order by contype`,
  );
  for (const { statement } of drops) await session.execute(statement);
  const indexes = await session.query<{ statement: string }>(
    `select format('drop index %s', indexrelid::regclass) as statement from pg_index i join pg_class c on c.oid = indrelid
        where relnamespace = 'public'::regnamespace`,
  );
  for (const { statement } of indexes) await session.execute(statement);
}

/**
 * Changes one row in a hundred of every table: `recent`, the newest ones, as most applications do, with some rows that come and
 * some that go; or `spread`, every hundredth, so that most pages have a row that changed.
 */
export async function changeSome(address: DatabaseAddress, which: "recent" | "spread"): Promise<void> {
  await onDatabase(address, async (session) => {
    if (which === "spread") {
      await session.execute("update public.accounts set balance = balance + 1 where id % 100 = 7");
      await session.execute("update public.history set delta = delta + 1 where account % 100 = 7");
      await session.execute("update public.events set kind = 'audit' where id % 100 = 7");
      await session.execute("update public.articles set rating = 5 where id % 100 = 7");
      return;
    }
    const newest = await readNewest(session);
    await session.execute(
      `update public.accounts set balance = balance + 1 where id > ${newest.accounts} * 0.99`,
    );
    await session.execute(`insert into public.history select account, branch, delta, at + interval '1 year', filler
      from public.history where ctid < '(1,0)' limit 1000`);
    await session.execute(`delete from public.events where id > ${newest.events} * 0.998`);
    await session.execute(`update public.events set kind = 'audit' where id > ${newest.events} * 0.994`);
    await session.execute(events(newest.events + 1, Math.round(newest.events * 1.004)));
    await session.execute(`update public.articles set rating = 5 where id > ${newest.articles} * 0.99`);
  });
}

async function readNewest(session: Session): Promise<{ accounts: number; events: number; articles: number }> {
  const [newest] = await session.query<{ accounts: number; events: number; articles: number }>(
    `select (select max(id) from public.accounts) as accounts, (select max(id) from public.events)::float8 as events,
      (select max(id) from public.articles) as articles`,
  );
  if (newest === undefined) throw new Error("there are no rows");
  return newest;
}

function events(from: number, to: number): string {
  return `insert into public.events select g, timestamptz '2024-01-01 UTC' + g * interval '7 seconds', (array['view','click','order','refund'])[1 + abs(hashint8(g)) % 4],
    jsonb_build_object('session', md5(g::text), 'user', abs(hashint8(g * 31)) % 100000, 'path', '/shop/' || (g % 977) || '/item/' || md5((g / 3)::text),
      'agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:' || (100 + g % 30) || '.0) Gecko/20100101 Firefox/' || (100 + g % 30) || '.0',
      'tags', jsonb_build_array(md5((g % 100)::text), md5((g % 1000)::text), 'n' || g % 17), 'amount', (abs(hashint8(g * 7)) % 100000) / 100.0,
      'nested', jsonb_build_object('a', g, 'b', md5((g * 5)::text), 'c', null, 'd', g % 2 = 0, 'trace', md5((g * 11)::text) || md5((g * 13)::text)))
    from generate_series(${from}::bigint, ${to}::bigint) g`;
}
