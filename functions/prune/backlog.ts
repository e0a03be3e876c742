/** The backlog as a prune takes it: records that are archived and past their grace, without those with which nothing is left to do. */
import type { PruneMode } from "../../core/prunes.ts";
import type { Environment } from "../../io/ledger/environments.ts";
import { listSettled } from "../../io/ledger/prune-records.ts";
import { listBacklog } from "../../io/postgres/prune/backlog.ts";
import type { Session } from "../../io/postgres/session.ts";
import type { KnownPolicy } from "../retention-policies.ts";
import type { Target } from "./target.ts";

/** Records that are asked of at once. */
const PAGE = 500;

interface Backlog {
  records: string[];
  /** The last one that was looked at; undefined when there was none. */
  after?: string;
  /** Nothing comes behind it. */
  end: boolean;
}

/** At most `most` records from behind `after`, as long as there is time; what is settled in this mode is left out. */
export async function readBacklog(
  ledger: Session,
  { name }: Pick<Environment, "name">,
  known: KnownPolicy,
  target: Target,
  options: { most: number; mode: PruneMode; after?: string; mayGoOn?: () => boolean },
): Promise<Backlog> {
  const { most, mode, mayGoOn = () => true } = options;
  const session = await target.session();
  const plan = await target.plan(known);
  const of = { environment: name, policy: known.policy.name, digest: known.digest, mode };
  const records: string[] = [];
  let { after } = options;
  for (;;) {
    const page = await listBacklog(session, plan, { limit: PAGE, ...(after !== undefined && { after }) });
    const settled = new Set(await listSettled(ledger, of, page.records));
    for (const record of page.records) {
      if (records.length === most) return { records, end: false, ...(after !== undefined && { after }) };
      after = record;
      if (!settled.has(record)) records.push(record);
    }
    const end = page.next === null;
    if (end || !mayGoOn()) return { records, end, ...(after !== undefined && { after }) };
  }
}
