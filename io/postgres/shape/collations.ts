/** Collations: their rules, not the version of the library that the server happens to have. */
import { type Kind, ours, role, when } from "./catalog.ts";

/** Postgres 17 renamed the column that holds the locale. */
export function collations(major: number): Kind {
  return {
    catalog: "pg_collation",
    present: `pg_collation where ${ours("collnamespace")}`,
    oid: "c.oid",
    word: "'collation'",
    name: ["s.nspname", "c.collname"],
    facts: {
      owner: role("c.collowner"),
      provider: "case c.collprovider when 'i' then 'icu' when 'b' then 'builtin' else 'libc' end",
      nondeterministic: when("not c.collisdeterministic"),
      collate: "c.collcollate",
      ctype: "c.collctype",
      locale: major >= 17 ? "c.colllocale" : "c.colliculocale",
      rules: "c.collicurules",
    },
    // Of one name there may be several, by encoding; a database can use those of its own, and a restored one says that it is its own.
    from: `pg_collation c join space s on s.oid = c.collnamespace
    where c.collencoding in (-1, (select encoding from pg_database where datname = current_database()))`,
  };
}
