/** What was told of archived records, in the ledger: each word once, whoever repeats it, and what became of it. */
import type { ArchiveEnd } from "../../core/prunes.ts";
import type { Session } from "../postgres/session.ts";

/** That a record was archived, as somebody said. */
interface ArchiveWord {
  /** Who told it: `bus`, `api`, `outbox`. */
  source: string;
  /** By what name they told it; the same name again is the same word. */
  id: string;
  environment: string;
  policy: string;
  record: string;
}

export interface ArchiveEvent extends ArchiveWord {
  receivedAt: Date;
  handledAt: Date | null;
  became: ArchiveEnd | null;
  prune: string | null;
}

const COLUMNS = `source, id, environment, policy, record, received_at as "receivedAt", handled_at as "handledAt", became, prune`;

/** Notes words that are new; returns how many were. */
export async function insertArchiveEvents(session: Session, words: readonly ArchiveWord[]): Promise<number> {
  const inserted = await session.query(
    `insert into ledger.archive_events (source, id, environment, policy, record)
      select w.source, w.id, w.environment, w.policy, w.record
        from jsonb_to_recordset($1::jsonb) as w (source text, id text, environment text, policy text, record text)
      on conflict do nothing returning 1`,
    [JSON.stringify(words)],
  );
  return inserted.length;
}

/** Environments of which something was told and nothing done yet, the longest waiting first. */
export async function listToldEnvironments(session: Session): Promise<string[]> {
  const found = await session.query<{ environment: string }>(
    `select environment from ledger.archive_events where handled_at is null group by environment order by min(received_at)`,
  );
  return found.map(({ environment }) => environment);
}

/** Words about an environment with which nothing was done yet, oldest first, that nobody else has; holds them until the transaction ends. */
export async function takeArchiveEvents(
  session: Session,
  environment: string,
  limit: number,
): Promise<ArchiveEvent[]> {
  return session.query<ArchiveEvent>(
    `select ${COLUMNS} from ledger.archive_events where environment = $1 and handled_at is null
      order by received_at, source, id limit $2 for update skip locked`,
    [environment, limit],
  );
}

/** Notes what became of a word. */
export async function endArchiveEvent(
  session: Session,
  { source, id }: ArchiveWord,
  became: ArchiveEnd,
  prune: string | null = null,
): Promise<void> {
  await session.query(
    `update ledger.archive_events set handled_at = now(), became = $3, prune = $4 where source = $1 and id = $2`,
    [source, id, became, prune],
  );
}

/** The newest words first, of one environment or record when named; `before` is how many came before. */
export async function listArchiveEvents(
  session: Session,
  environment: string,
  options: { policy?: string; record?: string; limit: number },
): Promise<ArchiveEvent[]> {
  return session.query<ArchiveEvent>(
    `select ${COLUMNS} from ledger.archive_events where environment = $1 and ($2::text is null or policy = $2)
        and ($3::text is null or record = $3)
      order by received_at desc, source, id limit $4`,
    [environment, options.policy ?? null, options.record ?? null, options.limit],
  );
}

/**
 * Forgets words with which everything was done so many days ago, some at a time. Whoever tells one again by then is not known, and
 * nothing comes of it: the record is looked at, and is in no prune that would come to the same.
 */
export async function forgetArchiveEvents(session: Session, days: number): Promise<number> {
  const forgotten = await session.query(
    `delete from ledger.archive_events where (source, id) in (
        select source, id from ledger.archive_events where handled_at < now() - make_interval(days => $1)
          order by handled_at limit 10000) returning 1`,
    [days],
  );
  return forgotten.length;
}
