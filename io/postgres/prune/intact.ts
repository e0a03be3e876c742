/** Whether all that a record has to keep is there and as it was: its snapshots by their checksums, and the objects of what stays by theirs. */
import { quoteLiteral as literal, quoteName } from "../../../core/names.ts";
import type { PlannedSnapshot, PrunePlan } from "../../../core/prune/plan.ts";
import type { ObjectRule } from "../../../core/prune/policy.ts";
import type { PrunableTable } from "../../../core/prune/tables.ts";
import { type MediaStorage, whatDiffers } from "../../prune-media.ts";
import type { Session } from "../session.ts";
import { keysOf } from "./candidates.ts";
import { prepare } from "./prepared.ts";
import { alongTie, hexOf, keyOf, meets, type Operators, rootsOf, sameAsSaid } from "./statements.ts";

/** What is wrong with each record, in sentences; none where everything is intact. Nothing of a record with a problem may be pruned. */
export async function checkIntact(
  session: Session,
  storage: MediaStorage | undefined,
  plan: PrunePlan,
  records: readonly string[],
): Promise<Map<string, string[]>> {
  const { operators } = await prepare(session, plan);
  const problems = new Map<string, string[]>(records.map((record) => [record, []]));
  const tell = (at: number, problem: string) => problems.get(records[at - 1] ?? "")?.push(problem);
  const keys = keysOf(plan, records);
  const roots = `with ${rootsOf(plan, operators)}`;
  for (const snapshot of plan.snapshots) {
    const rows = await session.query<SnapshotRow>(
      `${roots} ${snapshotRows(plan, operators, snapshot)}`,
      keys,
    );
    const required = new Set(rows.flatMap(({ at, needed }) => (needed ? [at] : [])));
    const name = snapshot.table.quoted;
    for (const { at, key, actual, said, strange } of rows) {
      if (actual === null) tell(at, `${name} ${key.join(", ")} has no payload`);
      else if (actual !== said)
        tell(at, `the payload of ${name} ${key.join(", ")} is not what its sha256 says`);
      if (strange !== null) tell(at, `the payload of ${name} ${key.join(", ")} names no value at ${strange}`);
    }
    if (snapshot.required !== undefined)
      for (const [index] of records.entries())
        if (!required.has(index + 1)) tell(index + 1, `${name} has no snapshot of it that is required`);
  }
  const objects: NamedRow[] = [];
  for (const { table, tie, where, object } of plan.kept)
    objects.push(
      ...(await session.query<NamedRow>(
        `${roots} select r.at, ${objectOf(table, object)} from ${alongTie(plan, operators, table, tie)}
          where ${[`t.${quoteName(object.key)} is not null`, ...where.map((one) => meets("t", table, one))].join(" and ")}`,
        keys,
      )),
    );
  // A path that several tables are told for names rows of any of them.
  for (const snapshot of plan.snapshots)
    for (const [path, tables] of Map.groupBy(snapshot.names, (named) => named.path)) {
      const found = new Map<string, boolean>();
      for (const named of tables) {
        const text = `${roots} ${namedRows(plan, operators, snapshot, named)}`;
        for (const row of await session.query<NamedRow & { value: string; there: boolean }>(text, keys)) {
          const name = JSON.stringify([row.at, row.value]);
          found.set(name, (found.get(name) ?? false) || row.there);
          if (row.okey !== null) objects.push(row);
        }
      }
      const where = tables.map(({ table }) => table.quoted).join(" or ");
      for (const [name, there] of found) {
        const [at, value] = JSON.parse(name) as [number, string];
        if (!there) tell(at, `the payload names ${value} at ${path}, and there is no such row in ${where}`);
      }
    }
  await checkObjects(storage, objects, tell);
  return problems;
}

/** SQL, with `roots` in front: what is wrong with the snapshots of the one record, in a few words; null where they are intact. */
export function snapshotFault(plan: PrunePlan, operators: Operators): string {
  const cases = plan.snapshots.flatMap(({ table, tie, payload, sha256, where, required }) => {
    const json = `t.${quoteName(payload)}::jsonb`;
    const from = `from ${alongTie(plan, operators, table, tie)}
      where ${["true", ...where.map((one) => meets("t", table, one))].join(" and ")}`;
    const needed = required?.map((one) => meets("t", table, one)) ?? [];
    return [
      ...(required === undefined
        ? []
        : [
            `when not exists (select ${from} ${needed.map((one) => `and ${one}`).join(" ")})
              then ${literal(`${table.quoted} has no snapshot of it that is required`)}`,
          ]),
      `when exists (select ${from} and ${hexOf(table, sha256)} is distinct from
          encode(sha256(convert_to((${json})::text, 'UTF8')), 'hex'))
        then ${literal(`a payload of ${table.quoted} is not what its sha256 says`)}`,
    ];
  });
  return cases.length === 0 ? "null::text" : `case ${cases.join(" ")} end`;
}

interface SnapshotRow {
  at: number;
  key: string[];
  needed: boolean;
  /** Of the payload as it is; null without one. */
  actual: string | null;
  said: string | null;
  /** A path at which the payload names an object or an array. */
  strange: string | null;
}

function snapshotRows(plan: PrunePlan, operators: Operators, snapshot: PlannedSnapshot): string {
  const { table, tie, payload, sha256, where, required = [], names } = snapshot;
  const json = `t.${quoteName(payload)}::jsonb`;
  const strange = names.map(
    ({ path }) => `when exists (select from jsonb_path_query(${json}, ${literal(path)}::jsonpath) v
      where jsonb_typeof(v) in ('object', 'array')) then ${literal(path)}`,
  );
  return `select r.at, ${keyOf("t", table)} as key,
      ${["true", ...required.map((one) => meets("t", table, one))].join(" and ")} as needed,
      encode(sha256(convert_to((${json})::text, 'UTF8')), 'hex') as actual, ${hexOf(table, sha256)} as said,
      ${strange.length === 0 ? "null" : `case ${strange.join(" ")} end`} as strange
    from ${alongTie(plan, operators, table, tie)}
    where ${["true", ...where.map((one) => meets("t", table, one))].join(" and ")}`;
}

interface NamedRow {
  at: number;
  okey: string | null;
  osha: string | null;
  obytes: string | null;
}

function objectOf(table: PrunableTable, object: ObjectRule | undefined): string {
  return `${object ? `t.${quoteName(object.key)}::text` : "null::text"} as okey,
    ${object?.sha256 ? hexOf(table, object.sha256) : "null::text"} as osha,
    ${object?.bytes ? `t.${quoteName(object.bytes)}::text` : "null::text"} as obytes`;
}

function namedRows(
  plan: PrunePlan,
  operators: Operators,
  { table, tie, payload, where }: PlannedSnapshot,
  { path, table: other, column, type, object }: PlannedSnapshot["names"][number],
): string {
  return `select s.at, v.v #>> '{}' as value, o.there is not null as there, o.okey, o.osha, o.obytes
    from (select r.at, t.${quoteName(payload)}::jsonb as payload from ${alongTie(plan, operators, table, tie)}
        where ${["true", ...where.map((one) => meets("t", table, one))].join(" and ")}) s
      cross join lateral jsonb_path_query(s.payload, ${literal(path)}::jsonpath) as v (v)
      left join (select t.${quoteName(column)} as named, true as there, ${objectOf(other, object)} from ${other.quoted} t) o
        on ${sameAsSaid("o.named", type)}
    where jsonb_typeof(v.v) in ('string', 'number')`;
}

async function checkObjects(
  storage: MediaStorage | undefined,
  objects: readonly NamedRow[],
  tell: (at: number, problem: string) => void,
): Promise<void> {
  const waiting = [
    ...Map.groupBy(objects, ({ okey, osha, obytes }) => JSON.stringify([okey, osha, obytes])).values(),
  ];
  const work = async () => {
    for (let rows = waiting.pop(); rows !== undefined; rows = waiting.pop()) {
      const [{ okey, osha, obytes } = { okey: null, osha: null, obytes: null }] = rows;
      if (okey === null) continue;
      const bytes = obytes === null ? null : Number(obytes);
      const problem =
        storage === undefined
          ? "cannot be looked at, for the environment's policy names no bucket"
          : await whatDiffers(storage, { key: okey, sha256: osha, bytes });
      if (problem !== undefined)
        for (const at of new Set(rows.map((row) => row.at))) tell(at, `the object ${okey} ${problem}`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
}
