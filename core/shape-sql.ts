/**
 * The SQL that leads from one shape to another, in an order in which it can run: what is in the way is dropped, what is missing
 * made, the rest altered. What cannot be written stands there as a comment that names the object and its facts.
 * Long because the order is one: whoever moves a line has to see all the others.
 */
import type { Shape } from "./shape.ts";
import { namesOf, parseForeignKey, parseKey, tableOfIndex } from "./shape-names.ts";
import { granteesOf } from "./shape-sql/grants.ts";
import { equal, type Item, itemsOf, mentions, qualified, sqlName, untold } from "./shape-sql/item.ts";
import { alterObject, createObject, dropObject, properties, sequenceOptions } from "./shape-sql/objects.ts";
import { addIdentities, alterColumns, createTable, type TableContext } from "./shape-sql/tables.ts";

/** Statements, each with its semicolon, and comments; empty exactly when the shapes are equal. */
export function shapeSql(from: Shape, to: Shape): string[] {
  return new Way(itemsOf(from), itemsOf(to)).statements();
}

const RELATIONS: ReadonlySet<string> = new Set(["table", "view", "materialized view", "foreign table"]);
const VIEWS: ReadonlySet<string> = new Set(["view", "materialized view"]);

/** Kinds of which Postgres alters little: any other definition is a new object. */
const MADE_ANEW: ReadonlySet<string> = new Set([
  ...["constraint", "index", "trigger", "rule", "policy", "statistics", "view", "materialized view"],
]);

class Way {
  readonly #from: Map<string, Item>;
  readonly #to: Map<string, Item>;
  /** In both shapes, and yet dropped and made: they differ in what cannot be altered, or stand on what does. */
  readonly #anew = new Set<string>();

  constructor(from: Map<string, Item>, to: Map<string, Item>) {
    this.#from = from;
    this.#to = to;
    this.#findAnew();
  }

  statements(): string[] {
    const dropped = [...this.#from.values()].filter((item) => this.#isDropped(item));
    const created = [...this.#to.values()].filter((item) => this.#isCreated(item));
    const both = [...this.#to.values()].flatMap((to) => {
      const from = this.#from.get(to.address);
      return from === undefined || this.#anew.has(to.address) || equal(from.facts, to.facts)
        ? []
        : [{ from, to }];
    });
    const create = (...words: string[]) => created.filter(({ word }) => words.includes(word));
    const drop = (...words: string[]) => dropped.filter(({ word }) => words.includes(word));
    const drops = (items: Item[]) => items.flatMap(dropObject);
    const standing = (items: Item[]) => items.filter((item) => !this.#goesWith(item));
    const foreign = (item: Item) => parseForeignKey(item.facts.definition ?? "") !== undefined;
    const notNull = (item: Item) => item.facts.definition?.startsWith("NOT NULL ") === true;
    const routines = create("function", "procedure");
    const late = routines.filter((one) => this.#needsRelations(one));
    const constraints = create("constraint").filter((one) => !this.#comesWithPartition(one));
    const tables = inOrder(create("table"), (item) => [
      ...(item.facts.partitionOf === undefined ? [] : [item.facts.partitionOf]),
      ...(item.facts.inherits ?? []),
    ]);
    const views = inOrder(create(...VIEWS), (item) => [item.facts.definition ?? ""]);
    const indexes = create("index");
    const onView = (item: Item) =>
      views.some(({ name }) => equal(name, tableOfIndex(item.facts.definition ?? "") ?? []));
    const handled = new Set([
      ...[
        "trigger",
        "rule",
        "policy",
        "view",
        "materialized view",
        "constraint",
        "statistics",
        "index",
        "table",
      ],
      ...["function", "procedure", "sequence", "type", "domain", "schema", "extension"],
    ]);
    const statements = [
      ...drops(standing(drop("trigger", "rule", "policy"))),
      ...drops(inOrder(drop(...VIEWS), (item) => [item.facts.definition ?? ""]).reverse()),
      ...drops(drop("constraint").filter(foreign)),
      ...this.#freed(drop("sequence")),
      ...drops(standing(drop("constraint").filter((item) => !foreign(item)))).map((text) =>
        this.#onDomain(text),
      ),
      ...drops(standing(drop("statistics", "index"))),
      ...drops(drop("function", "procedure").filter((item) => this.#anew.has(item.address))),
      ...drops(
        inOrder(drop("table"), (item) => [
          item.facts.partitionOf ?? "",
          ...(item.facts.inherits ?? []),
        ]).reverse(),
      ),
      ...["schema", "extension", "type", "domain"].flatMap((word) => create(word)).flatMap(createObject),
      ...both.filter(({ to }) => ["schema", "extension", "type", "domain"].includes(to.word)).flatMap(alter),
      ...create("sequence")
        .filter(({ facts }) => facts.identityOf === undefined)
        .flatMap(createObject),
      ...routines.filter((one) => !late.includes(one)).flatMap(createObject),
      ...tables.flatMap((item) => createTable(item, this.#context(item))),
      ...both
        .filter(({ to }) => to.word === "table")
        .flatMap(({ from, to }) => [...alterColumns(from, to, this.#context(to)), ...alterObject(from, to)]),
      ...both.filter(({ to }) => to.word === "sequence").flatMap(alter),
      ...this.#owned(created, both),
      ...late.flatMap(createObject),
      ...constraints.filter(notNull).flatMap(createObject),
      ...tables.flatMap((item) => addIdentities(undefined, item, this.#context(item))),
      ...both
        .filter(({ to }) => to.word === "table")
        .flatMap(({ from, to }) => addIdentities(from.facts, to, this.#context(to))),
      ...constraints
        .filter((item) => !notNull(item) && !foreign(item))
        .sort((one, other) => rank(one) - rank(other))
        .flatMap(createObject)
        .map((text) => this.#onDomain(text)),
      ...indexes.filter((item) => !onView(item)).flatMap((item) => this.#createIndex(item)),
      ...constraints.filter(foreign).flatMap(createObject),
      ...create("statistics").flatMap(createObject),
      ...both.filter(({ to }) => to.word === "function" || to.word === "procedure").flatMap(alter),
      ...views.flatMap(createObject),
      ...indexes.filter(onView).flatMap((item) => this.#createIndex(item)),
      ...create("trigger", "rule", "policy").flatMap(createObject),
      ...this.#indexRoles(created, both),
      ...both
        .filter(({ to }) => !handled.has(to.word) || VIEWS.has(to.word) || MADE_ANEW.has(to.word))
        .flatMap(alter),
      ...created.filter(({ word }) => !handled.has(word)).flatMap(createObject),
      ...this.#properties(created, both),
      ...drops(drop("function", "procedure").filter((item) => !this.#anew.has(item.address))),
      ...drops(drop("sequence")),
      ...drops(["domain", "type", "extension", "schema"].flatMap((word) => drop(word))),
      ...drops(dropped.filter(({ word }) => !handled.has(word))),
    ];
    return routines.length > 0 || both.some(({ to }) => to.word === "function" || to.word === "procedure")
      ? ["set check_function_bodies = off;", ...statements, "reset check_function_bodies;"]
      : statements;
  }

  #isDropped({ address }: Item): boolean {
    return !this.#to.has(address) || this.#anew.has(address);
  }

  #isCreated({ address }: Item): boolean {
    return !this.#from.has(address) || this.#anew.has(address);
  }

  /** Closes over what stands on what: a view on a view, a foreign key on a key, a trigger on its function. */
  #findAnew(): void {
    for (const [address, to] of this.#to) {
      const from = this.#from.get(address);
      if (from !== undefined && this.#cannotAlter(from, to)) this.#anew.add(address);
    }
    const retyped = [...this.#to.values()].filter((to) => this.#losesColumns(to)).map(({ name }) => name);
    for (let known = -1; known !== this.#anew.size; ) {
      known = this.#anew.size;
      const going = [...this.#from.values()].filter((item) => this.#isDropped(item));
      const relations = [
        ...retyped,
        ...going.filter(({ word }) => RELATIONS.has(word) || isRoutine(word)).map(({ name }) => name),
      ];
      const keys = going.flatMap(({ word, on, facts }) =>
        word === "constraint" && on !== null && parseKey(facts.definition ?? "") !== undefined ? [on] : [],
      );
      for (const item of this.#from.values())
        if (this.#to.has(item.address) && this.#leansOn(item, relations, keys, retyped))
          this.#anew.add(item.address);
    }
  }

  #cannotAlter(from: Item, to: Item): boolean {
    if (MADE_ANEW.has(to.word))
      return [...new Set([...Object.keys(from.facts), ...Object.keys(to.facts)])].some(
        (fact) =>
          !["owner", "grants", "comment", "clustered", "replicaIdentity", "columns"].includes(fact) &&
          !equal(from.facts[fact], to.facts[fact]),
      );
    if (isRoutine(to.word)) return header(from) !== header(to);
    return false;
  }

  /** Columns that views, policies and triggers could speak of, and that go or change their type. */
  #losesColumns(to: Item): boolean {
    const from = this.#from.get(to.address);
    if (from === undefined || to.word !== "table") return false;
    return Object.entries(from.facts.columns ?? {}).some(([column, was]) => {
      const is = to.facts.columns?.[column];
      return is?.type !== was.type || is.collation !== was.collation || is.generated !== was.generated;
    });
  }

  #leansOn(
    { word, facts, on }: Item,
    relations: readonly (readonly string[])[],
    keys: readonly (readonly string[])[],
    retyped: readonly (readonly string[])[],
  ): boolean {
    const { definition } = facts;
    const among = (names: readonly (readonly string[])[], name: readonly string[] | null | undefined) =>
      name !== null && name !== undefined && names.some((one) => equal(one, name));
    if (VIEWS.has(word)) return relations.some((name) => mentions(definition, name));
    if (word === "trigger" || word === "rule")
      return among(relations, on) || relations.some((name) => mentions(definition, name));
    if (word === "policy") return among(retyped, on);
    if (word === "index" && definition !== undefined) {
      const anew = relations.filter((name) => !among(retyped, name));
      return among(anew, tableOfIndex(definition));
    }
    if (word === "constraint") return among(keys, parseForeignKey(definition ?? "")?.references);
    return false;
  }

  /** True for what goes when its table or view does. */
  #goesWith({ word, on, facts }: Item): boolean {
    const table =
      word === "index" && facts.definition !== undefined ? tableOfIndex(facts.definition) : (on ?? undefined);
    if (table === undefined) return false;
    return [...this.#from.values()].some(
      (item) => RELATIONS.has(item.word) && equal(item.name, table) && this.#isDropped(item),
    );
  }

  /** A new partition gets its parent's keys by itself. */
  #comesWithPartition({ on, facts }: Item): boolean {
    const table = [...this.#to.values()].find((item) => item.word === "table" && equal(item.name, on));
    if (table?.facts.partitionOf === undefined || !this.#isCreated(table)) return false;
    return parseKey(facts.definition ?? "") !== undefined;
  }

  #needsRelations({ facts }: Item): boolean {
    const text = facts.definition ?? "";
    const signature = text.slice(0, text.search(/\n LANGUAGE /));
    const created = [...this.#to.values()].filter(
      (item) => RELATIONS.has(item.word) && this.#isCreated(item),
    );
    return /\nBEGIN ATOMIC\b/.test(text) || created.some(({ name }) => mentions(signature, name));
  }

  #context(table: Item): TableContext {
    const named = [...this.#to.values(), ...this.#from.values()].filter(
      ({ word, on, facts }) =>
        word === "constraint" && equal(on, table.name) && facts.definition?.startsWith("NOT NULL "),
    );
    const sequences = [...this.#to.values()].flatMap((item) => {
      const [schema, name, column = ""] = namesOf(String(item.facts.identityOf ?? ""));
      if (item.word !== "sequence" || schema !== table.name[0] || name !== table.name[1]) return [];
      const options = sequenceOptions(item.facts).replace(/^ as \S+/, "");
      return [[column, ` (sequence name ${sqlName(item)}${options})`] as const];
    });
    return {
      namedNotNull: new Set(
        named.flatMap(({ facts }) => namesOf((facts.definition ?? "").slice("NOT NULL ".length)).slice(0, 1)),
      ),
      identities: new Map(sequences),
    };
  }

  /** A sequence that is to go lets go of the defaults that still draw from it only when they are changed, which comes later. */
  #freed(sequences: Item[]): string[] {
    return sequences.flatMap((item) =>
      item.facts.ownedBy === undefined ? [] : [`alter sequence ${sqlName(item)} owned by none;`],
    );
  }

  #owned(created: Item[], both: { from: Item; to: Item }[]): string[] {
    const changed = [
      ...created.filter(({ facts }) => facts.ownedBy !== undefined),
      ...both.filter(({ from, to }) => from.facts.ownedBy !== to.facts.ownedBy).map(({ to }) => to),
    ];
    return changed
      .filter(({ word }) => word === "sequence")
      .map((item) => `alter sequence ${sqlName(item)} owned by ${String(item.facts.ownedBy ?? "none")};`);
  }

  #createIndex(item: Item): string[] {
    if (item.facts.constraint !== undefined) {
      const options = item.facts.options;
      return options === undefined || !this.#isCreated(item)
        ? []
        : [`alter index ${sqlName(item)} set (${options.join(", ")});`];
    }
    if (item.facts.partitionOf !== undefined)
      return [
        untold(item.address, `it comes with ${item.facts.partitionOf}, under a name of Postgres's choice`),
      ];
    return createObject(item);
  }

  /** Which index a table is clustered by, or known to replicas by. */
  #indexRoles(created: Item[], both: { from: Item; to: Item }[]): string[] {
    const indexes = [...created.map((to) => ({ to, from: undefined })), ...both].filter(
      ({ to }) => to.word === "index",
    );
    return indexes.flatMap(({ to, from }) => {
      const table = this.#tableOf(to);
      const index = qualified(to.name.slice(-1));
      const alter = (what: string) =>
        table === undefined ? [] : [`alter table ${qualified(table)} ${what};`];
      return [
        ...(to.facts.clustered && !from?.facts.clustered ? alter(`cluster on ${index}`) : []),
        ...(from?.facts.clustered && !to.facts.clustered ? alter("set without cluster") : []),
        ...(to.facts.replicaIdentity && !from?.facts.replicaIdentity
          ? alter(`replica identity using index ${index}`)
          : []),
      ];
    });
  }

  #tableOf(index: Item): readonly string[] | undefined {
    if (index.facts.definition !== undefined) return tableOfIndex(index.facts.definition);
    const constraint = [...this.#to.values()].find(
      ({ word, name, on }) =>
        word === "constraint" && name[0] === index.facts.constraint && on?.[0] === index.name[0],
    );
    return constraint?.on ?? undefined;
  }

  #properties(created: Item[], both: { from: Item; to: Item }[]): string[] {
    const byDefault = [...this.#from.values()]
      .filter(({ address }) => address.startsWith("default privileges of "))
      .flatMap(({ facts }) => granteesOf(facts.grants));
    return [
      ...created.flatMap((to) => properties(undefined, to, byDefault)),
      ...both.flatMap(({ from, to }) => properties(from.facts, to, byDefault)),
    ].filter((text) => text !== "");
  }

  /** A constraint of a domain is altered as the domain's. */
  #onDomain(text: string): string {
    const [, target] = /^alter table (.+?) (?:add|drop) constraint /s.exec(text) ?? [];
    const isDomain = [...this.#from.values(), ...this.#to.values()].some(
      ({ word, name }) => word === "domain" && qualified(name) === target,
    );
    return isDomain ? text.replace(/^alter table/, "alter domain") : text;
  }
}

function alter({ from, to }: { from: Item; to: Item }): string[] {
  return alterObject(from, to);
}

function isRoutine(word: string): boolean {
  return word === "function" || word === "procedure";
}

/** Name, arguments and result: what CREATE OR REPLACE cannot change. */
function header({ facts }: Item): string {
  const text = facts.definition ?? "";
  return text.slice(0, Math.max(0, text.search(/\n LANGUAGE /)));
}

/** Primary keys before what may lean on them. */
function rank({ facts }: Item): number {
  const key = parseKey(facts.definition ?? "");
  return key === undefined ? 2 : key.primary ? 0 : 1;
}

/** Each behind those of the others that its texts speak of. */
function inOrder(items: readonly Item[], textsOf: (item: Item) => string[]): Item[] {
  const sorted: Item[] = [];
  const visit = (item: Item, above: readonly Item[]): void => {
    if (sorted.includes(item) || above.includes(item)) return;
    const texts = textsOf(item);
    for (const other of items)
      if (other !== item && texts.some((text) => mentions(text, other.name))) visit(other, [...above, item]);
    sorted.push(item);
  };
  for (const item of items) visit(item, []);
  return sorted;
}
