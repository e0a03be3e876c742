/** Names that would not be what they look like: cut by Postgres without an error, or turned around on the screen. */
import { RehearsalError } from "./errors.ts";
import { NAME_BYTES } from "./names.ts";
import { scanTokens } from "./sql-parser.ts";
import type { SqlSource } from "./sql-source.ts";

/** Embeddings, overrides and isolates (Unicode's UAX 9): what "Trojan Source" is made of. */
const BIDI = /[\u202A-\u202E\u2066-\u2069]/;

/** A run that may be a name of more than 63 bytes: unquoted letters, or something in double quotes. */
const MAYBE_LONG = /[\p{L}\p{M}\p{N}_$]{16,}|"[^"]{16,}/u;

/** Throws `NameTooLong` for a name of more than 63 bytes, `BidiControl` for such a character outside a string. */
export function refuseNames(source: SqlSource): void {
  const bidi = BIDI.test(source.sql);
  // Scanning costs more than parsing, so only files that may hold such a thing are scanned.
  if (!bidi && !mayHoldLongName(source.sql)) return;
  const bytes = Buffer.from(source.sql);
  const lineOf = (at: number) => bytes.toString("utf8", 0, at).split("\n").length;
  const kept = new Map<string, string>();
  for (const token of scanTokens(source.sql) ?? []) {
    if (bidi && !/^(SCONST|USCONST)$/.test(token.tokenName)) {
      const character = BIDI.exec(token.text)?.[0];
      if (character !== undefined)
        throw new RehearsalError("BidiControl", {
          path: source.path,
          line: lineOf(token.start),
          character: `U+${character.charCodeAt(0).toString(16).toUpperCase()}`,
        });
    }
    const name = nameOf(token.text);
    if (name === undefined) continue;
    const cut = cutName(name);
    const same = kept.get(cut);
    if (cut !== name)
      throw new RehearsalError("NameTooLong", {
        path: source.path,
        line: lineOf(token.start),
        name,
        kept: cut,
        same: same === name ? undefined : same,
      });
    kept.set(cut, name);
  }
}

function mayHoldLongName(sql: string): boolean {
  if (!MAYBE_LONG.test(sql)) return false;
  for (const { 0: run } of sql.matchAll(/[\p{L}\p{M}\p{N}_$]{16,}|"(?:[^"]|"")*"/gu))
    if (Buffer.byteLength(run) > NAME_BYTES) return true;
  return false;
}

/** The name that an identifier's token stands for; undefined for other tokens. */
function nameOf(text: string): string | undefined {
  if (text.startsWith('"')) return text.slice(1, -1).replaceAll('""', '"');
  return /^[\p{L}_]/u.test(text) && /^[\p{L}\p{M}\p{N}_$]+$/u.test(text) ? text.toLowerCase() : undefined;
}

/** What Postgres keeps: as many whole characters as fit into 63 bytes. */
function cutName(name: string): string {
  if (Buffer.byteLength(name) <= NAME_BYTES) return name;
  let cut = "";
  let bytes = 0;
  for (const character of name) {
    bytes += Buffer.byteLength(character);
    if (bytes > NAME_BYTES) break;
    cut += character;
  }
  return cut;
}
