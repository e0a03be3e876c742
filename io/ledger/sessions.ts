/** Browsers' sessions and the links that begin them, in the ledger: kept as the sha256 of what was handed out. */
import type { Grant } from "../../core/access.ts";
import { sha256 } from "../../core/digest.ts";
import type { Session } from "../postgres/session.ts";

/** On whose behalf it was handed out, and by what: a key narrows it for as long as it lives. */
export interface Holder {
  id: string;
  person: string;
  /** The id of the key that was shown for it. */
  key: string | null;
  /** What of the person's grants it may use; null is the whole, or the key's. */
  scope: Grant[] | null;
}

interface SessionRow extends Holder {
  expiresAt: Date;
}

const COLUMNS = `id, person, key, scope, expires_at as "expiresAt"`;

type Table = "sessions" | "sign_ins";

/** Keeps the token's hash for so many seconds, and no longer than `until`; returns when it ends. What is over for a day is forgotten. */
async function insert(
  session: Session,
  table: Table,
  token: string,
  holder: Holder,
  time: { seconds: number; until: Date | null },
): Promise<Date> {
  await session.query(`delete from ledger.${table} where expires_at < now() - interval '1 day'`);
  const [row] = await session.query<{ expiresAt: Date }>(
    `insert into ledger.${table} (hash, id, person, key, scope, expires_at)
      values ($1, $2, $3, $4, $5, least(now() + make_interval(secs => $6), $7::timestamptz)) returning expires_at as "expiresAt"`,
    [
      sha256(token),
      holder.id,
      holder.person,
      holder.key,
      holder.scope === null ? null : JSON.stringify(holder.scope),
      time.seconds,
      time.until,
    ],
  );
  if (row === undefined) throw new Error("an insert returned no row");
  return row.expiresAt;
}

export const insertSession = (
  session: Session,
  token: string,
  holder: Holder,
  time: { seconds: number; until: Date | null },
) => insert(session, "sessions", token, holder, time);

export const insertSignIn = (
  session: Session,
  token: string,
  holder: Holder,
  time: { seconds: number; until: Date | null },
) => insert(session, "sign_ins", token, holder, time);

/** The session of that token; undefined when there is none, or it has ended. */
export async function findSession(session: Session, token: string): Promise<SessionRow | undefined> {
  const [row] = await session.query<SessionRow>(
    `select ${COLUMNS} from ledger.sessions where hash = $1 and expires_at > now() and ended_at is null`,
    [sha256(token)],
  );
  return row;
}

/** Ends it; safe to do twice. */
export async function endSession(session: Session, token: string): Promise<void> {
  await session.query("update ledger.sessions set ended_at = now() where hash = $1 and ended_at is null", [
    sha256(token),
  ]);
}

/** Uses a link up; undefined when it is unknown, over or used. Of two at the same time one gets it. */
export async function takeSignIn(session: Session, token: string): Promise<SessionRow | undefined> {
  const [row] = await session.query<SessionRow>(
    `update ledger.sign_ins set used_at = now() where hash = $1 and expires_at > now() and used_at is null
      returning ${COLUMNS}`,
    [sha256(token)],
  );
  return row;
}
