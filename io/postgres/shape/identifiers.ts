/** Names as the server writes them in SQL: quoted where it would read them as something else. */

/** SQL: the words that are quoted because they mean something. */
export const WORDS = `select json_agg(word) as value from pg_get_keywords() where catcode <> 'U'`;

export interface Identifiers {
  /** The same as `quote_ident`. */
  quote(name: string): string;
}

export function identifiersOf(words: readonly unknown[][]): Identifiers {
  const reserved = new Set(words.flat() as string[]);
  const known = new Map<string, string>();
  return {
    quote: (name) => {
      const before = known.get(name);
      if (before !== undefined) return before;
      const plain = /^[a-z_][a-z0-9_]*$/.test(name) && !reserved.has(name);
      const quoted = plain ? name : `"${name.replaceAll('"', '""')}"`;
      known.set(name, quoted);
      return quoted;
    },
  };
}
