import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { buildBundle } from "../../core/release.ts";
import { releaseKey } from "../../io/ledger/releases.ts";
import { openObjectStore } from "../../io/object-store.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { LocalService } from "../service/local-service.ts";
import { expectUntouched } from "../service/outcome.ts";
import { planned } from "../service/planned.ts";
import { PROJECT, SCHEMA } from "../service/project.ts";

describe("what is refused, with production as it was", () => {
  const server = newestServer();
  const made: DatabaseAddress[] = [];
  let service: LocalService;

  beforeAll(async () => {
    service = await new LocalService(server.address, "refusals").start();
  });

  afterAll(async () => {
    await service.stop();
    await dropDatabases(...made);
  });

  async function environment(
    name: string,
    options: { policy?: object; role?: "prod" | "dev"; sql?: string } = {},
  ): Promise<DatabaseAddress> {
    const address = await freshDatabase(server, options.sql ?? SCHEMA, `refusals_${name}_${process.pid}`);
    made.push(address);
    await service.register(name, address, options.policy, options.role);
    return address;
  }

  /** Promotes, expects a refusal with the code, and production as it was. */
  async function refusal(name: string, address: DatabaseAddress, files: Record<string, string> | string) {
    const before = await contentOf(address);
    const hash = typeof files === "string" ? files : await service.release(files);
    const detail = await service.until(await service.promote(name, hash), "refused");
    await expectUntouched(service, detail, address, before);
    return { ...detail.error, step: detail.steps.findLast(({ status }) => status === "failed")?.step };
  }

  const second = "migrations/0002_backfill.sql";
  const { [second]: backfill = "", "plans/0002.yaml": _plan, ...withoutSecond } = PROJECT;

  test("abuse 13, abuse 14: what was applied and is edited, renamed, removed or replayed old is refused at the door", async () => {
    const address = await environment("applied");
    const first = await service.release(PROJECT);
    const newer = await service.release({
      ...PROJECT,
      "migrations/0003_more.sql": "create table more (id int);",
    });
    await service.until(await service.promote("applied", first), "promoted");
    const told = (reason: string) => ({
      code: "AppliedFilesDiffer",
      step: "admit",
      message: expect.stringContaining(reason),
      hint: expect.stringContaining("byte for byte"),
    });
    expect(await refusal("applied", address, { ...PROJECT, [second]: `${backfill} ` })).toMatchObject(
      told(`${second} was edited`),
    );
    expect(
      await refusal("applied", address, { ...withoutSecond, "migrations/0002_fill.sql": backfill }),
    ).toMatchObject(told("is renamed to migrations/0002_fill.sql"));
    expect(await refusal("applied", address, withoutSecond)).toMatchObject(
      told(`${second} was applied, and is removed`),
    );
    await service.until(await service.promote("applied", newer), "promoted");
    expect(await refusal("applied", address, first)).toMatchObject(
      told("0003_more.sql was applied, and is removed"),
    );
    await service.until(await service.promote("applied", newer), "nothing-to-do");
  });

  test("abuse 14: a bundle that is changed in the bucket is refused at the door, and behind an approval before anything runs", async () => {
    const address = await environment("tampered", { policy: { decision: "approval" } });
    const release = await service.release(PROJECT);
    const store = openObjectStore({ bucket: service.variables.REHEARSAL_BUCKET ?? "" });
    const bundleOf = (files: Record<string, string>) =>
      buildBundle(Object.entries(files).map(([path, text]) => ({ path, bytes: Buffer.from(text) })));
    const good = bundleOf(PROJECT).bytes;
    const other = bundleOf({ ...PROJECT, "migrations/0003_bad.sql": "drop table segments;" });
    const flipped = Uint8Array.from(good);
    flipped[good.length - 3] = (flipped[good.length - 3] ?? 0) ^ 1;

    const id = await service.promote("tampered", release);
    await service.until(id, "waiting");
    const before = await contentOf(address);
    await store.put(releaseKey(release), other.bytes);
    await service.must("POST", `/promotions/${id}/approve`, {}, service.keys.reviewer);
    const detail = await service.until(id, "refused");
    expect(detail.error).toMatchObject({
      code: "ReleaseMismatch",
      hint: expect.stringContaining("another release"),
    });
    await expectUntouched(service, detail, address, before);

    expect(await refusal("tampered", address, release)).toMatchObject({
      code: "ReleaseMismatch",
      step: "admit",
    });
    await store.put(releaseKey(release), flipped);
    expect(await refusal("tampered", address, release)).toMatchObject({
      code: "BundleInvalid",
      step: "admit",
    });
    await store.put(releaseKey(release), good);
    const healed = await service.promote("tampered", release);
    await service.until(healed, "waiting");
    let expectations = "";
    for await (const { key } of store.list(`promotions/${healed}/rehearse/`))
      if (key.endsWith("/expectations.json")) expectations = key;
    const written = Buffer.from(await store.get(expectations)).toString();
    // A verification that expects nothing finds nothing wrong.
    const kept = JSON.stringify({ ...JSON.parse(written), kept: {} });
    await store.put(expectations, Buffer.from(kept));
    await service.must("POST", `/promotions/${healed}/approve`, {}, service.keys.reviewer);
    const lied = await service.until(healed, "refused");
    expect(lied.error).toMatchObject({
      code: "ObjectDamaged",
      message: expect.stringContaining("expectations.json"),
    });
    await expectUntouched(service, lied, address, before);
  });

  test.each([
    ["abuse 15", "begin; select 1; commit;", "TransactionControl"],
    ["abuse 15", "prepare transaction 'x';", "TransactionControl"],
    ["abuse 16", "set role postgres;", "SessionChange"],
    ["abuse 16", "set session authorization postgres;", "SessionChange"],
    ["abuse 17", "copy videos to program 'sh';", "ServerReach"],
    ["abuse 17", "alter system set fsync = off;", "ServerReach"],
    ["abuse 17", "select pg_read_file('/etc/passwd');", "ServerReach"],
    ["abuse 18", "drop schema rehearsal cascade;", "LedgerTouched"],
    ["abuse 18", "drop database postgres;", "ClusterWide"],
    ["abuse 20", "\\copy videos from 'x'", "PsqlCommand"],
    ["abuse 20", "copy videos from stdin;", "InlineCopy"],
  ])("%s: the service refuses a release with %s", async (_, sql, code) => {
    const refused = service.release({ ...PROJECT, "migrations/0003_bad.sql": sql });
    await expect(refused).rejects.toThrow(`"code":"${code}"`);
  });

  test("abuse 16: what statements set that are put together at run time does not reach the next file", async () => {
    const address = await environment("leaks", {
      sql: `${SCHEMA} create table seen (who text, path text, replication text);
        create function note() returns trigger language plpgsql as $$ begin
          new.who := current_user; new.replication := current_setting('session_replication_role'); return new; end $$;
        create trigger note before insert on seen for each row execute function note();`,
    });
    const leaks = [
      "set ro' || 'le pg_monitor",
      "set session_replication_role = repl' || 'ica",
      "set search_path = no' || 'where",
    ];
    const files = leaks.flatMap((leak, index) => [
      [`migrations/000${2 * index + 1}_leak.sql`, `do $$ begin execute '${leak}'; end $$;`],
      [
        `migrations/000${2 * index + 2}_next.sql`,
        "insert into seen (path) values (current_setting('search_path'));",
      ],
    ]);
    const project = { "rehearsal.yaml": "project: leaks\n", ...Object.fromEntries(files) };
    const release = await service.release(await planned(project));
    await service.until(await service.promote("leaks", release), "promoted");
    expect(await rows(address, "select who, path, replication from public.seen")).toEqual(
      leaks.map(() => ({ who: address.user, path: "public", replication: "origin" })),
    );
  });

  test("abuse 18: a write to the record by a statement that is put together at run time is refused on the copy", async () => {
    const address = await environment("record");
    const sql = "do $$ begin execute 'update rehear' || 'sal.identity set token = 9999999'; end $$;";
    const planning = await planned({ ...PROJECT, "migrations/0003_bad.sql": sql });
    expect(await refusal("record", address, planning)).toMatchObject({
      code: "LedgerTouched",
      step: "rehearse",
      message: expect.stringContaining("migrations/0003_bad.sql:1"),
      hint: expect.stringContaining("use another schema"),
    });
  });

  test("fault 22: a concurrent index that cannot be built is refused on the copy, in the server's own words", async () => {
    const address = await environment("concurrently");
    const bad = "-- rehearsal: no-transaction\ncreate unique index concurrently once on segments (text);\n";
    expect(
      await refusal("concurrently", address, { ...PROJECT, "migrations/0003_bad.sql": bad }),
    ).toMatchObject({
      code: "MigrationFailed",
      step: "rehearse",
      message: expect.stringContaining("could not create unique index"),
    });
  });

  test("abuse 21: an endless block and a sleep of years are ended on the copy", async () => {
    const address = await environment("endless", { policy: { statementTimeout: 300 } });
    for (const sql of ["do $$ begin loop end loop; end $$;", "select pg_sleep(1e9);"])
      expect(await refusal("endless", address, { ...PROJECT, "migrations/0003_bad.sql": sql })).toMatchObject(
        {
          code: "StatementTimeout",
          step: "rehearse",
          hint: expect.stringContaining("statementTimeout"),
        },
      );
  });

  test("abuse 39: a database that says another role, another name or another identity is refused, either way round", async () => {
    const prod = await environment("says-prod");
    const dev = await environment("says-dev", { role: "dev" });
    for (const [name, address, other] of [
      ["says-prod", prod, "dev"],
      ["says-dev", dev, "prod"],
    ] as const) {
      await execute(address, `update rehearsal.identity set role = '${other}'`);
      expect(await refusal(name, address, PROJECT)).toMatchObject({
        code: "IdentityMismatch",
        step: "admit",
        message: expect.stringContaining(`its role is ${other}`),
        hint: expect.stringContaining("nothing was written"),
      });
      await execute(address, `update rehearsal.identity set role = '${other === "dev" ? "prod" : "dev"}'`);
    }
    // Each under the other's name: what was production's address is now a database that says dev.
    const swap = async () => {
      const [a, b, aside] = [prod.database, dev.database, `${prod.database}_aside`];
      for (const [from, to] of [
        [a, aside],
        [b, a],
        [aside, b],
      ])
        await execute(server.address, `alter database "${from}" rename to "${to}"`);
    };
    await swap();
    for (const [name, address] of [
      ["says-prod", prod],
      ["says-dev", dev],
    ] as const)
      expect(await refusal(name, address, PROJECT)).toMatchObject({
        code: "IdentityMismatch",
        step: "admit",
      });
    await swap();
    await service.until(await service.promote("says-prod", await service.release(PROJECT)), "promoted");
  });

  test("abuse 40: seeds are refused on prod, by the plan and by the promotion, and run on dev when asked for", async () => {
    const seeded = { ...PROJECT, "seeds/people.sql": "insert into speakers values (3, 'made up');" };
    const release = await service.release(seeded);
    const prod = await environment("seeds-prod");
    const dev = await environment("seeds-dev", { role: "dev" });
    for (const path of ["/promotions", "/plans"])
      expect(
        await service.call("POST", path, { environment: "seeds-prod", release, seed: true }),
      ).toMatchObject({
        status: 409,
        body: { code: "SeedsOnProd", hint: expect.stringContaining("--seed") },
      });
    await service.until(await service.promote("seeds-prod", release), "promoted");
    const { id } = await service.must<{ id: string }>("POST", "/promotions", {
      environment: "seeds-dev",
      release,
      seed: true,
    });
    await service.until(id, "promoted");
    const people = "select count(*)::int as n from public.speakers";
    expect(await rows(prod, people)).toEqual([{ n: 2 }]);
    expect(await rows(dev, people)).toEqual([{ n: 3 }]);
  });
});
