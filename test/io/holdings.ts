/** What a database holds, read by other means than the product's own baseline: for telling whether two of them are the same. */
import type { DatabaseAddress } from "../../core/database-url.ts";
import { openCopySession } from "../../io/postgres/copy.ts";
import { dumpSchema } from "../../io/postgres/dump/index.ts";
import { openSession } from "../../io/postgres/session.ts";

/** pg_dump's own words for the structure, without the line that tells the server's version. */
export async function structureOf(address: DatabaseAddress): Promise<string> {
  return (await dumpSchema(address, { application: "test" })).replace(/^-- Dumped from .*\n/m, "");
}

/** The structure as a sorted list of pg_dump's entries: it does not carry in which order an heir's columns stand, and so their defaults. */
export function entriesOf(structure: string): string[] {
  return structure.split("\n--\n-- Name: ").sort();
}

/** Without what a newer major has and an older one has not: names of NOT NULL constraints, and the right to maintain, which owners keep. */
export function portableEntries(entries: string[]): string[] {
  return entries
    .filter((entry) => !entry.includes("; Type: ACL; "))
    .map((entry) => entry.replaceAll(/ CONSTRAINT (?:"(?:[^"]|"")*"|\w+) NOT NULL/g, " NOT NULL"));
}

/**
 * By what was read, the sorted lines of its COPY text: every table and partition that holds rows, and every filled materialized view.
 * What is below a table partitioned by hash is read through that table, for an enum's hash is another one in another database.
 */
export async function linesOf(address: DatabaseAddress): Promise<Record<string, string[]>> {
  const session = await openSession(address, { application: "test" });
  const copying = await openCopySession(address, { application: "test" });
  try {
    await copying.execute("set extra_float_digits = 3; set bytea_output = hex; set row_security = off");
    const lines: Record<string, string[]> = {};
    for (const { name, from, columns } of await session.query<Readable>(READ)) {
      const pieces: Uint8Array[] = [];
      for await (const piece of copying.copyOut(`copy (select ${columns} from ${from}) to stdout`))
        pieces.push(Buffer.from(piece));
      lines[name] = Buffer.concat(pieces).toString("latin1").split("\n").sort();
    }
    return lines;
  } finally {
    await copying.close();
    await session.close();
  }
}

interface Readable {
  name: string;
  from: string;
  /** By name, for a restore gives an heir its columns in another order. */
  columns: string;
}

const READ = `with recursive below_hash as (
    select i.inhrelid as oid from pg_inherits i join pg_partitioned_table p on p.partrelid = i.inhparent where p.partstrat = 'h'
    union select i.inhrelid from below_hash b join pg_inherits i on i.inhparent = b.oid
  )
  select format('%I.%I', n.nspname, c.relname) as name,
    case c.relkind when 'p' then '' else 'only ' end || format('%I.%I', n.nspname, c.relname) as from,
    coalesce((select string_agg(quote_ident(attname), ', ' order by attname) from pg_attribute
      where attrelid = c.oid and attnum > 0 and not attisdropped), '') as columns
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.oid not in (select oid from below_hash)
    and (c.relkind = 'r' or c.relkind = 'm' and c.relispopulated
      or exists (select from pg_partitioned_table p where p.partrelid = c.oid and p.partstrat = 'h'))
  order by 1`;

/** Of every sequence what it would give next: a number, or the reason why it gives none. */
export async function nextValuesOf(address: DatabaseAddress): Promise<{ name: string; next: string }[]> {
  const session = await openSession(address, { application: "test" });
  try {
    await session.execute(`create function pg_temp.drawn(sequence regclass) returns text language plpgsql
      as 'begin return nextval(sequence); exception when others then return sqlerrm; end'`);
    return await session.query(
      "select oid::regclass::text as name, pg_temp.drawn(oid) as next from pg_class where relkind = 'S' order by 1",
    );
  } finally {
    await session.close();
  }
}

/** Bytes, owner, rights and comment of every large object. */
export async function largeObjectsOf(address: DatabaseAddress): Promise<object[]> {
  const session = await openSession(address, { application: "test" });
  try {
    return await session.query(`select oid::int8 as oid, md5(lo_get(oid)) as bytes, length(lo_get(oid)) as length,
        pg_get_userbyid(lomowner) as owner, 
        (select string_agg(item::text, ' ' order by item::text) from unnest(coalesce(lomacl, acldefault('L', lomowner))) item) as rights, obj_description(oid, 'pg_largeobject') as comment
      from pg_largeobject_metadata order by 1`);
  } finally {
    await session.close();
  }
}
