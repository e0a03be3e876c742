/** A backup taken while several connections write as fast as they can, and vacuum runs: it is one instant, across tables and across the pieces of each. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { compareBaselines } from "../../core/baseline.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { backUp } from "../../io/postgres/backup.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { restore } from "../../io/postgres/restore.ts";
import { openSession } from "../../io/postgres/session.ts";
import { startBucket, type TestBucket } from "../bucket.ts";
import { dropDatabases, ends, freshDatabase, rows } from "../postgres.ts";

let bucket: TestBucket;
beforeAll(async () => {
  bucket = await startBucket();
});
afterAll(() => bucket.stop());

/**
 * Money moves between accounts (their sum is none), is brought to accounts (then branches, history and the partitioned ledger say so
 * too), and guests move between the inn and the road. Rows are found all over their tables, so that one transaction writes into
 * several pieces; half-empty pages leave room for versions on the same page, and an indexed place that changes leaves none.
 */
const BANK = `create schema bank;
  create table bank.accounts (id int primary key, branch int, balance bigint not null, place int, filler text) with (fillfactor = 60, autovacuum_enabled = off);
  insert into bank.accounts select g, g % 10, 0, g, repeat('f', 60) from generate_series(1, 20000) g;
  create index on bank.accounts (place);
  create table bank.branches (id int primary key, total bigint not null) with (fillfactor = 10);
  insert into bank.branches select g, 0 from generate_series(0, 9) g;
  create table bank.history (id bigint generated always as identity, account int, amount bigint);
  create table bank.ledger (account int, amount bigint) partition by hash (account);
  create table bank.ledger_0 partition of bank.ledger for values with (modulus 2, remainder 0);
  create table bank.ledger_1 partition of bank.ledger for values with (modulus 2, remainder 1);
  create table bank.inn (guest int primary key, luggage text); create table bank.road (guest int primary key, luggage text);
  insert into bank.inn select g, repeat('l', 200) from generate_series(1, 3000) g;
  create function bank.any_account() returns int language sql volatile as 'select 1 + floor(random() * 20000)::int';
  create procedure bank.transfer() language plpgsql as $$
    declare one int := bank.any_account(); other int := bank.any_account();
    begin
      if one = other then return; end if;
      update bank.accounts set balance = balance - 7 where id = least(one, other);
      update bank.accounts set balance = balance + 7 where id = greatest(one, other);
    end $$;
  create procedure bank.bring() language plpgsql as $$
    declare one int := bank.any_account();
    begin
      update bank.accounts set balance = balance + one where id = one;
      update bank.branches set total = total + one where id = one % 10;
      insert into bank.history (account, amount) values (one, one);
      insert into bank.ledger values (one, one);
    end $$;
  create procedure bank.travel() language plpgsql as $$
    declare least int := floor(random() * 3000)::int;
    begin
      with gone as (delete from bank.inn where guest between least and least + 20 returning *) insert into bank.road select * from gone;
      least := floor(random() * 3000)::int;
      with back as (delete from bank.road where guest between least and least + 20 returning *) insert into bank.inn select * from back;
    end $$;
  create procedure bank.move_on() language plpgsql as $$
    declare one int := bank.any_account();
    begin update bank.accounts set place = place + 20000 where id = one; end $$`;

const WORK = ["transfer", "transfer", "bring", "travel", "move_on"];

/** One connection for each kind of work, going round until it is stopped; then tells how often each went round. */
function writeTo(source: DatabaseAddress) {
  let over = false;
  const statements = [
    ...WORK.map((work) => `call bank.${work}()`),
    "vacuum (index_cleanup on) bank.accounts, bank.inn, bank.road, bank.branches",
  ];
  const rounds = statements.map(() => 0);
  const ended = Promise.all(
    statements.map(async (statement, place) => {
      const session = await openSession(source, { application: "writer" });
      for (; !over; rounds[place] = (rounds[place] ?? 0) + 1) await session.execute(statement);
      await session.close();
    }),
  );
  return {
    rounds,
    stop: async () => {
      over = true;
      await ended;
    },
  };
}

/** What is the same for every transaction that sees the database. */
const INVARIANTS = `select (select sum(balance) from bank.accounts) - (select sum(amount) from bank.history) as "accounts and history",
    (select sum(total) from bank.branches) - (select sum(amount) from bank.history) as "branches and history",
    (select sum(amount) from bank.ledger) - (select sum(amount) from bank.history) as "ledger and history",
    (select count(*) from bank.accounts) as accounts, (select count(distinct place % 20000) from bank.accounts) as places,
    (select count(*) from (select guest from bank.inn union all select guest from bank.road) g) as guests,
    (select count(distinct guest) from (select guest from bank.inn union all select guest from bank.road) g) as "different guests"`;

const HELD = {
  ...{ "accounts and history": "0", "branches and history": "0", "ledger and history": "0" },
  ...{ accounts: "20000", places: "20000", guests: "3000", "different guests": "3000" },
};

test.each(ends)(
  "while five connections write and one vacuums, the backup is one instant on Postgres $major",
  async (server) => {
    const source = await freshDatabase(server, BANK);
    const target = await freshDatabase(server);
    const deposits = async (address: DatabaseAddress) =>
      Number((await rows<{ n: string }>(address, "select count(*) as n from bank.history"))[0]?.n);
    const writers = writeTo(source);
    await expect.poll(() => Math.min(...writers.rounds), { timeout: 20_000 }).toBeGreaterThan(2);
    const [begun, before] = [[...writers.rounds], await deposits(source)];
    const manifest = await backUp({
      ...{ source, application: "backup", store: bucket.store, prefix: `bank/${server.major}/` },
      ...{ connections: 3, chunkBytes: 65_536 },
    }).catch(async (error: unknown) => {
      await writers.stop();
      throw error;
    });
    const during = writers.rounds.map((rounds, place) => rounds - (begun[place] ?? 0));
    const after = await deposits(source);
    await writers.stop();

    // The proof is worth something when everybody wrote all the while, in every way there is.
    expect(Math.min(...during.slice(0, WORK.length))).toBeGreaterThan(10);
    expect(during.at(-1)).toBeGreaterThan(0);
    const counted = `select n_tup_hot_upd > 100 as hot, n_tup_upd - n_tup_hot_upd > 100 as moved, vacuum_count > 1 as vacuumed
      from pg_stat_user_tables where relname = 'accounts'`;
    await expect
      .poll(() => rows(source, counted), { timeout: 20_000 })
      .toEqual([{ hot: true, moved: true, vacuumed: true }]);
    const pieces = (table: string) => manifest.data.filter((object) => object.table === table).length;
    expect(pieces('"bank"."accounts"')).toBeGreaterThan(20);
    expect(pieces('"bank"."inn"')).toBeGreaterThan(2);

    await restore({
      ...{ target, application: "restore", store: bucket.store, manifest, connections: 3 },
    });
    expect(await rows(target, INVARIANTS)).toEqual([HELD]);
    expect(await rows(source, INVARIANTS)).toEqual([HELD]);
    const carried = await deposits(target);
    expect(carried).toBeGreaterThanOrEqual(before);
    expect(carried).toBeLessThanOrEqual(after);
    const copy = await openSession(target, { application: "test" });
    expect(compareBaselines(manifest.baseline, await readBaseline(copy))).toEqual([]);
    // No value was given out twice: the copy goes on behind the last one that it holds.
    const [next] = await copy.query<{ next: string; last: string }>(
      "select nextval('bank.history_id_seq') as next, (select max(id) from bank.history) as last",
    );
    expect(Number(next?.next)).toBeGreaterThan(Number(next?.last));
    await copy.close();
    await dropDatabases(source, target);
  },
);
