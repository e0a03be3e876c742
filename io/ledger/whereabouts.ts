/** Which environment something belongs to: all that has to be known of it before anything else of it is told. */
import type { Session } from "../postgres/session.ts";

const TABLES = {
  promotion: "promotions",
  task: "tasks",
  backup: "backups",
  prune: "prunes",
  hold: "holds",
} as const;

/** The environment's name; null for a task that is about all of them, undefined where there is nothing of that id. */
export async function environmentOf(
  session: Session,
  kind: keyof typeof TABLES,
  id: string,
): Promise<string | null | undefined> {
  // Text with a NUL is no id, and Postgres would not take it.
  if (id.includes("\0")) return undefined;
  const [row] = await session.query<{ environment: string | null }>(
    `select environment from ledger.${TABLES[kind]} where id = $1`,
    [id],
  );
  return row?.environment;
}
