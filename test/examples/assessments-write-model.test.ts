/**
 * Every way to edit the record, put to every role.
 * Long because each way stands here with what the database says to it.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { parseMigration } from "../../core/migration.ts";
import { quoteName } from "../../core/names.ts";
import { fillProduction } from "../../examples/assessments/generate.ts";
import { type ActKind, writeAct } from "../../io/postgres/acts.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { dropDatabases, execute, freshDatabase, newestServer } from "../postgres.ts";
import { apply, assessmentsProject, register } from "./assessments-project.ts";

let address: DatabaseAddress;
let session: Session;
/** Of this run: roles are the server's, not the database's. */
const role = (name: string) => `assessments_${process.pid}_${name}`;

const TABLES = [
  "jobs",
  "job_rounds",
  "round_recordings",
  "round_images",
  "job_finals",
  "artifacts",
  "job_events",
];

beforeAll(async () => {
  address = await freshDatabase(newestServer());
  await register(address);
  await apply(address, await assessmentsProject());
  session = await openSession(address, { application: "test" });
  await fillProduction(session, { seed: 7, jobs: 48 });
  const [application, writer, owner] = ["application", "writer", "owner"].map((name) =>
    quoteName(role(name)),
  );
  await execute(
    address,
    `create role ${application}; create role ${writer}; create role ${owner} bypassrls;
    grant select, insert, update, delete, truncate, references, trigger on all tables in schema public to ${application};
    grant pg_write_all_data, pg_read_all_data to ${writer};
    grant truncate on all tables in schema public to ${writer};
    create view finals as select * from job_finals; grant all on finals to ${application}, ${writer}`,
  );
});

afterAll(async () => {
  await session.close();
  await dropDatabases(address);
  await execute(
    newestServer().address,
    ["application", "writer", "owner"]
      .map((name) => `drop role if exists ${quoteName(role(name))}`)
      .join("; "),
  );
});

interface Said {
  code: string;
  message: string;
  hint: string;
}

/** What the server said to the statements, which are taken back whatever they did; undefined when it took them. */
async function attempt(
  statements: string,
  as: () => Promise<void> = async () => undefined,
): Promise<Said | undefined> {
  await session.execute("begin");
  try {
    await as();
    await session.execute(statements);
    await session.execute("set constraints all immediate");
    return undefined;
  } catch (error) {
    const { code, message, hint } = (error as { cause?: Partial<Said> }).cause ?? {};
    if (code === undefined || message === undefined) throw error;
    return { code, message, hint: hint ?? "" };
  } finally {
    await session.execute("rollback");
  }
}

const acting = (kind: ActKind) => async () => {
  await writeAct(session, { kind, id: "test", record: "1" });
};

const FINAL = "job_id = (select id from public.jobs where reference = 'A-000007') and kind = 'final'";
const ARCHIVED = "(select id from public.jobs where reference = 'A-000007')";
const ROUND = "(select id from public.job_rounds where reference = 'A-000007-R1')";

/** What is refused, and what is said; every role is put to each. */
const ATTEMPTS: [what: string, sql: string, message: RegExp, hint: RegExp][] = [
  [
    "a final is changed",
    `update public.job_finals set payload = '{}' where ${FINAL}`,
    /^the final of job A-000007 does not change$/,
    /^write the correction/,
  ],
  [
    "a final is set to what it is",
    `update public.job_finals set payload = payload where ${FINAL}`,
    /^the final of job/,
    /correction/,
  ],
  [
    "a final becomes a correction",
    `update public.job_finals set kind = 'correction' where ${FINAL}`,
    /^the final of job/,
    /correction/,
  ],
  [
    "a final is changed through a view",
    `update public.finals set payload = '{}' where ${FINAL}`,
    /^the final of job/,
    /correction/,
  ],
  [
    "a final is deleted",
    `delete from public.job_finals where ${FINAL}`,
    /^the final of job A-000007 is kept for good$/,
    /^a record is corrected, not deleted/,
  ],
  [
    "a final is written over",
    `insert into public.job_finals (job_id, kind, payload) select job_id, kind, '{}' from public.job_finals where ${FINAL} on conflict (job_id, kind) do update set payload = excluded.payload`,
    /^the final of job/,
    /correction/,
  ],
  [
    "a final is merged over",
    `merge into public.job_finals f using (select ${ARCHIVED} as id) j on f.job_id = j.id and f.kind = 'final' when matched then update set made_at = now()`,
    /^the final of job/,
    /correction/,
  ],
  [
    "a final is merged away",
    `merge into public.job_finals f using (select ${ARCHIVED} as id) j on f.job_id = j.id when matched then delete`,
    /kept for good$/,
    /corrected/,
  ],
  [
    "a final is changed by WITH",
    `with gone as (delete from public.job_finals where ${FINAL} returning *) select * from gone`,
    /kept for good$/,
    /corrected/,
  ],
  ["finals are emptied", "truncate public.job_finals", /^job_finals is never emptied$/, /the record stays/],
  [
    "a correction is deleted",
    "delete from public.job_finals where kind = 'correction'",
    /^the correction of job A-\d+ is kept for good$/,
    /corrected/,
  ],
  [
    "a correction is given to another job",
    `update public.job_finals set job_id = ${ARCHIVED} where kind = 'correction'`,
    /stays its correction$/,
    /has a correction of its own/,
  ],
  [
    "a correction becomes a final",
    "update public.job_finals set kind = 'final' where kind = 'correction'",
    /stays its correction$/,
    /its payload/,
  ],
  [
    "a job is deleted",
    "delete from public.jobs where reference = 'A-000007'",
    /^job A-000007 is kept for good$/,
    /cancelled/,
  ],
  [
    "a job is deleted with all that hangs on it",
    "truncate public.jobs cascade",
    /^jobs is never emptied$/,
    /the record stays/,
  ],
  [
    "everything is emptied through customers",
    "truncate public.customers cascade",
    /is never emptied$/,
    /the record stays/,
  ],
  [
    "a job is no longer archived",
    "update public.jobs set status = 'active', archived_at = null where reference = 'A-000007'",
    /^job A-000007 is archived, and stays what it was$/,
    /its correction/,
  ],
  [
    "a job is archived without a final",
    "update public.jobs set status = 'archived', archived_at = now() where reference = 'A-000004'",
    /^job A-000004 is archived without an intact final$/,
    /in the same transaction/,
  ],
  [
    "a round of an archived job is changed",
    `update public.job_rounds set notes = '{}' where id = ${ROUND}`,
    /^job A-000007 is archived, and its rounds are closed$/,
    /prune/,
  ],
  [
    "a round of an archived job is deleted",
    `delete from public.job_rounds where id = ${ROUND}`,
    /its rounds are closed$/,
    /prune/,
  ],
  [
    "a round is added to an archived job",
    `insert into public.job_rounds (reference, job_id, number) values ('x', ${ARCHIVED}, 99)`,
    /its rounds are closed$/,
    /prune/,
  ],
  [
    "a round is moved into an archived job",
    `update public.job_rounds set job_id = ${ARCHIVED}, number = 99 where reference = 'A-000004-R1'`,
    /its rounds are closed$/,
    /prune/,
  ],
  [
    "an upload is changed",
    "update public.round_recordings set sha256 = repeat('0', 64)",
    /^uploaded media do not change: A-/,
    /upload what is right/,
  ],
  [
    "an image is moved to another key",
    "update public.round_images set storage_key = 'media/x' where reference like 'A-000004%'",
    /^uploaded media do not change/,
    /upload/,
  ],
  [
    "an upload is written over",
    "insert into public.round_images select * from public.round_images limit 1 on conflict (reference) do update set size_bytes = 0",
    /^(uploaded media do not change|cannot insert a non-DEFAULT value)/,
    /upload|OVERRIDING/,
  ],
  [
    "an upload is deleted",
    "delete from public.round_recordings where reference like 'A-000007%'",
    /^uploaded media are not deleted/,
    /prune/,
  ],
  [
    "an upload of an active job is deleted",
    "delete from public.round_images where reference like 'A-000004%'",
    /^uploaded media are not deleted/,
    /prune/,
  ],
  [
    "uploads are merged away",
    "merge into public.round_images m using public.job_rounds r on r.id = m.round_id when matched then delete",
    /^uploaded media are not deleted/,
    /prune/,
  ],
  [
    "uploads are emptied",
    "truncate public.round_recordings, public.round_images",
    /is never emptied$/,
    /prune/,
  ],
  [
    "something is uploaded to an archived job",
    `insert into public.round_images (reference, round_id, storage_key, content_type, sha256, size_bytes) values ('x', ${ROUND}, 'media/x', 'image/jpeg', repeat('0', 64), 1)`,
    /takes no more media$/,
    /prune restore/,
  ],
  [
    "an output is changed",
    "update public.artifacts set sha256 = repeat('0', 64) where reference = 'A-000007-pdf'",
    /^artifact A-000007-pdf is an output, and changes by regeneration alone$/,
    /regenerate/,
  ],
  [
    "an output is no longer retained",
    "update public.artifacts set retained = false, kind = 'review' where reference = 'A-000007-pdf'",
    /by regeneration alone$/,
    /regenerate/,
  ],
  [
    "an output is written over",
    "insert into public.artifacts (reference, job_id, kind, storage_key, content_type, sha256, size_bytes, retained) select reference, job_id, kind, storage_key, content_type, sha256, size_bytes, retained from public.artifacts where reference = 'A-000007-pdf' on conflict (reference) do update set size_bytes = 0",
    /^artifact A-000007-pdf is (an output|of an archived job)/,
    /regenerat/,
  ],
  [
    "an output is deleted",
    "delete from public.artifacts where reference = 'A-000007-docx'",
    /by regeneration alone$/,
    /never deleted/,
  ],
  [
    "an output is merged away",
    `merge into public.artifacts a using public.jobs j on j.id = a.job_id and a.retained when matched then delete`,
    /by regeneration alone$/,
    /never deleted/,
  ],
  [
    "a review of an archived job is deleted",
    "delete from public.artifacts where reference = 'A-000007-R1-review'",
    /is of an archived job$/,
    /prune/,
  ],
  [
    "an output is added to an archived job",
    `insert into public.artifacts (reference, job_id, kind, storage_key, content_type, sha256, size_bytes, retained) values ('x', ${ARCHIVED}, 'pdf', 'documents/x', 'application/pdf', repeat('0', 64), 1, true)`,
    /is of an archived job$/,
    /regeneration/,
  ],
  ["artifacts are emptied", "truncate public.artifacts", /^artifacts is never emptied$/, /prune/],
  [
    "an event is changed",
    "update public.job_events set actor = 'nobody'",
    /^event \d+ has happened$/,
    /never changed or deleted/,
  ],
  [
    "an event is deleted",
    "delete from public.job_events where id = (select min(id) from public.job_events)",
    /^event \d+ has happened$/,
    /never changed/,
  ],
  ["events are emptied", "truncate public.job_events", /^job_events is never emptied$/, /the record stays/],
];

const ROLES: [name: string, become: () => Promise<void>][] = [
  [
    "the application",
    () => session.execute(`set local role ${quoteName(role("application"))}`).then(() => undefined),
  ],
  [
    "a member of pg_write_all_data",
    () => session.execute(`set local role ${quoteName(role("writer"))}`).then(() => undefined),
  ],
  [
    "the owner of the tables, who is no superuser",
    async () => {
      const owner = quoteName(role("owner"));
      const tables = [...TABLES, "customers", "billing_profiles", "operators", "finals"];
      await session.execute(`grant usage, create on schema public to ${owner}`);
      await session.execute(
        tables.map((table) => `alter table public.${table} owner to ${owner}`).join("; "),
      );
      await session.execute(`set local role ${owner}`);
    },
  ],
  ["a superuser", async () => undefined],
  [
    "a superuser who replays for a replica",
    () => session.execute("set local session_replication_role = replica").then(() => undefined),
  ],
  [
    "a superuser whose triggers look elsewhere",
    () =>
      session.execute("set local search_path = pg_temp; set local row_security = off").then(() => undefined),
  ],
];

async function content(): Promise<unknown> {
  const sums = TABLES.map(
    (table) =>
      `select '${table}' as name, count(*)::text, md5(string_agg(t::text, ',' order by t.id)) from public.${table} t`,
  );
  return session.query(sums.join(" union all "));
}

describe.each(ROLES)("as %s", (_, become) => {
  test("every direct edit of finals, media, artifacts, events and archived jobs is refused by the database", async () => {
    const before = await content();
    for (const [what, sql, message, hint] of ATTEMPTS) {
      const said = await attempt(sql, become);
      expect(said?.message ?? "it was taken", what).toMatch(message);
      expect(said?.hint, what).toMatch(hint);
    }
    expect(await content()).toEqual(before);
  });

  test("nobody but a role that may write the record's own schema can pretend to prune", async () => {
    const pretend = "insert into rehearsal.acts (kind, id, record) values ('prune', 'x', 'x')";
    const said = await attempt(pretend, become);
    // The database's owner and superusers may: what they have written stays as evidence.
    if (said !== undefined)
      expect(said).toMatchObject({ code: "42501", message: "permission denied for table acts" });
    const asked = await attempt(
      "do $$ begin if rehearsal.is_acting('prune') or rehearsal.is_acting('regenerate') then raise 'it acts'; end if; end $$",
      become,
    );
    expect(asked).toBeUndefined();
  });
});

describe("what is meant to go", () => {
  test("the current correction is written over, and what it was is told by its checksum", async () => {
    await session.execute("begin");
    try {
      await session.execute(
        `update public.job_finals set payload = payload || '{"form": {"score": 1}}' where kind = 'correction' and id = (select max(id) from public.job_finals where kind = 'correction')`,
      );
      const [row] = await session.query<{
        intact: boolean;
        detail: { before: { payload_sha256: string }[] };
      }>(
        `select f.payload_sha256 = encode(sha256(convert_to(f.payload::text, 'UTF8')), 'hex') as intact, e.detail
          from public.job_finals f join public.job_events e on e.job_id = f.job_id and e.subject = 'job_finals' and e.kind = 'updated'
          order by e.id desc limit 1`,
      );
      expect(row).toMatchObject({
        intact: true,
        detail: { before: [{ payload_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }] },
      });
    } finally {
      await session.execute("rollback");
    }
  });

  test("a payload is never kept beside another's checksum", async () => {
    const forged =
      "insert into public.job_finals (job_id, kind, payload, payload_sha256) values (4, 'final', '{}', repeat('0', 64))";
    expect(await attempt(forged)).toMatchObject({ message: expect.stringContaining("payloads_are_intact") });
  });

  test("a job is archived with its final, in either order, and the policy is told in the same transaction", async () => {
    const archive =
      "update public.jobs set status = 'archived', archived_at = now() where reference = 'A-000004'";
    const final =
      "insert into public.job_finals (job_id, kind, payload) select id, 'final', '{\"rounds\": []}' from public.jobs where reference = 'A-000004'";
    const told =
      "do $$ begin if (select count(*) from rehearsal.archived where policy = 'jobs' and xid = pg_current_xact_id()) <> 1 then raise 'nobody was told'; end if; end $$";
    expect(await attempt(`${archive}; ${final}; ${told}`)).toBeUndefined();
    expect(await attempt(`${final}; ${archive}; ${told}`)).toBeUndefined();
    expect(await session.query("select 1 from rehearsal.archived")).toEqual([]);
  });

  test("a prune takes rounds, media and reviews of archived jobs, and nothing else", async () => {
    const all = `delete from public.round_recordings where round_id = ${ROUND}; delete from public.round_images where round_id = ${ROUND};
      delete from public.artifacts where round_id = ${ROUND}; delete from public.job_rounds where id = ${ROUND}`;
    expect(await attempt(all, acting("prune"))).toBeUndefined();
    for (const [sql, message] of [
      ["delete from public.round_images where reference like 'A-000004%'", /not deleted/],
      [`delete from public.job_finals where ${FINAL}`, /kept for good/],
      ["delete from public.artifacts where reference = 'A-000007-pdf'", /regeneration alone/],
      ["delete from public.jobs where reference = 'A-000007'", /kept for good/],
      ["delete from public.job_events", /has happened/],
      ["update public.round_images set size_bytes = 0", /do not change/],
      [`update public.job_rounds set notes = '{}' where id = ${ROUND}`, /closed/],
    ] as const)
      expect((await attempt(sql, acting("prune")))?.message, sql).toMatch(message);
    for (const kind of ["regenerate", "import", "prune-restore"] as const)
      expect((await attempt(all, acting(kind)))?.message, kind).toMatch(/not deleted/);
  });

  test("what a prune took is put back by its restore alone", async () => {
    const round = `insert into public.job_rounds (reference, job_id, number) values ('A-000007-R9', ${ARCHIVED}, 9)`;
    const image = `insert into public.round_images (reference, round_id, storage_key, content_type, sha256, size_bytes)
      select 'A-000007-R9-M1', id, 'media/A-000007/R9-M1.jpg', 'image/jpeg', repeat('0', 64), 1 from public.job_rounds where reference = 'A-000007-R9'`;
    expect(await attempt(`${round}; ${image}`, acting("prune-restore"))).toBeUndefined();
    expect((await attempt(round, acting("prune")))?.message).toMatch(/closed/);
  });

  test("regeneration changes an output where it stands, and neither its place nor its job", async () => {
    const output = "where reference = 'A-000007-pdf'";
    const made = `update public.artifacts set sha256 = repeat('1', 64), size_bytes = 9, payload_sha256 = repeat('2', 64), made_at = now() ${output}`;
    expect(await attempt(made, acting("regenerate"))).toBeUndefined();
    for (const change of [
      "storage_key = 'documents/x'",
      "job_id = 8",
      "retained = false, kind = 'review'",
      "reference = 'x'",
    ])
      expect(
        (await attempt(`update public.artifacts set ${change} ${output}`, acting("regenerate")))?.message,
        change,
      ).toMatch(/regeneration alone/);
    expect((await attempt(made, acting("prune")))?.message).toMatch(/regeneration alone/);
  });

  test("an act counts in its own transaction alone", async () => {
    await session.transaction(
      async () => void (await writeAct(session, { kind: "prune", id: "over", record: "1" })),
    );
    expect((await attempt(`delete from public.round_recordings where round_id = ${ROUND}`))?.message).toMatch(
      /not deleted/,
    );
  });

  test("a round cannot slip into a job while it is being archived", async () => {
    const other = await openSession(address, { application: "test", lockTimeout: 200 });
    try {
      await session.execute("begin");
      await session.execute(
        "update public.jobs set status = 'archived', archived_at = now() where reference = 'A-000004'",
      );
      const late = other.query(
        "insert into public.job_rounds (reference, job_id, number) select 'late', id, 99 from public.jobs where reference = 'A-000004'",
      );
      await expect(late).rejects.toMatchObject({ cause: { code: "55P03" } });
    } finally {
      await session.execute("rollback");
      await other.close();
    }
  });

  test("without Rehearsal's functions nobody acts, and archiving goes on", async () => {
    const bare = await freshDatabase(newestServer());
    try {
      await apply(bare, await assessmentsProject());
      await execute(
        bare,
        "insert into customers (reference, name) values ('C', 'C'); insert into jobs (reference, customer_id, status) values ('J', 1, 'active'); insert into job_rounds (reference, job_id, number) values ('R', 1, 1)",
      );
      await execute(
        bare,
        "begin; insert into job_finals (job_id, kind, payload) values (1, 'final', '{}'); update jobs set status = 'archived', archived_at = now(); commit",
      );
      await expect(execute(bare, "delete from job_rounds")).rejects.toMatchObject({
        cause: { message: expect.stringMatching(/closed/) },
      });
    } finally {
      await dropDatabases(bare);
    }
  });
});

describe("who may alter the tables can take a guard away", () => {
  test.each([
    "alter table job_finals disable trigger guard_final",
    "alter table job_finals disable trigger all",
    "drop trigger guard_final on job_finals",
    "drop function guard_final() cascade",
    "alter table job_finals drop constraint payloads_are_intact",
  ])("and in a migration that needs a data plan: %s", async (sql) => {
    const { statements } = await parseMigration("migrations/0012_x.sql", Buffer.from(sql));
    expect(statements).toMatchObject([{ class: "destructive" }]);
  });

  const GUARDS = "select count(*)::int as broken from (%) broken";
  test.each([
    ["disabled", "alter table public.job_finals disable trigger guard_final"],
    ["resting for a replica", "alter table public.job_finals enable trigger guard_final"],
    ["dropped", "drop trigger guard_media on public.round_images"],
    [
      "hollow",
      "create or replace function public.guard_final() returns trigger language plpgsql as $$ begin return new; end $$",
    ],
  ])("and a check of the release finds it: %s", async (_, sql) => {
    const { checks } = await assessmentsProject();
    const check = checks.find(({ name }) => name === "guards_stand");
    const broken = async () => {
      const [row] = await session.query<{ broken: number }>(
        GUARDS.replace("%", () => check?.sql.replace(/;\s*$/, "") ?? ""),
      );
      return row?.broken;
    };
    await session.execute("begin");
    try {
      await session.execute("set local search_path = public");
      expect(await broken()).toBe(0);
      await session.execute(sql);
      expect(await broken()).toBeGreaterThan(0);
    } finally {
      await session.execute("rollback");
    }
  });
});
