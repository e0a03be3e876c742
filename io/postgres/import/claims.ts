/** Which folder a key belongs to while an import runs: of two that bring the same, the second is refused, and not written over the first. */
import type { Refusal } from "../../../core/import/refused.ts";
import type { StagedRecord } from "../../../core/import/staged.ts";
import { quoteLiteral } from "../../../core/names.ts";
import type { CopySession } from "../copy.ts";
import type { Session } from "../session.ts";
import { copyRow, once, queryRows } from "./copy-row.ts";

/** Without a log of its own: a server that crashes forgets it, and then only a folder before the crash can be written over. */
const CLAIMS = `create unlogged table if not exists rehearsal.import_claims (
  task text not null,
  place text not null,
  key text not null,
  folder text not null,
  at timestamptz not null default now(),
  primary key (task, place, key)
);
comment on table rehearsal.import_claims is 'Which folder brought which key, while an import runs.'`;

/** Makes the place for them, and takes away what imports that died have left. */
export async function prepareClaims(session: Session): Promise<void> {
  const [known] = await session.query<{ there: boolean }>(
    "select to_regclass('rehearsal.import_claims') is not null as there",
  );
  if (known?.there !== true) await session.execute(CLAIMS);
  await session.query("delete from rehearsal.import_claims where at < now() - interval '30 days'");
}

/** What is said once in each session that claims. */
export const MAKE_CLAIMS_STAGE = `create temp table rehearsal_claims (r int, place text, key text, folder text) on commit delete rows`;

const takenQuery = (task: string) => `select s.r, s.place, s.key, c.folder from pg_temp.rehearsal_claims s
  join rehearsal.import_claims c on c.task = ${quoteLiteral(task)} and c.place = s.place and c.key = s.key
  where c.folder <> s.folder order by s.r, s.place`;

/** Claims a folder's keys in a transaction of its own; returns those that are another folder's. */
export async function claimRecords(
  session: CopySession,
  task: string,
  records: readonly StagedRecord[],
): Promise<Map<StagedRecord, Refusal>> {
  const refused = new Map<StagedRecord, Refusal>();
  const lines = records.flatMap(({ folder, claims }, number) =>
    claims.map(({ of, key }) => copyRow([String(number), of, key, folder])),
  );
  await session.execute("begin");
  try {
    await session.copyIn("copy pg_temp.rehearsal_claims from stdin", once(Buffer.from(lines.join(""))));
    const [claimed] = await session.readRow(
      `with claimed as (insert into rehearsal.import_claims (task, place, key, folder)
          select distinct on (place, key) ${quoteLiteral(task)}, place, key, folder from pg_temp.rehearsal_claims order by place, key, r
          on conflict do nothing returning 1)
        select count(*) from claimed`,
    );
    // Where each was new, none is another's.
    const taken = Number(claimed) === lines.length ? [] : await queryRows(session, takenQuery(task));
    await session.execute("commit");
    for (const [number, place, key, folder] of taken) {
      const record = records[Number(number)];
      if (record === undefined || refused.has(record)) continue;
      const reason =
        place === ""
          ? `its name is that of "${folder}", but for the case of its letters`
          : `"${folder}" has brought a row of "${place}" with the same key: ${key}`;
      refused.set(record, { code: "ImportKeyTaken", path: record.folder, at: place ?? "", reason });
    }
  } catch (error) {
    // The failure that matters is the first one; a connection that is gone has rolled back.
    await session.execute("rollback").catch(() => undefined);
    throw error;
  }
  return refused;
}

/** Lets go of all that a task has claimed. */
export async function releaseClaims(session: Session, task: string): Promise<void> {
  await session.query("delete from rehearsal.import_claims where task = $1", [task]);
}
