/** Acts: what is done to records between promotions, each written in the transaction of its effect, so that a lost answer to COMMIT can be asked for. */
import type { Json } from "../../core/canonical-json.ts";
import { rowsInOrder } from "./rows-in-order.ts";
import type { Session } from "./session.ts";
import { ensureLife } from "./target-schema.ts";

export type ActKind = "prune" | "prune-restore" | "regenerate" | "import";

export interface ActName {
  kind: ActKind;
  /** Of the prune or the task that acts. */
  id: string;
  /** Which record, by its canonical text; whatever tells one act of an id from another. */
  record: string;
}

export interface Act extends ActName {
  facts: Json;
  at: Date;
}

/**
 * Writes an act inside the caller's transaction, before its effects: triggers that ask `rehearsal.is_acting` find it from the next
 * statement on. False when the act stands already: then the caller has nothing to do. A concurrent one of the same name is waited for.
 */
export async function writeAct(
  session: Session,
  { kind, id, record }: ActName,
  facts: Json = {},
): Promise<boolean> {
  await ensureLife(session);
  const written = await session.query(
    `insert into rehearsal.acts (kind, id, record, facts) values ($1, $2, $3, $4)
      on conflict do nothing returning 1`,
    [kind, id, record, JSON.stringify(facts)],
  );
  return written.length > 0;
}

/** The act, or undefined when it was not committed. */
export async function readAct(session: Session, { kind, id, record }: ActName): Promise<Act | undefined> {
  return (await readActs(session, { kind, id }, [record]))[0];
}

/** Those of an id's acts that were committed, of all records or of those named, in the order of the records. */
async function readActs(
  session: Session,
  { kind, id }: Pick<ActName, "kind" | "id">,
  records?: readonly string[],
): Promise<Act[]> {
  const [known] = await session.query<{ there: boolean }>(
    "select to_regclass('rehearsal.acts') is not null as there",
  );
  if (known?.there !== true) return [];
  return session.query<Act>(
    `select kind, id, record, facts, at from rehearsal.acts
      where kind = $1 and id = $2 and ($3::text[] is null or record = any ($3::text[])) order by record collate "C"`,
    [kind, id, records ?? null],
  );
}

/** What acts of a kind were committed in this database, by whom and to which record. */
export async function readActsOf(session: Session, kind: ActKind): Promise<Pick<ActName, "id" | "record">[]> {
  const [known] = await session.query<{ there: boolean }>(
    "select to_regclass('rehearsal.acts') is not null as there",
  );
  if (known?.there !== true) return [];
  return session.query("select id, record from rehearsal.acts where kind = $1", [kind]);
}

export interface Archived {
  /** For `forgetArchived`. */
  id: string;
  policy: string;
  record: string;
  at: Date;
}

/** What triggers have told and nobody has fetched, the oldest first, behind one of them when named; none where there is no such table yet. */
export async function readArchived(session: Session, limit: number, after = "0"): Promise<Archived[]> {
  const [known] = await session.query<{ there: boolean }>(
    "select to_regclass('rehearsal.archived') is not null as there",
  );
  if (known?.there !== true) return [];
  return rowsInOrder<Archived>(
    session,
    { table: "rehearsal.archived", position: "c.id", columns: "c.id::text, c.policy, c.record, c.at" },
    after,
    limit,
  );
}

/** Takes out what was fetched, once the ledger has it. */
export async function forgetArchived(session: Session, ids: readonly string[]): Promise<void> {
  await session.query("delete from rehearsal.archived where id = any ($1::bigint[])", [ids]);
}
