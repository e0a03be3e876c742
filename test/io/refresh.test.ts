import { expect, test } from "vitest";
import { compareBaselines } from "../../core/baseline.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { cloneDatabase } from "../../io/postgres/databases.ts";
import { refreshCopy } from "../../io/postgres/refresh.ts";
import { openSession } from "../../io/postgres/session.ts";
import { dropDatabases, execute, rows, servers } from "../postgres.ts";

test.each(servers)(
  "a copy is brought up to bytes of no encoding and to amounts in the database's own currency on Postgres $major",
  async (server) => {
    const name = `refresh_${server.major}_${process.pid}`;
    const source = { ...server.address, database: name };
    const target = { ...server.address, database: `${name}_copy` };
    await execute(
      server.address,
      `create database ${name} template template0 encoding 'SQL_ASCII' locale 'C'`,
    );
    await execute(server.address, `alter database ${name} set idle_in_transaction_session_timeout = '100ms'`);
    await execute(
      source,
      String.raw`create table t (id int primary key, text text, price money); insert into t values (1, E'\xe4', '1.50')`,
    );
    const maintenance = await openSession(server.address, { application: "test" });
    await cloneDatabase(maintenance, name, target.database);
    await maintenance.close();
    const before = await baselineOf(source);
    await execute(
      source,
      String.raw`insert into t select g, E'\xf6\\n\t', g::money from generate_series(2, 999) g; delete from t where id = 1`,
    );
    const now = await baselineOf(source);
    // Slow enough on the copy for the source's session to be idle in its transaction longer than the database allows.
    await execute(
      target,
      "create function wait() returns trigger language plpgsql as $$ begin perform pg_sleep(0.5); return old; end $$; create trigger slow before delete on t for each row execute function wait(); alter table t enable always trigger slow",
    );
    await refreshCopy({ source, target, application: "test", before, now });
    expect(compareBaselines(now, await baselineOf(target))).toEqual([]);
    expect(await rows(target, "select count(*)::int as n from public.t")).toEqual([{ n: 998 }]);
    await dropDatabases(source, target);
  },
);

async function baselineOf(address: (typeof servers)[number]["address"]) {
  const session = await openSession(address, { application: "test" });
  try {
    return await readBaseline(session);
  } finally {
    await session.close();
  }
}
