/** Names inside shapes read back: addresses, and the names in definitions that the server printed. */
import type { ObjectName } from "./shape.ts";

const NAME = String.raw`"(?:[^"]|"")*"|[^\s"().,;]+`;
const QUALIFIED = `(?:${NAME})(?:\\.(?:${NAME}))*`;

const ADDRESS = new RegExp(`^((?:[a-z]+ )+?)(${QUALIFIED})(\\(.*\\))?(?: on (${QUALIFIED}))?$`, "su");

/** An address in its parts; undefined for the rare kinds whose addresses say more, such as operator classes. */
export function parseAddress(address: string): ObjectName | undefined {
  const [, word, name, suffix, on] = ADDRESS.exec(address) ?? [];
  if (word === undefined || name === undefined) return undefined;
  return {
    word: word.trimEnd(),
    name: namesOf(name),
    suffix: suffix ?? null,
    on: on === undefined ? null : namesOf(on),
  };
}

/** The parts of a qualified name, without quotes; works for what `quote_ident` writes and for what addresses do. */
export function namesOf(qualified: string): string[] {
  return [...qualified.matchAll(new RegExp(NAME, "gu"))].map(([part]) =>
    part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part,
  );
}

const INDEX = new RegExp(`^CREATE (?:UNIQUE )?INDEX (?:${NAME}) ON (?:ONLY )?(${QUALIFIED}) USING `, "u");

/** Schema and name of the table that an index definition of the server's is about. */
export function tableOfIndex(definition: string): string[] | undefined {
  const [, table] = INDEX.exec(definition) ?? [];
  return table === undefined ? undefined : namesOf(table);
}

const ORDER = "(?: (?:ASC|DESC))?(?: NULLS (?:FIRST|LAST))?";

const PLAIN_INDEX = new RegExp(
  `^CREATE (UNIQUE )?INDEX (?:${NAME}) ON (?:ONLY )?${QUALIFIED} USING \\w+ \\(((?:${NAME})${ORDER}(?:, (?:${NAME})${ORDER})*)\\)` +
    `(?: INCLUDE \\([^)]*\\))?( NULLS NOT DISTINCT)?(?: WITH \\([^)]*\\))?$`,
  "u",
);

/** What an index of the server's definition is about; undefined for one that is partial, or over anything but plain columns. */
export function parsePlainIndex(
  definition: string,
): { unique: boolean; columns: string[]; nullsNotDistinct: boolean } | undefined {
  const [, unique, list, notDistinct] = PLAIN_INDEX.exec(definition) ?? [];
  if (list === undefined) return undefined;
  return {
    unique: unique !== undefined,
    columns: [...list.matchAll(new RegExp(`(${NAME})${ORDER}(?:, |$)`, "gu"))].flatMap(([, name]) =>
      namesOf(name ?? ""),
    ),
    nullsNotDistinct: notDistinct !== undefined,
  };
}

const LIST = `(?:PERIOD )?(?:${NAME})(?:, (?:PERIOD )?(?:${NAME}))*`;

const FOREIGN_KEY = new RegExp(
  `^FOREIGN KEY \\((${LIST})\\) REFERENCES (${QUALIFIED})(?:\\((${LIST})\\))?(?: MATCH (FULL|PARTIAL))?` +
    `(?: ON UPDATE (CASCADE|SET NULL|SET DEFAULT|RESTRICT))?` +
    `(?: ON DELETE (CASCADE|SET NULL|SET DEFAULT|RESTRICT)(?: \\((${LIST})\\))?)?` +
    `( DEFERRABLE)?( INITIALLY DEFERRED)?( NOT ENFORCED)?( NOT VALID)?$`,
  "u",
);

/** What a foreign key says. */
export interface ForeignKey {
  columns: string[];
  /** Schema and name. */
  references: string[];
  referencedColumns: string[];
  onUpdate: string;
  onDelete: string;
  deferrable?: "immediate" | "deferred";
  notValidated?: true;
  /** Columns of a key are all filled or all empty. */
  match?: "full";
  notEnforced?: true;
}

/** Reads the definition of a foreign key as the server prints it; undefined for any other constraint. */
export function parseForeignKey(definition: string): ForeignKey | undefined {
  const found = FOREIGN_KEY.exec(definition);
  if (found === null) return undefined;
  const [
    ,
    columns = "",
    references = "",
    referenced = "",
    match,
    onUpdate,
    onDelete,
    ofColumns,
    deferrable,
    deferred,
    notEnforced,
    notValid,
  ] = found;
  const action = (word: string | undefined) => (word ?? "NO ACTION").toLowerCase();
  return {
    columns: columnsOf(columns),
    references: namesOf(references),
    referencedColumns: columnsOf(referenced),
    onUpdate: action(onUpdate),
    onDelete: action(onDelete) + (ofColumns === undefined ? "" : ` (${columnsOf(ofColumns).join(", ")})`),
    ...(deferrable && { deferrable: deferred ? "deferred" : "immediate" }),
    ...(notValid && { notValidated: true as const }),
    ...(match === "FULL" && { match: "full" as const }),
    ...(notEnforced && { notEnforced: true as const }),
  };
}

/** The columns of a primary key or a unique constraint, by its definition; undefined for others. */
export function parseKey(definition: string): { primary: boolean; columns: string[] } | undefined {
  const [, word, list] =
    new RegExp(
      `^(PRIMARY KEY|UNIQUE)(?: NULLS NOT DISTINCT)? \\((${LIST})(?: WITHOUT OVERLAPS)?\\)`,
      "u",
    ).exec(definition) ?? [];
  return word === undefined || list === undefined
    ? undefined
    : { primary: word === "PRIMARY KEY", columns: columnsOf(list) };
}

function columnsOf(list: string): string[] {
  return [...list.matchAll(new RegExp(`(?:PERIOD )?(${NAME})`, "gu"))].flatMap(([, name]) =>
    namesOf(name ?? ""),
  );
}
