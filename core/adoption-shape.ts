/** Shapes as an adoption compares them: without the tool's own table, and without what the name of an owner makes different. */
import type { Json } from "./canonical-json.ts";
import type { Shape } from "./shape.ts";
import { namesOf, parseAddress, tableOfIndex } from "./shape-names.ts";

/** A schema with all that stands in it, or one table with what hangs on it. */
export interface OwnedObjects {
  schema: string;
  /** The whole schema when left out. */
  table?: string;
}

/**
 * The shape as any role could have made it: owners are left out, grants name them as what they are, and so are versions of
 * extensions and the schema `public`, which no migration makes.
 */
export function comparableShape(shape: Shape, owned: OwnedObjects | undefined): Shape {
  const objects = owned === undefined ? shape.objects : withoutOwned(shape.objects, owned);
  return {
    format: shape.format,
    objects: Object.fromEntries(
      Object.entries(objects)
        .filter(([address]) => address !== "schema public")
        .map(([address, facts]) => [address, unowned(facts, address.startsWith("extension "))]),
    ),
  };
}

type Objects = Shape["objects"];
type Facts = { [fact: string]: Json };

function withoutOwned(objects: Objects, owned: OwnedObjects): Objects {
  const constraints = new Set(
    Object.keys(objects).flatMap((address) => {
      const parsed = parseAddress(address);
      return parsed?.on != null && isTable(parsed.on, owned) ? [parsed.name.at(-1) ?? ""] : [];
    }),
  );
  return Object.fromEntries(
    Object.entries(objects).filter(([address, facts]) => !belongs(address, facts, owned, constraints)),
  );
}

function belongs(
  address: string,
  facts: Json,
  owned: OwnedObjects,
  constraints: ReadonlySet<string>,
): boolean {
  const parsed = parseAddress(address);
  if (parsed === undefined) return false;
  const { word, name, on } = parsed;
  if (owned.table === undefined)
    return (word === "schema" && name[0] === owned.schema) || (on ?? name)[0] === owned.schema;
  if (on !== null) return isTable(on, owned);
  if (word === "table") return isTable(name, owned);
  const { definition, constraint, ownedBy, identityOf } = facts as { [fact: string]: unknown };
  if (word === "index") {
    if (typeof definition === "string") return isTable(tableOfIndex(definition) ?? [], owned);
    return typeof constraint === "string" && name[0] === owned.schema && constraints.has(constraint);
  }
  const column = ownedBy ?? identityOf;
  return word === "sequence" && typeof column === "string" && isTable(namesOf(column).slice(0, 2), owned);
}

function isTable([schema, table]: readonly string[], owned: OwnedObjects): boolean {
  return schema === owned.schema && table === owned.table;
}

function unowned(facts: Json, isExtension: boolean): Json {
  const { owner, grants, columns, ...others } = facts as Facts;
  const { version: _, ...extension } = others;
  return {
    ...(isExtension ? extension : others),
    ...(grants !== undefined && { grants: withoutOwner(grants, owner) }),
    ...(columns !== undefined && { columns: columnsWithoutOwner(columns, owner) }),
  };
}

function columnsWithoutOwner(columns: Json, owner: Json | undefined): Json {
  return Object.fromEntries(
    Object.entries(columns as Facts).map(([name, facts]) => {
      const { grants, ...others } = facts as Facts;
      return [name, grants === undefined ? facts : { ...others, grants: withoutOwner(grants, owner) }];
    }),
  ) as Json;
}

/** Of "reader=r/keeper" only what is not the owner's name. */
function withoutOwner(grants: Json, owner: Json | undefined): Json {
  if (!Array.isArray(grants) || typeof owner !== "string") return grants;
  const quoted = /^[a-z_][a-z0-9_]*$/i.test(owner) ? owner : `"${owner.replaceAll('"', '""')}"`;
  return grants
    .map((grant) => {
      const [to = "", by = ""] = cutOnce(String(grant), "/");
      const [who = "", rights = ""] = cutOnce(to, "=");
      return `${who === quoted ? "OWNER" : who}=${rights}/${by === quoted ? "OWNER" : by}`;
    })
    .sort();
}

/** In two at the last occurrence. */
function cutOnce(text: string, mark: string): [string, string] {
  const at = text.lastIndexOf(mark);
  return [text.slice(0, at), text.slice(at + 1)];
}
