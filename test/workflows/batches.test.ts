/** A backfill in slices in a promotion: killed, out of time, and wanted back. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import type { RehearsalReport } from "../../core/report.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { contentOf } from "../service/content.ts";
import { LocalService } from "../service/local-service.ts";
import { eventTypes, expectSettled } from "../service/outcome.ts";
import { type Detail, Service } from "../service/service.ts";

const ROWS = 2_000;
const SCHEMA = `
create table files (id bigint primary key, n int not null default 0);
insert into files select g * 3, 0 from generate_series(1, ${ROWS}) g;
`;
const PATH = "migrations/0001_count.sql";
const files = (directive: string) => ({
  "rehearsal.yaml": "project: files\n",
  [PATH]: `-- rehearsal: batch table=public.files key=id size=100 ${directive}\nupdate files set n = n + 1\n`,
  "checks/all_counted.sql": "select id from files where n <> 1;\n",
});

const server = newestServer();
const made: DatabaseAddress[] = [];

async function production(service: Service, name: string, policy: object = {}): Promise<DatabaseAddress> {
  const address = await freshDatabase(server, SCHEMA, `batches_${name}_${process.pid}`);
  made.push(address);
  await service.register(name, address, { plans: "optional", ...policy });
  return address;
}

const counters = (address: DatabaseAddress) =>
  rows(address, "select n, count(*)::int as rows from public.files group by n");
const standing = async (address: DatabaseAddress) => {
  const [row] = await rows<{ slices: number; visited: number; done: boolean; started: string }>(
    address,
    "select slices, visited::int as visited, done, started_at::text as started from rehearsal.batches",
  );
  return row;
};
const attemptsOf = ({ steps }: Detail, status: string) =>
  steps.filter((step) => step.step === "migrate" && step.status === status).length;

afterAll(async () => {
  await dropDatabases(...made);
});

describe("a service that is killed", () => {
  let service: Service;

  beforeAll(async () => {
    service = await new Service(server.address, "batches-killed").start();
  });

  afterAll(async () => {
    await service.stop();
  });

  test("fault 1: kill -9 amid the backfill in production, and it goes on at its cursor: each row is counted once", async () => {
    const address = await production(service, "killed");
    service.killAt("migrate:slice");
    const id = await service.promote("killed", await service.release(files("")));
    expect(await service.ended()).toBe("SIGKILL");
    // The fence has given it another name.
    const [fenced] = await rows<{ name: string }>(
      server.address,
      "select datname as name from pg_database where datname ~ $1 and datname ~ 'fenced'",
      [`^${address.database}`],
    );
    const cut = await standing({ ...address, database: fenced?.name ?? address.database });
    expect(cut).toMatchObject({ slices: 1, visited: 100, done: false });
    await service.start();
    const detail = await service.until(id, "promoted");
    expect(await counters(address)).toEqual([{ n: 1, rows: ROWS }]);
    const ended = await standing(address);
    // Not started over: the rows of the first slice were gone over once, and the beginning is the first attempt's.
    expect(ended).toMatchObject({ visited: ROWS, done: true, started: cut?.started });
    expect(attemptsOf(detail, "succeeded")).toBe(1);
    const report = await service.must<RehearsalReport>("GET", `/promotions/${id}/report`);
    expect(report.batches).toMatchObject([
      { path: PATH, table: '"public"."files"', rows: ROWS, visited: ROWS },
    ]);
    expect(report.runs[0]?.items[0]?.statements).toMatchObject([{ rows: ROWS }]);
    await expectSettled(service, detail);
  });
});

describe("fault 2: a backfill that outlasts its function", () => {
  let service: LocalService;

  beforeAll(async () => {
    service = await new LocalService(server.address, "batches-yield", {
      limits: { migrate: { timeoutSeconds: 4 } },
    }).start();
  });

  afterAll(async () => {
    await service.stop();
  });

  test("stops in time and is called again until it is done; a death right after stopping costs nothing", async () => {
    const address = await production(service, "long");
    service.gate("migrate:yielded", "dies");
    const id = await service.promote("long", await service.release(files("rate=500")));
    const detail = await service.until(id, "promoted");
    expect(attemptsOf(detail, "yielded")).toBeGreaterThanOrEqual(1);
    expect(attemptsOf(detail, "succeeded")).toBe(1);
    expect(await counters(address)).toEqual([{ n: 1, rows: ROWS }]);
    expect(await standing(address)).toMatchObject({ visited: ROWS, done: true });
    const types = await eventTypes(service, id);
    expect(types.filter((type) => type === "migrate.yielded")).toHaveLength(attemptsOf(detail, "yielded"));
    expect(types.filter((type) => type === "migrate.done")).toHaveLength(1);
    await expectSettled(service, detail);
  });

  test("wanted back amid the slices, it is taken back whole", async () => {
    const address = await production(service, "back");
    const before = await contentOf(address);
    const gate = service.gate("migrate:slice");
    const id = await service.promote("back", await service.release(files("rate=250")));
    await gate.reached();
    await service.must("POST", `/promotions/${id}/rollback`, { confirm: "back" });
    gate.open();
    const detail = await service.until(id, "rolled-back");
    expect(detail.error).toMatchObject({ code: "RollbackAsked" });
    expect(await contentOf(address)).toEqual(before);
    await execute(address, "insert into files values (1, 0)");
  });
});
