/** Where an object goes: a key put together of words of the mapping and of values of the record, which never leave their place in it. */

type KeyPart =
  | { text: string }
  /** A column of the row itself, or of a row that stands before it in the same record. */
  | { row?: string; column: string }
  | { file: "name" | "stem" | "extension" }
  | { star: number }
  | { sha256: true };

interface KeyTemplate {
  /** As it was written. */
  text: string;
  parts: KeyPart[];
}

const WORD = /^[A-Za-z0-9._=-]+$/;

/** Reads a template; throws an Error in words. */
export function parseKeyTemplate(text: string): KeyTemplate {
  const wrong = (why: string) => new Error(`"${text}" is no key: ${why}`);
  const parts = text.split(/(\{[^{}]*\})/).filter((part) => part !== "");
  const read = parts.map((part): KeyPart => {
    if (!part.startsWith("{")) {
      if (/[{}]/.test(part) || part.split("/").some((word) => word !== "" && !WORD.test(word)))
        throw wrong(`"${part}" may hold letters, digits, . _ = - and slashes`);
      return { text: part };
    }
    const inner = part.slice(1, -1);
    const file = /^file\.(name|stem|extension)$/.exec(inner)?.[1];
    if (file !== undefined) return { file: file as "name" };
    const star = /^star\.(\d{1,2})$/.exec(inner)?.[1];
    if (star !== undefined) return { star: Number(star) };
    if (inner === "media.sha256") return { sha256: true };
    const [, row, column] = /^(?:([a-z][a-z0-9_-]*)\.)?([A-Za-z_][A-Za-z0-9_]*)$/.exec(inner) ?? [];
    if (column === undefined)
      throw wrong(`"${part}" is neither {row.column}, {column}, {file.name}, {star.1} nor {media.sha256}`);
    return row === undefined ? { column } : { row, column };
  });
  if (!/^[A-Za-z0-9._=-]+\//.test(text)) throw wrong("it begins with a folder of its own, like media/");
  if (/^intake\//.test(text)) throw wrong("intake/ is where imports are read from");
  if (text.endsWith("/") || text.includes("//")) throw wrong("an object's name is missing in it");
  if (text.split("/").some((segment) => segment === "." || segment === "..")) throw wrong("it holds . or ..");
  return { text, parts: read };
}

const UNSAFE: [when: RegExp, why: string][] = [
  [/^$/, "it is empty"],
  [/[/\\]/, "it holds a slash"],
  [/^\.{1,2}$/, "it is . or .."],
  [
    /[^\p{L}\p{M}\p{N} ._=+@,()'&-]/u,
    "it holds something else than letters, digits, spaces and . _ = + @ , ( ) ' & -",
  ],
  [/^ | $/, "it begins or ends with a space"],
  [/^.{201}/su, "it is longer than 200 letters"],
];

/** Why a value cannot be a part of a key; undefined when it can. */
export function unsafeInKey(value: string): string | undefined {
  return UNSAFE.find(([when]) => when.test(value))?.[1];
}
