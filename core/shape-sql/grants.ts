/** Rights as GRANT and REVOKE: from the items of an access list as the catalog prints them. */
import { quoteName } from "../names.ts";
import { type Item, qualified, sqlName, untold } from "./item.ts";

const PRIVILEGES: Record<string, string> = {
  ...{ r: "select", a: "insert", w: "update", d: "delete", D: "truncate", x: "references", t: "trigger" },
  ...{ m: "maintain", X: "execute", U: "usage", C: "create" },
};

/** The word behind ON, by the kind of object; other kinds' rights are told. */
const KINDS: Record<string, string> = {
  ...{ table: "table", view: "table", "materialized view": "table", "foreign table": "table" },
  ...{ sequence: "sequence", function: "function", procedure: "procedure", aggregate: "function" },
  ...{ schema: "schema", type: "type", domain: "domain" },
};

interface Right {
  grantee: string;
  grantor: string;
  privileges: { word: string; grantable: boolean }[];
}

/** What everybody may do with such an object by default, besides its owner. */
const PUBLIC: ReadonlySet<string> = new Set(["function", "procedure", "aggregate", "type", "domain"]);

/** Statements after which an object's rights are `wanted`; absent means Postgres's default. `known` are whoever may have some now. */
export function grantStatements(
  item: Item,
  wanted: readonly string[] | undefined,
  known: Iterable<string>,
): string[] {
  const kind = KINDS[item.word];
  const { owner = "" } = item.facts;
  if (kind === undefined)
    return [untold(item.address, `rights are to be ${JSON.stringify(wanted ?? "the default")}`)];
  const on = `on ${kind} ${sqlName(item)}`;
  const rights = wanted?.map(parseRight) ?? [
    { grantee: owner, grantor: owner, privileges: [{ word: "all", grantable: false }] },
    ...(PUBLIC.has(item.word)
      ? [{ grantee: "", grantor: owner, privileges: [{ word: "all", grantable: false }] }]
      : []),
  ];
  const everybody = new Set(["", owner, ...known, ...rights.map((right) => right.grantee)]);
  return [
    ...[...everybody].map((who) => `revoke all ${on} from ${role(who)} cascade;`),
    ...rights.flatMap((right) => give(item, right, on)),
  ];
}

/** The same for one column; a right on the table is not its matter. */
export function columnGrantStatements(
  item: Item,
  column: string,
  wanted: readonly string[] = [],
  known: Iterable<string> = [],
): string[] {
  const rights = wanted.map(parseRight);
  const on = `on table ${qualified(item.name)}`;
  return [
    ...[...new Set(known)].map((who) => `revoke all (${quoteName(column)}) ${on} from ${role(who)} cascade;`),
    ...rights.flatMap((right) => give(item, right, on, ` (${quoteName(column)})`)),
  ];
}

/** Those who stand in access lists; the empty name is everybody. */
export function granteesOf(grants: readonly string[] = []): string[] {
  return grants.map((text) => parseRight(text).grantee);
}

function give(item: Item, right: Right, on: string, of = ""): string[] {
  const { owner = "" } = item.facts;
  if (right.grantor !== owner)
    return [
      untold(
        item.address,
        `rights of ${role(right.grantee)} are to be given by ${role(right.grantor)}, who is not the owner`,
      ),
    ];
  return [false, true].flatMap((grantable) => {
    const words = right.privileges.filter((one) => one.grantable === grantable).map(({ word }) => word + of);
    if (words.length === 0) return [];
    return [
      `grant ${words.join(", ")} ${on} to ${role(right.grantee)}${grantable ? " with grant option" : ""};`,
    ];
  });
}

/** `"odd role"=ar*w/owner`. */
function parseRight(text: string): Right {
  const [, grantee = "", letters = "", grantor = ""] =
    /^("(?:[^"]|"")*"|[^="]*)=([a-zA-Z*]*)\/("(?:[^"]|"")*"|[^"]*)$/s.exec(text) ?? [];
  const plain = (name: string) => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name);
  return {
    grantee: plain(grantee),
    grantor: plain(grantor),
    privileges: [...letters.matchAll(/([a-zA-Z])(\*?)/g)].map(([, letter = "", star]) => ({
      word: PRIVILEGES[letter] ?? "all",
      grantable: star === "*",
    })),
  };
}

function role(name: string): string {
  return name === "" ? "public" : quoteName(name);
}
