/** Collations: their rules, not the version of the library that the server happens to have. */
import { type Kind, notMember, role, when } from "./catalog.ts";

/** Postgres 17 renamed the column that holds the locale. */
export function collations(major: number): Kind {
  return {
    catalog: "pg_collation",
    oid: "c.oid",
    word: "'collation'",
    name: ["s.nspname", "c.collname"],
    facts: {
      owner: role("c.collowner"),
      provider: "case c.collprovider when 'i' then 'icu' when 'b' then 'builtin' else 'libc' end",
      nondeterministic: when("not c.collisdeterministic"),
      encoding: when("c.collencoding >= 0", "pg_encoding_to_char(c.collencoding)"),
      collate: "c.collcollate",
      ctype: "c.collctype",
      locale: major >= 17 ? "c.colllocale" : "c.colliculocale",
      rules: "c.collicurules",
    },
    from: `pg_collation c join space s on s.oid = c.collnamespace where ${notMember("pg_collation", "c.oid")}`,
  };
}
