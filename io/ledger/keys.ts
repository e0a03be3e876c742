/** API keys in the ledger: a key is shown once, to whoever made it, and kept only as its sha256. */
import type { Grant } from "../../core/access.ts";
import { sha256 } from "../../core/digest.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { Session } from "../postgres/session.ts";

export interface KeyRow {
  id: string;
  person: string;
  label: string;
  /** What of its person's grants it may use; null is the whole. */
  scope: Grant[] | null;
  expiresAt: Date | null;
  revokedAt: Date | null;
  revokedBy: string | null;
  lastUsedAt: Date | null;
  createdBy: string;
  createdAt: Date;
  /** Judged by the ledger's clock. */
  expired: boolean;
  /** Whether its last use was noted within the minute. */
  noted: boolean;
}

export interface NewKey {
  id: string;
  /** The key itself, which is hashed and forgotten. */
  key: string;
  person: string;
  label: string;
  scope: readonly Grant[] | null;
  expiresAt: Date | null;
  createdBy: string;
  createdWith: string | null;
}

const COLUMNS = `k.id, k.person, k.label, k.scope, k.expires_at as "expiresAt", k.revoked_at as "revokedAt",
  k.revoked_by as "revokedBy", k.last_used_at as "lastUsedAt", k.created_by as "createdBy", k.created_at as "createdAt",
  coalesce(k.expires_at <= now(), false) as expired,
  coalesce(k.last_used_at >= now() - interval '1 minute', false) as noted`;

/** Keeps a key's hash; one that is known already stays as it is. */
export async function insertKey(session: Session, key: NewKey): Promise<void> {
  await session.query(
    `insert into ledger.keys (hash, id, person, label, scope, expires_at, created_by, created_with)
      values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (hash) do nothing`,
    [
      sha256(key.key),
      key.id,
      key.person,
      key.label,
      key.scope === null ? null : JSON.stringify(key.scope),
      key.expiresAt,
      key.createdBy,
      key.createdWith,
    ],
  );
}

/**
 * The key that is shown, whatever became of it; undefined when nobody has it. It is looked for by its hash, so that how
 * long it takes tells nothing about keys that resemble it.
 */
export async function findKey(session: Session, key: string): Promise<KeyRow | undefined> {
  const [row] = await session.query<KeyRow>(`select ${COLUMNS} from ledger.keys k where k.hash = $1`, [
    sha256(key),
  ]);
  return row;
}

/** The key of that id; throws `NotFound`. */
export async function readKey(session: Session, id: string, lock?: "lock"): Promise<KeyRow> {
  const [row] = await session.query<KeyRow>(
    `select ${COLUMNS} from ledger.keys k where k.id = $1 ${lock ? "for update" : ""}`,
    [id],
  );
  if (row === undefined) throw new RehearsalError("NotFound", { what: "key", name: id });
  return row;
}

/** Notes that it was used, at most once a minute, however many notice at once that it was not noted. */
export async function noteUse(session: Session, id: string): Promise<void> {
  await session.query(
    `update ledger.keys set last_used_at = now()
      where id = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')`,
    [id],
  );
}

/** Newest first, of one person when named; behind the key of the id `before`. */
export async function listKeys(
  session: Session,
  options: { person?: string; before?: string; limit: number },
): Promise<KeyRow[]> {
  return session.query<KeyRow>(
    `select ${COLUMNS} from ledger.keys k where ($1::text is null or k.person = $1)
        and ($2::text is null or (k.created_at, k.id) < (select o.created_at, o.id from ledger.keys o where o.id = $2
          and ($1::text is null or o.person = $1)))
      order by k.created_at desc, k.id desc limit $3`,
    [options.person ?? null, options.before ?? null, options.limit],
  );
}

export async function revokeKey(session: Session, id: string, by: string): Promise<void> {
  await session.query(
    "update ledger.keys set revoked_at = now(), revoked_by = $2 where id = $1 and revoked_at is null",
    [id, by],
  );
}
