/** What something in the ledger is right now, as one short name: two equal names mean that nothing has changed between. */
import type { Session } from "../postgres/session.ts";

/** A hash of the text of rows; none of the text leaves the ledger. */
const named = (text: string) => `left(encode(sha256(convert_to(${text}, 'UTF8')), 'hex'), 32)`;

/**
 * The state of a promotion: its row, every attempt of every step with its progress, and its approval. One query by
 * primary keys, cheap enough to be asked several times a second. Undefined when there is no such promotion.
 */
export async function promotionState(session: Session, id: string): Promise<string | undefined> {
  const [row] = await session.query<{ state: string }>(
    `select ${named(`concat_ws('|', p::text,
        (select string_agg(s::text, '|' order by s.token) from ledger.steps s where s.promotion = p.id),
        (select a::text from ledger.approvals a where a.promotion = p.id))`)} as state
      from ledger.promotions p where p.id = $1`,
    [id],
  );
  return row?.state;
}

/** The state of an environment: its row, its newest promotion, those that only rehearse aside, and its newest verified backup. Undefined when there is none. */
export async function environmentState(session: Session, name: string): Promise<string | undefined> {
  const [row] = await session.query<{ state: string }>(
    `select ${named(`concat_ws('|', e::text,
        (select concat_ws(' ', p.id, p.status) from ledger.promotions p where p.environment = e.name
          and not p.rehearse_only order by p.created_at desc, p.id desc limit 1),
        (select concat_ws(' ', b.id, b.verified_at) from ledger.backups b
          where b.environment = e.name and b.status = 'verified' and b.expiring_at is null
          order by b.taken_at desc, b.id desc limit 1))`)} as state
      from ledger.environments e where e.name = $1`,
    [name],
  );
  return row?.state;
}
