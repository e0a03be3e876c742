/** Reads a database's shape from its catalogs: two statements, whatever the number of objects. */
import type { Json } from "../../core/canonical-json.ts";
import { addressOf, type Shape } from "../../core/shape.ts";
import { reading } from "./reading.ts";
import type { Session } from "./session.ts";
import { type Kind, type ObjectRows, objectsQuery, readerOf } from "./shape/catalog.ts";
import { collations } from "./shape/collations.ts";
import { nameColumns } from "./shape/columns.ts";
import { domainConstraints, tableConstraints } from "./shape/constraints.ts";
import { casts, encodingConversions, transforms } from "./shape/conversions.ts";
import { dataTypes } from "./shape/data-types.ts";
import { eventTriggers } from "./shape/event-triggers.ts";
import { extensions, languages } from "./shape/extensions.ts";
import { foreignDataWrappers, foreignServers, userMappings } from "./shape/foreign.ts";
import { aggregates, functions } from "./shape/functions.ts";
import { indexes } from "./shape/indexes.ts";
import { attach, NOTES, type NoteRows, notesByObject } from "./shape/notes.ts";
import { accessMethods, operatorClasses, operatorFamilies, operators } from "./shape/operators.ts";
import { policies } from "./shape/policies.ts";
import { publications } from "./shape/publications.ts";
import { relations } from "./shape/relations.ts";
import { defaultPrivileges, schemas } from "./shape/schemas.ts";
import { sequences } from "./shape/sequences.ts";
import { settle } from "./shape/settle.ts";
import { statistics } from "./shape/statistics.ts";
import {
  textSearchConfigurations,
  textSearchDictionaries,
  textSearchParsers,
  textSearchTemplates,
} from "./shape/text-search.ts";
import { rules, triggers } from "./shape/triggers.ts";

/**
 * The database's structure as the session's user sees it. Inside a transaction it shows what that transaction did;
 * otherwise it is one snapshot. The same for a restored or template copy; independent of the session's settings.
 * Left out: what extensions brought, the schemas `rehearsal`, `pg_*` and `information_schema`, and what belongs to
 * the server or to the database as a whole (roles, tablespaces, subscriptions, settings, large objects).
 */
export async function readShape(session: Session): Promise<Shape> {
  return reading(session, async () => {
    const kinds = kindsOf(session.major);
    // Rows are gathered by hashing: nothing that is read has an order, and sorting it takes longer than reading it.
    await session.execute("set local enable_sort = off");
    const rows = await session.query<ObjectRows>(objectsQuery(kinds));
    const notes = notesByObject(await session.query<NoteRows>(NOTES));
    const named = ({ kind: place, objects }: ObjectRows) => {
      const kind = kinds[place];
      if (kind === undefined) throw new Error(`the query has no kind ${place}`);
      const read = readerOf(kind);
      return objects.map((row): [string, Json] => {
        const { oid, name, facts } = read(row);
        const columns = nameColumns(facts);
        settleDefinitions(facts);
        for (const note of notes.get(`${kind.catalog}/${oid}`) ?? []) attach(note, facts, columns);
        return [addressOf(name), facts as Json];
      });
    };
    return { format: "rehearsal-shape/1", objects: Object.fromEntries(rows.flatMap(named).sort(byAddress)) };
  });
}

function kindsOf(major: number): Kind[] {
  return [
    ...[schemas, defaultPrivileges, extensions, languages],
    ...[relations, sequences, indexes, tableConstraints(major), triggers, rules, policies, statistics],
    ...[dataTypes, domainConstraints, collations(major), functions, aggregates],
    ...[operators, operatorClasses, operatorFamilies, accessMethods, casts, transforms, encodingConversions],
    ...[textSearchParsers, textSearchTemplates, textSearchDictionaries, textSearchConfigurations],
    ...[eventTriggers, publications(major), foreignDataWrappers, foreignServers, userMappings],
  ];
}

/** The facts that are SQL printed by the server. */
const DEFINITIONS = ["definition", "default", "using", "check", "partitionBy"];

function settleDefinitions(facts: { [fact: string]: unknown }): void {
  for (const name of DEFINITIONS) {
    const value = facts[name];
    if (typeof value === "string") facts[name] = settle(value);
  }
  for (const column of Object.values(
    (facts.columns as Record<string, { default?: string }> | undefined) ?? {},
  ))
    if (column.default !== undefined) column.default = settle(column.default);
}

function byAddress([one]: [string, Json], [other]: [string, Json]): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
