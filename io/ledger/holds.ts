/** Holds in the ledger: what may not be pruned, by whose word and why. None is ever deleted; one that is released stays to be read. */
import { RehearsalError } from "../../core/errors.ts";
import type { Session } from "../postgres/session.ts";

export interface Hold {
  id: string;
  environment: string;
  policy: string;
  /** Null holds every record of the policy. */
  record: string | null;
  reason: string;
  placedBy: string;
  placedAt: Date;
  releasedBy: string | null;
  releasedAt: Date | null;
  releaseReason: string | null;
}

const COLUMNS = `id, environment, policy, record, reason, placed_by as "placedBy", placed_at as "placedAt",
  released_by as "releasedBy", released_at as "releasedAt", release_reason as "releaseReason"`;

/**
 * Until the transaction ends nothing of the environment is deleted by a prune (`alone`), or no hold is placed (`beside`,
 * which others may have at the same time). To be taken behind the environment's turn, and before the log.
 */
export async function lockHolds(
  session: Session,
  environment: string,
  how: "alone" | "beside",
): Promise<void> {
  await session.query(
    `select pg_advisory_xact_lock${how === "beside" ? "_shared" : ""}(hashtextextended('holds of ' || $1, 0))`,
    [environment],
  );
}

/** Places a hold; with the same words as one that stands it is that one. Must be called inside a transaction that has `lockHolds` alone. */
export async function insertHold(
  session: Session,
  hold: Pick<Hold, "id" | "environment" | "policy" | "record" | "reason" | "placedBy">,
): Promise<Hold> {
  const values = [hold.environment, hold.policy, hold.record, hold.reason, hold.placedBy];
  const [standing] = await session.query<Hold>(
    `select ${COLUMNS} from ledger.holds where environment = $1 and policy = $2 and record is not distinct from $3
        and reason = $4 and placed_by = $5 and released_at is null`,
    values,
  );
  if (standing !== undefined) return standing;
  const [placed] = await session.query<Hold>(
    `insert into ledger.holds (environment, policy, record, reason, placed_by, id) values ($1, $2, $3, $4, $5, $6)
      returning ${COLUMNS}`,
    [...values, hold.id],
  );
  if (placed === undefined) throw new Error("an insert returned no row");
  return placed;
}

/** The hold of that id; throws `NotFound`. `lock` holds its row until the transaction ends. */
export async function readHold(session: Session, id: string, lock?: "lock"): Promise<Hold> {
  const [row] = await session.query<Hold>(
    `select ${COLUMNS} from ledger.holds where id = $1 ${lock ? "for update" : ""}`,
    [id],
  );
  if (row === undefined) throw new RehearsalError("NotFound", { what: "hold", name: id });
  return row;
}

/** Releases a hold; the caller has its row. */
export async function endHold(session: Session, id: string, by: string, reason: string): Promise<Hold> {
  const [row] = await session.query<Hold>(
    `update ledger.holds set released_by = $2, release_reason = $3, released_at = now() where id = $1 returning ${COLUMNS}`,
    [id, by, reason],
  );
  if (row === undefined) throw new RehearsalError("NotFound", { what: "hold", name: id });
  return row;
}

/** Newest first; those that stand, unless `released` are wanted as well; `before` is the id to go on from. */
export async function listHolds(
  session: Session,
  options: {
    environment?: string;
    among?: readonly string[];
    policy?: string;
    released: boolean;
    before?: string;
    limit: number;
  },
): Promise<Hold[]> {
  return session.query<Hold>(
    `select ${COLUMNS} from ledger.holds h
      where ($1::text is null or environment = $1) and ($2::text[] is null or environment = any ($2))
        and ($3::text is null or policy = $3) and ($4 or released_at is null)
        and ($5::text is null or (h.placed_at, h.id) < (select b.placed_at, b.id from ledger.holds b where b.id = $5
          and ($1::text is null or b.environment = $1) and ($2::text[] is null or b.environment = any ($2))))
      order by h.placed_at desc, h.id desc limit $6`,
    [
      ...[options.environment ?? null, options.among ?? null, options.policy ?? null],
      ...[options.released, options.before ?? null, options.limit],
    ],
  );
}

/** The hold under which the record stands: its own, or its policy's; undefined when there is none. */
export async function findHold(
  session: Session,
  of: { environment: string; policy: string; record: string },
): Promise<Hold | undefined> {
  const [row] = await session.query<Hold>(
    `select ${COLUMNS} from ledger.holds where environment = $1 and policy = $2 and (record is null or record = $3)
        and released_at is null order by record nulls last, placed_at limit 1`,
    [of.environment, of.policy, of.record],
  );
  return row;
}
