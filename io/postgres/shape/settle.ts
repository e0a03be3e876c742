/** Definitions as they read after a dump and restore, so that a database and its copy have one shape. */

/**
 * Rewrites `(ARRAY['a'::x, 'b'::x])::y[]` to `ARRAY[('a'::x)::y, ('b'::x)::y]`. Postgres prints the first for
 * `varchar_column IN ('a', 'b')`, but reads its own print as the second, which it then prints unchanged ever after.
 * String literals, quoted names and dollar-quoted bodies are passed over.
 */
export function settle(definition: string): string {
  let settled = definition;
  for (let from = 0; ; ) {
    const start = settled.indexOf(OPENING, from);
    if (start < 0) return settled;
    const found = inCode(settled, start) ? castArray(settled, start) : undefined;
    if (found) settled = settled.slice(0, start) + found.text + settled.slice(found.end);
    // The elements may hold arrays of their own, so the search goes on inside what was written.
    from = found ? start + "ARRAY[".length : start + OPENING.length;
  }
}

const OPENING = "(ARRAY[";

/** The rewritten array that begins at `start`, when a cast to an array type follows it, and where the cast ends. */
function castArray(text: string, start: number): { text: string; end: number } | undefined {
  const elements: string[] = [];
  let depth = 0;
  let begin = start + OPENING.length;
  for (let at = begin; at < text.length; at = after(text, at)) {
    const letter = text[at] ?? "";
    if (depth === 0 && (letter === "," || letter === "]")) {
      elements.push(text.slice(begin, at).trim());
      begin = at + 1;
      if (letter === ",") continue;
      const cast = ARRAY_CAST.exec(text.slice(at));
      const type = cast?.[1];
      if (cast === null || type === undefined) return undefined;
      return {
        text: `ARRAY[${elements.map((element) => `(${element})::${type}`).join(", ")}]`,
        end: at + cast[0].length,
      };
    }
    if (letter === "(" || letter === "[") depth++;
    else if (letter === ")" || letter === "]") depth--;
  }
  return undefined;
}

/** `])::character varying(10)[]`; the name may have several words, quotes, dots and a modifier. */
const ARRAY_CAST =
  /^\]\)::((?:"(?:[^"]|"")+"|[\w$.]| (?=[a-z]))+(?:\([\d, ]+\))?(?: with(?:out)? time zone)?)\[\]/u;

/** Whether the place is outside all quotes. */
function inCode(text: string, place: number): boolean {
  let at = 0;
  while (at < place) at = after(text, at);
  return at === place;
}

/** The place after the letter at `at`, or after the whole literal, name or body that begins there. */
function after(text: string, at: number): number {
  QUOTED.lastIndex = at;
  const quoted = QUOTED.exec(text);
  return quoted ? QUOTED.lastIndex : at + 1;
}

/** Postgres prints a literal with a backslash as E'…' with the backslash doubled. */
const QUOTED = /E'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$.*?\$\1\$/suy;
