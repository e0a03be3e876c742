/** Two databases change names: the one moment of going back, the same when it is rehearsed and when it is meant. */
import { moveDatabase } from "../io/postgres/databases.ts";
import type { Session } from "../io/postgres/session.ts";

interface Swap {
  /** The oid of the one that has the name, and the name under which it is kept. */
  standing: number;
  aside: string;
  /** The oid of the one that gets it. */
  waiting: number;
  name: string;
}

/** Does what is left to do: whoever runs it again sees from the names which of the two renames are done. */
export async function changeNames(
  maintenance: Session,
  { standing, aside, waiting, name }: Swap,
  passed: (point: string) => void,
): Promise<void> {
  await moveDatabase(maintenance, standing, aside);
  passed("renamed");
  await moveDatabase(maintenance, waiting, name);
}
