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

/** Keeps a check in the place of the one before. */
export async function putDriftCheck(
  session: Session,
  environment: string,
  check: Omit<DriftCheck, "checkedAt">,
): Promise<void> {
  await session.query(
    `insert into ledger.drift_checks (environment, promised, count, found, checked_by) values ($1, $2, $3, $4, $5)
      on conflict (environment) do update set promised = excluded.promised, count = excluded.count, found = excluded.found,
        checked_by = excluded.checked_by, checked_at = now()`,
    [environment, check.promised, check.count, JSON.stringify(check.found), check.checkedBy],
  );
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
