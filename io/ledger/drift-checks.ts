/** The newest check of drift of each environment, in the ledger. */
import type { Session } from "../postgres/session.ts";

export interface DriftCheck {
  /** The environment's fingerprint when it was checked. */
  promised: string;
  /** 0 when there was no drift. */
  count: number;
  found: {
    differences: { address: string; kind: string; text: string }[];
    sql: string[];
    ignored: number;
  };
  checkedBy: string;
  checkedAt: Date;
}

/**
 * Keeps a check in the place of the one before; must be called inside a transaction. True when it found drift that the one
 * before had not: something else, or of another promise.
 */
export async function putDriftCheck(
  session: Session,
  environment: string,
  check: Omit<DriftCheck, "checkedAt">,
): Promise<boolean> {
  const values = [environment, check.promised, check.count, JSON.stringify(check.found), check.checkedBy];
  // There must be a row to hold, or two first checks at once would both be the one that found it.
  await session.query(
    `insert into ledger.drift_checks (environment, promised, count, found, checked_by) values ($1, '', 0, '{}', '')
      on conflict (environment) do nothing`,
    [environment],
  );
  const [before] = await session.query<{ same: boolean }>(
    `select promised = $2 and count = $3 and found = $4::jsonb as same from ledger.drift_checks
      where environment = $1 for update`,
    values.slice(0, 4),
  );
  await session.query(
    `update ledger.drift_checks set promised = $2, count = $3, found = $4, checked_by = $5, checked_at = now()
      where environment = $1`,
    values,
  );
  return check.count > 0 && before?.same !== true;
}

/** Undefined where it was never checked. */
export async function readDriftCheck(session: Session, environment: string): Promise<DriftCheck | undefined> {
  const [row] = await session.query<DriftCheck>(
    `select promised, count, found, checked_by as "checkedBy", checked_at as "checkedAt"
      from ledger.drift_checks where environment = $1`,
    [environment],
  );
  return row;
}

/**
 * The environments whose policy wants them looked at by now, the one looked at longest ago first; those that are being changed
 * are left for later.
 */
export async function listDriftDue(session: Session): Promise<string[]> {
  // A few minutes early counts as well, or a look that began late would put off each one after it.
  const found = await session.query<{ name: string }>(
    `select e.name from ledger.environments e
        left join ledger.drift_checks c on c.environment = e.name
        left join ledger.rounds r on r.name = 'drift ' || e.name,
        lateral (select greatest(c.checked_at, r.at) as at, coalesce(e.policy #>> '{drift,look}', 'daily') as often) as last
      where last.often <> 'never' and not (${CHANGING})
        and (last.at is null or last.at < now() - case last.often when 'hourly' then interval '50 minutes' else interval '23 hours' end)
      order by last.at nulls first, e.name`,
  );
  return found.map(({ name }) => name);
}

/** Whether somebody changes an environment's database: a promotion from its fence on, a restore that takes its place, or a store that does. */
export async function isChanging(session: Session, environment: string): Promise<boolean> {
  const found = await session.query(`select from ledger.environments e where e.name = $1 and (${CHANGING})`, [
    environment,
  ]);
  return found.length > 0;
}

const CHANGING = `exists (select from ledger.promotions p join ledger.steps s on s.promotion = p.id
      where p.environment = e.name and p.status in ('running', 'held') and s.step in ('fence', 'migrate', 'roll-back'))
    or exists (select from ledger.tasks t
      where t.status in ('created', 'running') and (t.input ->> 'over' = e.name or (t.kind = 'adopt' and t.environment = e.name)))
    or exists (select from ledger.stores s
      where s.environment = e.name and s.phase in ('cutting-over', 'cut-over', 'going-back'))`;
