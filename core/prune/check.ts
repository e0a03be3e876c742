/**
 * A retention policy held against a schema and the inventory: every reason why it cannot be meant so, with its place and its mend.
 * Long because a problem's words stand where it is found.
 */
import { RehearsalError } from "../errors.ts";
import type { Inventory } from "../inventory.ts";
import { quoteQualified } from "../names.ts";
import type { Shape } from "../shape.ts";
import type { PlannedSnapshot, PrunePlan } from "./plan.ts";
import type { Condition, KeepRule, NoteRule, ObjectRule, PolicyTable, RetentionPolicy } from "./policy.ts";
import { type PrunableColumn, type PrunableTable, type ShapeTables, shapeTables } from "./tables.ts";
import { findTie, type TieRule } from "./tie.ts";

interface RetentionCheck {
  /** Present when there is no problem. */
  plan?: PrunePlan;
  /** Sentences that begin with their place in the file. */
  problems: string[];
  /** What nobody has to mend, but may want to know. */
  remarks: string[];
}

type CheckedInventory = Pick<Inventory, "storage" | "tables" | "retention">;

/** What can be told without a schema: names that are not the inventory's tables, and prefixes where nothing may be deleted. */
export function checkDeclaredRetention(inventory: CheckedInventory): string[] {
  const declared =
    inventory.tables && new Set(inventory.tables.map(({ schema, name }) => quoteQualified(schema, name)));
  return inventory.retention.flatMap((policy) => {
    const problems: string[] = [];
    for (const [place, table] of namedTables(policy))
      if (declared !== undefined && !declared.has(quoteQualified(table.schema, table.name)))
        problems.push(`${place}: the inventory declares no table ${table.key}`);
    refuseByInventory(policy, inventory, problems);
    return problems;
  });
}

/** Throws `RetentionRefused` where a policy of the inventory does not fit the shape. */
export function assertRetention(inventory: CheckedInventory, shape: Shape): void {
  if (inventory.retention.length === 0) return;
  const tables = shapeTables(shape);
  const problems = inventory.retention.flatMap((policy) => checkAgainst(policy, inventory, tables).problems);
  if (problems.length > 0) throw new RehearsalError("RetentionRefused", { problems: told(problems) });
}

/** The plan of a policy; throws `RetentionRefused` with every problem. */
export function planRetention(policy: RetentionPolicy, inventory: CheckedInventory, shape: Shape): PrunePlan {
  const { plan, problems } = checkRetention(policy, inventory, shape);
  if (plan === undefined) throw new RehearsalError("RetentionRefused", { problems: told(problems) });
  return plan;
}

export function checkRetention(
  policy: RetentionPolicy,
  inventory: CheckedInventory,
  shape: Shape,
): RetentionCheck {
  return checkAgainst(policy, inventory, shapeTables(shape));
}

function told(problems: readonly string[]): string {
  const more = problems.length - 10;
  return problems.slice(0, 10).join("; ") + (more > 0 ? `; and ${more} more` : "");
}

function namedTables({ name, root, keep, prune, note }: RetentionPolicy): [place: string, PolicyTable][] {
  const at = `retention.${name}`;
  return [
    [`${at}.root`, root],
    ...keep.flatMap(({ table, references }): [string, PolicyTable][] => [
      [`${at}.keep`, table],
      ...references.map((one): [string, PolicyTable] => [
        `${at}.keep of ${table.key}, references`,
        one.table,
      ]),
    ]),
    ...prune.flatMap(({ table, tiedTo }): [string, PolicyTable][] => [
      [`${at}.prune`, table],
      ...(tiedTo ? [[`${at}.prune of ${table.key}, tiedTo`, tiedTo] as [string, PolicyTable]] : []),
    ]),
    ...(note ? [[`${at}.note`, note.table] as [string, PolicyTable]] : []),
  ];
}

/** The prefixes of which the inventory says that nothing is deleted. */
export function neverDeleted({ storage }: Pick<Inventory, "storage">): string[] {
  return storage.filter(({ keep }) => isNever(keep)).map(({ prefix }) => prefix);
}

const isNever = (keep: string | undefined) => keep !== undefined && /^never[\s_-]*delete[d]?\b/i.test(keep);

function refuseByInventory(policy: RetentionPolicy, inventory: CheckedInventory, problems: string[]): void {
  const never = neverDeleted(inventory);
  for (const { table, object } of policy.prune) {
    const place = `retention.${policy.name}.prune of ${table.key}`;
    const entry = inventory.tables?.find(
      (one) => one.schema === table.schema && one.name === table.name,
    )?.retention;
    if (isNever(entry?.keep))
      problems.push(`${place}: its entry under tables says keep: ${entry?.keep}; take one of the two back`);
    if (object === undefined || never.length === 0) continue;
    if (object.prefix === undefined) {
      problems.push(
        `${place}, object: say the prefix of its keys, for nothing below ${never.join(", ")} is ever deleted`,
      );
      continue;
    }
    for (const prefix of never)
      if (object.prefix.startsWith(prefix) || prefix.startsWith(object.prefix))
        problems.push(
          `${place}, object.prefix: "${object.prefix}" and "${prefix}" overlap, and storage says keep: never-delete of the latter`,
        );
  }
}

function checkAgainst(
  policy: RetentionPolicy,
  inventory: CheckedInventory,
  shape: ShapeTables,
): RetentionCheck {
  const at = `retention.${policy.name}`;
  const problems: string[] = [];
  const remarks: string[] = [];
  const find = (place: string, { schema, name, key }: PolicyTable): PrunableTable | undefined => {
    const table = shape.tables.get(quoteQualified(schema, name));
    if (table === undefined) problems.push(`${place}: there is no table ${key}`);
    else if (table.partitionOf !== undefined)
      problems.push(`${place}: ${key} is a partition, name the table that it is a part of`);
    else if (table.inherits) problems.push(`${place}: ${key} has parents or children by INHERITS`);
    else return table;
    return undefined;
  };
  const columnOf = (
    place: string,
    table: PrunableTable,
    name: string,
    fits: (column: PrunableColumn) => boolean = () => true,
    wanted = "",
  ): PrunableColumn | undefined => {
    const column = table.columns.find((one) => one.name === name);
    if (column === undefined) problems.push(`${place}: ${table.quoted} has no column ${name}`);
    else if (!fits(column)) problems.push(`${place}: the column ${name} is ${column.type}, not ${wanted}`);
    return column;
  };
  const conditions = (place: string, table: PrunableTable, all: readonly Condition[] = []) => {
    for (const condition of all) {
      const column = columnOf(place, table, condition.column);
      if (column === undefined || !("oneOf" in condition)) continue;
      const strange = condition.oneOf.filter((value) => !mayHold(shape, column, value));
      for (const value of strange)
        problems.push(`${place}.${column.name}: "${value}" is no value of ${column.type}`);
    }
  };
  const objectOf = (place: string, table: PrunableTable, object: ObjectRule | undefined) => {
    if (object === undefined) return;
    columnOf(`${place}.key`, table, object.key, isText, "a text");
    if (object.sha256 !== undefined)
      columnOf(
        `${place}.sha256`,
        table,
        object.sha256,
        (one) => isText(one) || one.type === "bytea",
        "text or bytea",
      );
    if (object.bytes !== undefined)
      columnOf(`${place}.bytes`, table, object.bytes, isNumber, "a whole number");
  };

  refuseByInventory(policy, inventory, problems);
  for (const address of shape.unread) problems.push(`${at}: the foreign key of ${address} cannot be read`);
  const root = find(`${at}.root`, policy.root);
  if (root === undefined) return { problems, remarks };
  if (root.primaryKey.length === 0)
    problems.push(`${at}.root: ${policy.root.key} has no primary key to name a record by`);
  conditions(`${at}.archived`, root, policy.archived);
  columnOf(
    `${at}.since`,
    root,
    policy.since,
    ({ type }) => /^(timestamp|date)/.test(type),
    "a timestamp or a date",
  );

  const rules = new Map<string, TieRule>();
  const pruned = new Map<string, number>();
  const tables = policy.prune.map(({ table, by, tiedTo }, index) => {
    const place = `${at}.prune of ${table.key}`;
    const found = find(place, table);
    if (found === undefined) return undefined;
    if (pruned.has(found.quoted)) problems.push(`${place}: it is there twice, say it once`);
    pruned.set(found.quoted, index);
    if (found === root) problems.push(`${place}: it is the root, which is what names a record`);
    if (found.primaryKey.length === 0) problems.push(`${place}: it has no primary key to tell its rows by`);
    const tied = tiedTo && find(`${place}, tiedTo`, tiedTo);
    rules.set(found.quoted, { ...(by && { by }), ...(tied && { to: tied.quoted }) });
    if (tiedTo && tied && !policy.prune.some((one) => one.table.key === tiedTo.key))
      problems.push(`${place}, tiedTo: no row of ${tiedTo.key} is pruned`);
    return found;
  });
  for (const { table, by } of policy.keep) {
    const quoted = quoteQualified(table.schema, table.name);
    if (by !== undefined && !rules.has(quoted)) rules.set(quoted, { by });
  }
  const tieOf = (place: string, table: PrunableTable, rule = rules.get(table.quoted)) => {
    const tie = findTie(shape.tables, root, table, new Map(rules).set(table.quoted, rule ?? {}));
    if ("problem" in tie) problems.push(`${place}: ${tie.problem}`);
    return "problem" in tie ? { hops: [] } : tie;
  };

  const checkKept = (rule: KeepRule) => {
    const place = `${at}.keep of ${rule.table.key}`;
    const table = find(place, rule.table);
    if (table === undefined) return undefined;
    conditions(`${place}.where`, table, rule.where);
    const index = pruned.get(table.quoted);
    if (index !== undefined && rule.where.length === 0)
      problems.push(
        `${place}: the whole of it is kept, and it is pruned as well; say with where: what is kept`,
      );
    objectOf(`${place}, object`, table, rule.object);
    if (rule.references.length > 0 && rule.snapshot === undefined)
      problems.push(`${place}, references: say under snapshot which column is the payload`);
    const { snapshot } = rule;
    // A table of which a part is pruned may belong to the record by another key than the part does.
    const own = rule.by ? { by: rule.by } : {};
    if (snapshot === undefined)
      return { rule, table, tie: rule.object ? tieOf(place, table, own) : { hops: [] } };
    if (index !== undefined) problems.push(`${place}: snapshots are never pruned, take it out of prune`);
    columnOf(`${place}, snapshot.payload`, table, snapshot.payload, isJson, "json or jsonb");
    columnOf(`${place}, snapshot.sha256`, table, snapshot.sha256, isText, "a text");
    conditions(`${place}, snapshot.where`, table, snapshot.where);
    conditions(`${place}, snapshot.required`, table, snapshot.required);
    return { rule, table, tie: tieOf(place, table, own) };
  };
  const kept = policy.keep.map(checkKept);

  const prune = policy.prune.map(({ table: named, where, object }, index) => {
    const place = `${at}.prune of ${named.key}`;
    const table = tables[index];
    if (table === undefined || table === root) return undefined;
    conditions(`${place}.where`, table, where);
    objectOf(`${place}, object`, table, object);
    const tie = tieOf(place, table);
    const hop = tie.hops.findIndex(({ to }) => pruned.has(to.quoted));
    const goes = pruned.get(tie.hops[hop]?.to.quoted ?? "");
    return {
      ...{ table, tie, where },
      stays: policy.keep.flatMap((rule) =>
        quoteQualified(rule.table.schema, rule.table.name) === table.quoted ? [rule.where] : [],
      ),
      ...(goes !== undefined && { goesWith: { table: goes, hop: hop + 1 } }),
      ...(object && { object }),
    };
  });

  const listed = new Set([root.quoted, ...pruned.keys(), ...kept.map((one) => one?.table.quoted)]);
  const pointers = [...shape.tables.values()].flatMap((table) =>
    table.foreignKeys.flatMap((key) => {
      const to = pruned.get(key.references);
      if (to === undefined) return [];
      const place = `${at}.prune of ${policy.prune[to]?.table.key}`;
      if (key.period) problems.push(`${place}: ${key.constraint} of ${table.quoted} points at ranges of it`);
      if (table.inherits) problems.push(`${place}: ${table.quoted}, which points at it, has INHERITS`);
      if (!listed.has(table.quoted)) {
        if (/^(cascade|set)/.test(key.onDelete))
          problems.push(
            `${place}: ${table.quoted} points at it with ON DELETE ${key.onDelete.toUpperCase()} (${key.constraint}); say under keep or prune what becomes of ${table.quoted}`,
          );
        else
          remarks.push(
            `${place}: what ${table.quoted} points at by ${key.constraint} stays, for it is not listed`,
          );
      }
      const from = pruned.get(table.quoted);
      return [{ key, to, ...(from !== undefined && { from }) }];
    }),
  );

  const snapshots = kept.flatMap((one): (PlannedSnapshot & Pick<KeepRule, "references">)[] => {
    const snapshot = one?.rule.snapshot;
    if (one === undefined || snapshot === undefined) return [];
    return [{ table: one.table, tie: one.tie, references: one.rule.references, names: [], ...snapshot }];
  });
  const references = snapshots.flatMap((snapshot, index) =>
    snapshot.references.flatMap(({ path, table, column, within }) => {
      const place = `${at}.keep of ${snapshot.table.quoted}, references to ${table.key}`;
      if (!path.trimStart().match(/^(lax\s+|strict\s+)?\$/))
        problems.push(`${place}: "${path}" is no path, it begins with $`);
      const found = find(place, table);
      if (found === undefined) return [];
      const type = columnOf(place, found, column, isNameable, "a text, a number or a uuid")?.type ?? "";
      const rule = [...policy.keep, ...policy.prune].find(
        (one) => one.object && quoteQualified(one.table.schema, one.table.name) === found.quoted,
      );
      snapshot.names.push({ path, table: found, column, type, ...(rule?.object && { object: rule.object }) });
      const to = pruned.get(found.quoted);
      if (to === undefined) return [];
      return [{ ...{ snapshot: index, path, to, column, type, within } }];
    }),
  );

  const checkNote = (rule: NoteRule) => {
    const place = `${at}.note`;
    const table = find(place, rule.table);
    if (table === undefined) return undefined;
    if (pruned.has(table.quoted))
      problems.push(`${place}: ${rule.table.key} is pruned, and a note has to stay`);
    for (const { column: name, value } of rule.columns) {
      const column = columnOf(place, table, name);
      if (column?.generated || column?.identity === "always")
        problems.push(`${place}: the column ${name} gets its value by itself`);
      if (value === "record" && root !== undefined && root.primaryKey.length > 1 && column && !isText(column))
        problems.push(`${place}: a record's name is a text, and ${name} is ${column.type}`);
    }
    const given = new Set(rule.columns.map(({ column }) => column));
    for (const column of table.columns)
      if (column.notNull && !column.defaulted && !column.generated && !given.has(column.name))
        problems.push(`${place}: the column ${column.name} of ${rule.table.key} has to have a value`);
    return { ...rule, at: table };
  };
  const note = policy.note && checkNote(policy.note);

  if (problems.length > 0) return { problems: [...new Set(problems)], remarks };
  const planned = prune.flatMap((one) => one ?? []);
  return {
    problems,
    remarks,
    plan: {
      ...{ policy, root, prune: planned, pointers, references },
      snapshots: snapshots.map(({ references: _, ...one }): PlannedSnapshot => one),
      kept: kept.flatMap((one) =>
        one?.rule.object === undefined
          ? []
          : [{ table: one.table, tie: one.tie, where: one.rule.where, object: one.rule.object }],
      ),
      keyColumns: keyColumns(inventory, shape, pruned),
      order: orderOf(planned.length, pointers),
      ...(note && { note }),
      never: neverDeleted(inventory),
    },
  };
}

/** Wherever a policy of the inventory says that a column holds keys of objects. */
function keyColumns(
  { retention }: CheckedInventory,
  { tables }: ShapeTables,
  pruned: ReadonlyMap<string, number>,
): PrunePlan["keyColumns"] {
  const found = new Map<string, PrunePlan["keyColumns"][number]>();
  for (const { keep, prune } of retention)
    for (const { table: named, object } of [...keep, ...prune]) {
      const table = tables.get(quoteQualified(named.schema, named.name));
      if (table === undefined || object === undefined) continue;
      if (!table.columns.some(({ name }) => name === object.key)) continue;
      const index = pruned.get(table.quoted);
      found.set(`${table.quoted} ${object.key}`, {
        ...{ table, column: object.key },
        ...(index !== undefined && { prune: index }),
      });
    }
  return [...found.values()];
}

/** Tarjan's components: each comes out once all that it points at has not, so those that point come first when turned around. */
function orderOf(count: number, pointers: readonly { from?: number; to: number }[]): number[][] {
  const out = Array.from({ length: count }, (_, index) =>
    pointers.filter(({ from, to }) => from === index && to !== index).map(({ to }) => to),
  );
  const groups: number[][] = [];
  const number = new Map<number, number>();
  const low = new Map<number, number>();
  const stack: number[] = [];
  const visit = (index: number): void => {
    number.set(index, number.size);
    low.set(index, number.get(index) ?? 0);
    stack.push(index);
    for (const next of out[index] ?? []) {
      if (!number.has(next)) visit(next);
      if (stack.includes(next)) low.set(index, Math.min(low.get(index) ?? 0, low.get(next) ?? 0));
    }
    if (low.get(index) === number.get(index)) groups.push(stack.splice(stack.indexOf(index)));
  };
  for (let index = 0; index < count; index++) if (!number.has(index)) visit(index);
  // A component is complete before any that points at it.
  return groups.reverse();
}

const isText = ({ type }: PrunableColumn) =>
  /^(text|character varying|character|.*\bcitext)(\(\d+\))?$/.test(type);
const isNumber = ({ type }: PrunableColumn) => /^(smallint|integer|bigint|numeric)/.test(type);
const isJson = ({ type }: PrunableColumn) => /^jsonb?$/.test(type);
const isNameable = (column: PrunableColumn) => isText(column) || isNumber(column) || column.type === "uuid";

/** Of the types whose values can be told by looking; the server tells of the others. */
function mayHold({ enums }: ShapeTables, column: PrunableColumn, value: string): boolean {
  const labels = enums.get(column.type);
  if (labels !== undefined) return labels.includes(value);
  if (column.type === "boolean") return value === "true" || value === "false";
  if (/^(smallint|integer|bigint)$/.test(column.type)) return /^-?\d{1,19}$/.test(value);
  return true;
}
