/** What the bench of backups backs up: accounts as pgbench makes them, wide rows of JSON, articles of text, and their indexes. */
import type { DatabaseAddress } from "../../core/database-url.ts";
import { openSession } from "../../io/postgres/session.ts";

/** Of COPY text, about; measured once and good enough to aim by. */
const ROW_BYTES = { accounts: 98, events: 620, articles: 1_900 };

/** A third of `bytes` to each kind: many narrow rows, fewer wide ones of jsonb, text that is compressed and kept out of line. */
export async function fillTables(address: DatabaseAddress, bytes: number): Promise<void> {
  const session = await openSession(address, { application: "bench" });
  const rows = (kind: keyof typeof ROW_BYTES) => Math.max(1_000, Math.round(bytes / 3 / ROW_BYTES[kind]));
  const branches = Math.max(1, Math.round(rows("accounts") / 100_000));
  try {
    for (const statement of [
      `create table public.branches (id int primary key, balance int not null, filler char(88))`,
      `create table public.accounts (id int not null, branch int not null, balance int not null, filler char(84))`,
      `create table public.events (id bigint not null, at timestamptz not null, kind text not null, payload jsonb not null)`,
      `create table public.articles (id int not null, author int not null, title text not null, body text not null, rating float8, price numeric(12, 2))`,
      `insert into public.branches select g, 0, '' from generate_series(1, ${branches}) g`,
      `insert into public.accounts select g, 1 + (g - 1) % ${branches}, (hashint4(g) % 5000), '' from generate_series(1, ${rows("accounts")}) g`,
      `insert into public.events select g, timestamptz '2024-01-01 UTC' + g * interval '7 seconds', (array['view','click','order','refund'])[1 + abs(hashint8(g)) % 4],
        jsonb_build_object('session', md5(g::text), 'user', abs(hashint8(g * 31)) % 100000, 'path', '/shop/' || (g % 977) || '/item/' || md5((g / 3)::text),
          'agent', 'Mozilla/5.0 (X11; Linux x86_64; rv:' || (100 + g % 30) || '.0) Gecko/20100101 Firefox/' || (100 + g % 30) || '.0',
          'tags', jsonb_build_array(md5((g % 100)::text), md5((g % 1000)::text), 'n' || g % 17), 'amount', (abs(hashint8(g * 7)) % 100000) / 100.0,
          'nested', jsonb_build_object('a', g, 'b', md5((g * 5)::text), 'c', null, 'd', g % 2 = 0, 'trace', md5((g * 11)::text) || md5((g * 13)::text)))
        from generate_series(1, ${rows("events")}) g`,
      `insert into public.articles select g, 1 + abs(hashint4(g)) % 5000, 'On ' || md5(g::text), words.body, abs(hashint4(g)) % 1000 / 7.0, abs(hashint4(g)) % 100000 / 100.0
        from generate_series(1, ${rows("articles")}) g cross join lateral (
          select string_agg((array['the','river','of','letters','and','a','quiet','promise','between','servers','was','never','kept','without','rehearsal',
            'table','under','morning','copy','stone'])[1 + abs(hashint4(g * 131 + w)) % 20] || case when w % 9 = 0 then md5((g + w)::text) else '' end, ' ') as body
          from generate_series(1, 190) w) words`,
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
  } finally {
    await session.close();
  }
}
