/** Names that would not be what they look like: cut by Postgres without an error, or turned around on the screen. */
import { RehearsalError } from "./errors.ts";
import { NAME_BYTES } from "./names.ts";
import { lexemes } from "./sql-lexer.ts";
import { lineAt, type SqlSource } from "./sql-source.ts";

/** Embeddings, overrides and isolates (Unicode's UAX 9): what "Trojan Source" is made of. */
const BIDI = /[\u202A-\u202E\u2066-\u2069]/;

/** A run that may be a name of more than 63 bytes: many letters, or something long in double quotes. */
const MAYBE_LONG = /[\w$\u0080-\uffff]{16}|"[^"]{16}/;

/** Throws `NameTooLong` for a name of more than 63 bytes, `BidiControl` for such a character outside a string. */
export function refuseNames(source: SqlSource): void {
  if (!BIDI.test(source.sql) && !MAYBE_LONG.test(source.sql)) return;
  const kept = new Map<string, string>();
  for (const { kind, text, start } of lexemes(source.sql)) {
    if (kind === "string" || kind === "other") continue;
    const character = BIDI.exec(text)?.[0];
    if (character !== undefined)
      throw new RehearsalError("BidiControl", {
        path: source.path,
        line: lineAt(source.sql, start),
        character: `U+${character.charCodeAt(0).toString(16).toUpperCase()}`,
      });
    if (kind === "comment") continue;
    const name = nameOf(text);
    const cut = cutName(name);
    const same = kept.get(cut);
    if (cut !== name)
      throw new RehearsalError("NameTooLong", {
        path: source.path,
        line: lineAt(source.sql, start),
        name,
        kept: cut,
        same: same === name ? undefined : same,
      });
    kept.set(cut, name);
  }
}

/** The name that an identifier stands for. */
function nameOf(text: string): string {
  if (/^u&/i.test(text)) return text.slice(3, -1);
  return text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text.toLowerCase();
}

/** What Postgres keeps: as many whole characters as fit into 63 bytes. */
function cutName(name: string): string {
  if (Buffer.byteLength(name) <= NAME_BYTES) return name;
  let cut = "";
  for (const character of name) {
    if (Buffer.byteLength(cut + character) > NAME_BYTES) break;
    cut += character;
  }
  return cut;
}
