/** Names as the server writes them in SQL: quoted where it would read them as something else. */

import { quoteName } from "../../../core/names.ts";

/** SQL: the words that are quoted because they mean something. */
export const WORDS = `select json_agg(word) as value from pg_get_keywords() where catcode <> 'U'`;

export interface Identifiers {
  /** The same as `quote_ident`. */
  quote(name: string): string;
  /** With its schema. */
  qualified(of: { schema: string; name: string }): string;
}

export function identifiersOf(words: readonly unknown[][]): Identifiers {
  const reserved = new Set(words.flat() as string[]);
  const quote = (name: string) =>
    /^[a-z_][a-z0-9_]*$/.test(name) && !reserved.has(name) ? name : quoteName(name);
  return { quote, qualified: ({ schema, name }) => `${quote(schema)}.${quote(name)}` };
}
