/** Records that are archived and past their grace and still have rows that the policy names, and how a single one stands. */
import { quoteName } from "../../../core/names.ts";
import type { PrunePlan } from "../../../core/prune/plan.ts";
import { recordKey, recordName } from "../../../core/prune/policy.ts";
import type { Session } from "../session.ts";
import { keysOf } from "./candidates.ts";
import { prepare } from "./prepared.ts";
import { keyOf, meets, type Operators, rootColumn, rootsOf, typeOf, wayTo, whichOf } from "./statements.ts";

/** A page of the backlog in the order of the root's primary key, behind `after`; `next` is null at its end. */
export async function listBacklog(
  session: Session,
  plan: PrunePlan,
  { after, limit }: { after?: string; limit: number },
): Promise<{ records: string[]; next: string | null }> {
  const { operators } = await prepare(session, plan);
  const { root } = plan;
  const key = after === undefined ? undefined : recordKey(after, root.primaryKey.length);
  const columns = root.primaryKey.map((name) => `r.${quoteName(name)}`);
  const bounds = root.primaryKey.map((name, at) => `$${at + 2}::text::${typeOf(root, name)}`);
  const behind = key === undefined ? "" : `and row(${columns.join(", ")}) > row(${bounds.join(", ")})`;
  const rows = await session.query<{ key: string[] }>(
    `select ${keyOf("r", root)} as key from ${root.quoted} r
      where ${isDue(plan, operators)} ${behind} order by ${columns.join(", ")} limit $1`,
    [limit + 1, ...(key ?? [])],
  );
  const records = rows.slice(0, limit).map((row) => recordName(row.key));
  return { records, next: rows.length > limit ? (records.at(-1) ?? null) : null };
}

export async function countBacklog(session: Session, plan: PrunePlan): Promise<number> {
  const { operators } = await prepare(session, plan);
  const [row] = await session.query<{ count: string }>(
    `select count(*) as count from ${plan.root.quoted} r where ${isDue(plan, operators)}`,
  );
  return Number(row?.count ?? 0);
}

/** How a record stands: `early` is archived, and its grace is not over. */
export type Standing = { is: "due" | "active" | "unknown" } | { is: "early"; until: Date };

/** By the database's clock; of names that are no record's, too. */
export async function standingOf(
  session: Session,
  plan: PrunePlan,
  records: readonly string[],
): Promise<Map<string, Standing>> {
  const { operators } = await prepare(session, plan);
  const { root, policy } = plan;
  const since = sinceOf(plan, `r.${rootColumn(plan, policy.since)}`);
  const rows = await session.query<{
    at: number;
    archived: boolean;
    due: boolean | null;
    until: Date | null;
  }>(
    `with ${rootsOf(plan, operators)}
      select r.at, ${archived(plan, "a")} as archived,
          ${since} <= now() - interval '${policy.graceSeconds} seconds' as due,
          case when isfinite(${since}) then ${since} + interval '${policy.graceSeconds} seconds' end as until
        from roots r join ${root.quoted} a on ${root.primaryKey
          .map(
            (name, at) =>
              `a.${quoteName(name)} ${operators.ofTable(root)[at] ?? "="} r.${rootColumn(plan, name)}`,
          )
          .join(" and ")}`,
    keysOf(plan, records),
  );
  const standings = new Map<string, Standing>(records.map((record) => [record, { is: "unknown" }]));
  for (const { at, archived, due, until } of rows) {
    const record = records[at - 1];
    if (record === undefined) continue;
    // Without a time, or with none that ever comes, nobody can tell how long it has been archived.
    if (!archived || due === null || until === null) standings.set(record, { is: "active" });
    else standings.set(record, due ? { is: "due" } : { is: "early", until });
  }
  return standings;
}

/** SQL: whether the root's row `alias` is archived, whatever its grace. */
export function archived({ root, policy }: PrunePlan, alias: string): string {
  return policy.archived.map((condition) => meets(alias, root, condition)).join(" and ");
}

/** SQL: whether the root's row `alias` is archived and past its grace. */
export function isPastGrace(plan: PrunePlan, alias: string): string {
  const since = sinceOf(plan, `${alias}.${quoteName(plan.policy.since)}`);
  return `${archived(plan, alias)} and coalesce(isfinite(${since}) and ${since} <= now() - interval '${plan.policy.graceSeconds} seconds', false)`;
}

/** SQL: since when it is archived. A time without a zone, and a day, may be any that is called so somewhere: they count as the last of them. */
function sinceOf({ root, policy }: PrunePlan, column: string): string {
  const type = typeOf(root, policy.since);
  if (type === "date") return `(${column}::timestamptz + interval '36 hours')`;
  return /^timestamp.* without time zone$/.test(type)
    ? `(${column}::timestamptz + interval '12 hours')`
    : `${column}::timestamptz`;
}

function isDue(plan: PrunePlan, operators: Operators): string {
  const any = plan.prune.map((one) => {
    const { from, on } = wayTo(operators, one.table, one.tie, quoteName);
    return `exists (select from ${from} where ${[on, ...whichOf(one)].join(" and ")})`;
  });
  return `${isPastGrace(plan, "r")} and (${any.join(" or ")})`;
}
