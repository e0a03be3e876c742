/** Reads a database's shape from its catalogs: what it has much of as the columns of the catalogs, put together here, the rest as SQL says it. */
import { setImmediate } from "node:timers/promises";
import { addressOf, pathOf, type Shape } from "../../core/shape.ts";
import { reading } from "./reading.ts";
import { BESIDE, type Beside } from "./reading-beside.ts";
import type { Session } from "./session.ts";
import { askBeside, IS_LARGE, SETTINGS } from "./shape/asking.ts";
import { type Kind, type PartRow, presenceQuery, readerOf } from "./shape/catalog.ts";
import { type Class, classesOf } from "./shape/classes.ts";
import { addColumns } from "./shape/columns.ts";
import { usualConstraintsOf } from "./shape/constraints.ts";
import { dataTypes, withColumns } from "./shape/data-types.ts";
import { type Dependencies, dependenciesOf } from "./shape/dependencies.ts";
import { identifiersOf } from "./shape/identifiers.ts";
import { indexDefinition, otherIndexes, plainIndexesOf, withConstraint } from "./shape/indexes.ts";
import { type Noted, notesOf } from "./shape/notes.ts";
import { type Group, kindsOf } from "./shape/parts.ts";
import { plainFacts, relations, withRare, wordOf } from "./shape/relations.ts";
import { sequencesOf } from "./shape/sequences.ts";
import { settle } from "./shape/settle.ts";

/**
 * The database's structure as the session's user sees it. Inside a transaction it shows what that transaction did;
 * otherwise it is one snapshot. The same for a restored or template copy; independent of the session's settings.
 * Left out: what extensions brought, the schemas `rehearsal`, `pg_*` and `information_schema`, and what belongs to
 * the server or to the database as a whole (roles, tablespaces, subscriptions, settings, large objects).
 */
export async function readShape(session: Session): Promise<Shape> {
  return reading(session, async (alone) => {
    const kinds = new Map(Object.entries(kindsOf(session.major)));
    const beside = alone ? `case when ${IS_LARGE} then ${BESIDE} end` : "null";
    const [known] = await session.query<{ parts: string[] | null; beside: Beside | null }>(
      `${SETTINGS}; select (${presenceQuery(kinds)}) as parts, ${beside} as beside`,
    );
    for (const part of known?.parts ?? []) kinds.delete(part);
    const asked = askBeside(session, known?.beside ?? undefined, kinds);
    let ended: Promise<void> | undefined;
    try {
      const { groups, others } = await asked.answers;
      const [found, rest] = await Promise.all([
        // Not at once, so that the server knows what to do next before this process is busy.
        setImmediate().then(() => fromGroups(valuesOf(groups))),
        others,
      ]);
      // It goes while what it said is gone through.
      ended = asked.end();
      addKinds(found, valuesOf(rest), kinds);
      await askServer(session, found);
      return inOrder(found);
    } finally {
      await (ended ?? asked.end());
    }
  });
}

function inOrder({ objects, addresses }: Found): Shape {
  const added = Object.keys(objects).slice(addresses.length).sort();
  // Two runs, each in its order, which sorting finds.
  const sorted = [...addresses, ...added].sort().map((address) => [address, objects[address] ?? {}]);
  return { format: "rehearsal-shape/1", objects: Object.fromEntries(sorted) as Shape["objects"] };
}

/** The rows of a part, or the groups of it. */
type Values = (part: string) => unknown[][];

function valuesOf(rows: readonly PartRow[]): Values {
  const parts = Map.groupBy(rows, ({ part }) => part);
  return (part) =>
    (parts.get(part) ?? []).flatMap(({ value }) =>
      (value ?? []).filter((one) => one !== null),
    ) as unknown[][];
}

type Facts = { [fact: string]: unknown };

interface Found {
  objects: Record<string, Facts>;
  /** Those of the groups, in order: sorted while the server is still asked for the rest. */
  addresses: string[];
  /** What only the server can write, by the function that writes it and by identifier. */
  unwritten: Record<"pg_get_indexdef" | "pg_get_constraintdef", Map<number, Facts>>;
  classes: ReadonlyMap<number, Class>;
  /** Facts of tables, views and what is like them, to which the kinds may add. */
  relations: Map<number, Facts>;
  /** The constraint behind an index. */
  behind: Map<number, string>;
  brought: Dependencies["brought"];
  notes: (catalog: string) => Noted;
}

/** What there is most of, written as the server would. */
function fromGroups(values: (part: Group) => unknown[][]): Found {
  const { brought, owners, dependsOn } = dependenciesOf(values("dependencies"));
  const notes = notesOf(values("comments"), values("labels"), dependsOn);
  const identifiers = identifiersOf(values("words"));
  const classes = classesOf(values("classes"), brought("pg_class"));
  addColumns(classes, values("columns"), values("defaults"));
  const indexes = plainIndexesOf(
    ...([values("indexes"), classes, values("operatorClasses"), identifiers] as const),
  );
  const found: Found = {
    ...{ objects: {}, addresses: [], relations: new Map(), behind: new Map(), classes, brought, notes },
    unwritten: { pg_get_indexdef: new Map(), pg_get_constraintdef: new Map() },
  };
  const { objects, unwritten, behind } = found;
  const [ofConstraint, ofClass] = [notes("pg_constraint"), notes("pg_class")];
  for (const { oid, name, table, index, definition } of usualConstraintsOf(
    ...([values("constraints"), classes, indexes, identifiers] as const),
  )) {
    if (index !== undefined) behind.set(index, name);
    const facts = ofConstraint(oid, { definition });
    if (definition === undefined) unwritten.pg_get_constraintdef.set(oid, facts);
    objects[`constraint ${pathOf([name])} on ${table.path}`] = facts;
  }
  for (const [oid, plain] of indexes) {
    const constraint = behind.get(oid);
    const definition = constraint === undefined ? indexDefinition(plain, identifiers) : undefined;
    const facts = ofClass(oid, constraint === undefined ? { definition } : { constraint });
    if (constraint === undefined && definition === undefined) unwritten.pg_get_indexdef.set(oid, facts);
    objects[`index ${plain.index.path}`] = facts;
  }
  for (const [{ oid, path }, facts] of sequencesOf(values("sequences"), classes, owners, identifiers))
    objects[`sequence ${path}`] = ofClass(oid, facts);
  for (const relation of classes.values()) {
    if (wordOf(relation) === undefined) continue;
    const more = ofClass(relation.oid, NOTHING, relation.columns);
    const facts = plainFacts(relation);
    found.relations.set(relation.oid, more === NOTHING ? facts : withRare(facts, more));
    objects[addressIn(relation)] = facts;
  }
  found.addresses = Object.keys(objects).sort();
  return found;
}

const NOTHING: Facts = {};

/** What SQL says as it is. */
function addKinds(found: Found, values: Values, kinds: ReadonlyMap<string, Kind>): void {
  const { objects, classes, behind, brought, notes } = found;
  for (const [part, kind] of kinds) {
    const read = readerOf(kind);
    const gone = brought(kind.catalog);
    const goneOf = brought(kind.of?.[0] ?? kind.catalog);
    const note = notes(kind.catalog);
    for (const row of values(part) as Parameters<typeof read>[0][]) {
      const { oid, of, name, facts } = read(row);
      if (gone.has(oid) || goneOf.has(of ?? oid)) continue;
      settleDefinitions(facts);
      const own = found.relations.get(oid);
      if (kind === relations && own !== undefined) found.relations.set(oid, withRare(own, facts));
      else if (kind === otherIndexes)
        objects[addressOf(name)] = note(oid, withConstraint(facts, behind.get(oid)));
      else if (kind === dataTypes) objects[addressOf(name)] = note(oid, withColumns(facts, classes));
      else objects[addressOf(name)] = note(oid, facts);
    }
  }
  for (const [oid, facts] of found.relations) {
    const relation = classes.get(oid);
    if (relation !== undefined) objects[addressIn(relation)] = facts;
  }
}

function addressIn(relation: Class): string {
  return `${wordOf(relation)} ${relation.path}`;
}

/** Has the server write what nobody else can: an operator class that must be named, a key that may be deferred. */
async function askServer(session: Session, { unwritten }: Found): Promise<void> {
  for (const [by, objects] of Object.entries(unwritten)) {
    if (objects.size === 0) continue;
    const written = await session.query<{ oid: string; definition: string | null }>(
      `select oid::text as oid, ${by}(oid) as definition from unnest($1::oid[]) oid`,
      [[...objects.keys()]],
    );
    for (const { oid, definition } of written) {
      const facts = objects.get(Number(oid));
      if (facts !== undefined && definition !== null) facts.definition = settle(definition);
    }
  }
}

/** The facts that are SQL printed by the server. */
const DEFINITIONS = ["definition", "default", "using", "check", "partitionBy"];

function settleDefinitions(facts: { [fact: string]: unknown }): void {
  for (const name of DEFINITIONS) {
    const value = facts[name];
    if (typeof value === "string") facts[name] = settle(value);
  }
}
