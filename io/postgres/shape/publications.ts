/** Publications: what logical replication sends. */
import { type Kind, role, when } from "./catalog.ts";

/** Postgres 18 publishes generated columns when told to. */
export function publications(major: number): Kind {
  return {
    catalog: "pg_publication",
    present: "pg_publication",
    oid: "p.oid",
    word: "'publication'",
    name: ["p.pubname"],
    facts: {
      owner: role("p.pubowner"),
      allTables: when("p.puballtables"),
      insert: "p.pubinsert",
      update: "p.pubupdate",
      delete: "p.pubdelete",
      truncate: "p.pubtruncate",
      viaRoot: when("p.pubviaroot"),
      ...(major >= 18 ? { generatedColumns: when("p.pubgencols = 's'", "'stored'") } : {}),
      tables: `(select json_object_agg(x.prrelid::regclass::text, json_strip_nulls(json_build_object(
          'where', pg_get_expr(x.prqual, x.prrelid),
          'columns', case when x.prattrs is not null then to_json(array(
            select attname::text from pg_attribute where attrelid = x.prrelid and attnum = any (x.prattrs) order by attname)) end
        )) order by x.prrelid::regclass::text collate "C") from pg_publication_rel x where x.prpubid = p.oid)`,
      schemas: `(select json_agg(n.nspname order by n.nspname) from pg_publication_namespace x
        join pg_namespace n on n.oid = x.pnnspid where x.pnpubid = p.oid)`,
    },
    from: `pg_publication p`,
  };
}
