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
