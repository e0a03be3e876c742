/** Keys in the ledger: who may speak to the service. A key is shown once, to its person, and kept only as its sha256. */
import { sha256 } from "../../core/digest.ts";
import type { Session } from "../postgres/session.ts";

/** Lets whoever shows `key` speak as `person`; a key that is known already stays its person's. */
export async function insertKey(session: Session, key: string, person: string): Promise<void> {
  await session.query("insert into ledger.keys (hash, person) values ($1, $2) on conflict do nothing", [
    sha256(key),
    person,
  ]);
}

/** Whose key it is; undefined when it is nobody's. */
export async function findPerson(session: Session, key: string): Promise<string | undefined> {
  const [row] = await session.query<{ person: string }>("select person from ledger.keys where hash = $1", [
    sha256(key),
  ]);
  return row?.person;
}
