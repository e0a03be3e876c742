/** What about a server or a database hinders a promotion, or deserves to be known before one: asked, and told with its mend. */
import { type Check, failed, ok, warning } from "../../core/checkup.ts";
import { quoteLiteral, quoteName } from "../../core/names.ts";
import type { Session } from "./session.ts";

/** Extensions that work by themselves, beside what is promoted: a copy has them as well. */
const WORKERS = ["pg_cron", "timescaledb", "citus", "pg_partman", "pgagent", "pglogical", "bdr"];

/** Sessions that a promotion has open at once, beside those that copy. */
const SESSIONS = 4;

/** Reads alone; one check for each subject. `connections`: those that copy, as the policy says. */
export async function findHindrances(session: Session, connections: number): Promise<Check[]> {
  const [found] = await session.query<Found>(FACTS, [WORKERS]);
  if (found === undefined) throw new Error("the server returned no row");
  return [
    standby(found),
    preparedTransactions(found),
    replication(found),
    eventTriggers(found),
    extensions(found),
    room(found, connections + SESSIONS),
  ];
}

interface Found {
  recovering: boolean;
  wal_level: string;
  prepared: string[];
  slots: string[];
  subscriptions: string[];
  triggers: string[];
  workers: string[];
  free: number;
  most: number;
}

const FACTS = `
  select pg_is_in_recovery() as recovering, current_setting('wal_level') as wal_level,
    array(select gid from pg_prepared_xacts where database = current_database() order by gid) as prepared,
    array(select slot_name::text from pg_replication_slots where database = current_database() order by 1) as slots,
    array(select s.subname::text from pg_subscription s join pg_database d on d.oid = s.subdbid
      where d.datname = current_database() order by 1) as subscriptions,
    array(select evtname::text from pg_event_trigger where evtenabled <> 'D' order by 1) as triggers,
    array(select extname::text from pg_extension where extname = any ($1::text[]) order by 1) as workers,
    (current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
      - (select count(*) from pg_stat_activity where backend_type = 'client backend'))::int as free,
    current_setting('max_connections')::int as most`;

function standby({ recovering }: Found): Check {
  const name = "primary";
  return recovering
    ? failed(
        name,
        "the server is a standby: nothing can be promoted on it",
        "register the primary's address: rehearsal env add",
      )
    : ok(name, "the server takes writes");
}

function preparedTransactions({ prepared }: Found): Check {
  const name = "prepared transactions";
  const [first] = prepared;
  return first === undefined
    ? ok(name, "none is open")
    : warning(
        name,
        `${prepared.length} open, which keep locks, and keep the database from changing its name: ${prepared.slice(0, 3).join(", ")}`,
        `end each in this database: COMMIT PREPARED ${quoteLiteral(first)}, or ROLLBACK PREPARED ${quoteLiteral(first)}`,
      );
}

function replication({ wal_level, slots, subscriptions }: Found): Check {
  const name = "replication";
  if (slots.length === 0 && subscriptions.length === 0)
    return ok(name, `wal_level is ${wal_level}; no slot and no subscription hangs on it`);
  return warning(
    name,
    [
      slots.length > 0 ? `logical slots: ${slots.join(", ")}` : "",
      subscriptions.length > 0 ? `subscriptions: ${subscriptions.join(", ")}` : "",
    ]
      .filter((part) => part !== "")
      .join("; "),
    "know that they stay with the database they belong to: after a rollback they are those of the one that is kept aside (docs/runbook.md)",
  );
}

function eventTriggers({ triggers }: Found): Check {
  const name = "event triggers";
  const [first] = triggers;
  return first === undefined
    ? ok(name, "none is enabled")
    : warning(
        name,
        `enabled, and fired by what migrations do, on copies as well: ${triggers.join(", ")}`,
        `see that none reaches beyond the database; else: ALTER EVENT TRIGGER ${quoteName(first)} DISABLE`,
      );
}

function extensions({ workers }: Found): Check {
  const name = "extensions";
  return workers.length === 0
    ? ok(name, "none works by itself")
    : warning(
        name,
        `with workers or jobs of their own, which may write while a promotion goes on: ${workers.join(", ")}`,
        "stop their jobs in the stop hook of the policy, and start them in the start hook: rehearsal env policy",
      );
}

function room({ free, most }: Found, needed: number): Check {
  const name = "free connections";
  return free >= needed
    ? ok(name, `${free} of ${most}; a promotion takes up to ${needed}`)
    : warning(
        name,
        `${free} of ${most}, and a promotion takes up to ${needed}`,
        "end idle sessions, raise max_connections, or lower connections in the policy: rehearsal env policy",
      );
}
