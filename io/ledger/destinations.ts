/** Destinations of notices in the ledger: whom the service tells, of what, and under which secret the way there is kept. */
import type { DestinationKind } from "../../core/destination.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { NoticeKind } from "../../core/notice.ts";
import type { Session } from "../postgres/session.ts";

export interface Destination {
  name: string;
  kind: DestinationKind;
  /** What people may see of where it is. */
  address: string;
  /** In Secrets Manager. */
  secret: string;
  /** Null is all. */
  environments: string[] | null;
  notices: NoticeKind[];
  changedBy: string;
  changedAt: Date;
  disabledAt: Date | null;
  disabledBecause: string | null;
  /** Deliveries on their way, and such as were given up. */
  waiting: number;
  dead: number;
}

const COLUMNS = `d.name, d.kind, d.address, d.secret, d.environments, d.notices, d.changed_by as "changedBy",
  d.changed_at as "changedAt", d.disabled_at as "disabledAt", d.disabled_because as "disabledBecause",
  (select count(*)::int from ledger.deliveries e where e.destination = d.name and e.status = 'waiting') as waiting,
  (select count(*)::int from ledger.deliveries e where e.destination = d.name and e.status = 'dead') as dead`;

/** By name, behind `after`. */
export async function listDestinations(
  session: Session,
  options: { after?: string; limit: number },
): Promise<Destination[]> {
  return session.query<Destination>(
    `select ${COLUMNS} from ledger.destinations d where d.name > $1 order by d.name limit $2`,
    [options.after ?? "", options.limit],
  );
}

/** Undefined when there is none of that name. */
export async function findDestination(session: Session, name: string): Promise<Destination | undefined> {
  const [row] = await session.query<Destination>(
    `select ${COLUMNS} from ledger.destinations d where d.name = $1`,
    [name],
  );
  return row;
}

/** Throws `NotFound`. */
export async function readDestination(session: Session, name: string): Promise<Destination> {
  const found = await findDestination(session, name);
  if (found === undefined) throw new RehearsalError("NotFound", { what: "destination", name });
  return found;
}

/** Writes it under its name, over what stood there; one that was disabled is told again. */
export async function putDestination(
  session: Session,
  destination: Pick<
    Destination,
    "name" | "kind" | "address" | "secret" | "environments" | "notices" | "changedBy"
  >,
): Promise<void> {
  const { name, kind, address, secret, environments, notices, changedBy } = destination;
  await session.query(
    `insert into ledger.destinations (name, kind, address, secret, environments, notices, changed_by)
      values ($1, $2, $3, $4, $5, $6, $7)
      on conflict (name) do update set kind = excluded.kind, address = excluded.address, secret = excluded.secret,
        environments = excluded.environments, notices = excluded.notices, changed_by = excluded.changed_by,
        changed_at = now(), disabled_at = null, disabled_because = null`,
    [name, kind, address, secret, environments, notices, changedBy],
  );
}

/** Removes it with all its deliveries. */
export async function removeDestination(session: Session, name: string): Promise<void> {
  await session.query("delete from ledger.destinations where name = $1", [name]);
}

/** Gives up what waits for it, and lets nothing be sent there any more; returns how many were given up, or undefined when it was disabled already. */
export async function disableDestination(
  session: Session,
  name: string,
  because: string,
): Promise<number | undefined> {
  const disabled = await session.query(
    `update ledger.destinations set disabled_at = now(), disabled_because = $2
      where name = $1 and disabled_at is null returning name`,
    [name, because],
  );
  if (disabled.length === 0) return undefined;
  const dead = await session.query(
    `update ledger.deliveries set status = 'dead', error = $2, claimed_until = null, ended_at = now()
      where destination = $1 and status = 'waiting' returning seq`,
    [name, because],
  );
  return dead.length;
}
