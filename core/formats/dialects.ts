/** Folders that serve several databases: the files of the others are left out, and named. */
import { fileName } from "./format.ts";

const POSTGRES = "postgres|postgresql|pgsql|pg";
const OTHERS =
  "mysql|mariadb|sqlite|sqlite3|mssql|sqlserver|oracle|db2|h2|hsqldb|derby|firebird|clickhouse|spanner|snowflake|redshift|bigquery|cockroach|cockroachdb|crdb|tidb|cassandra|vertica|duckdb";

/** `.mysql` in `1_x.mysql.sql`, `1_x.mysql.up.sql` and `1_x.up.mysql.sql`. */
const suffix = (dialects: string) =>
  new RegExp(`\\.(${dialects})(?=(?:\\.up|\\.down)?\\.sql(?:\\.conf)?$)`, "i");
const [OURS, THEIRS] = [suffix(POSTGRES), suffix(OTHERS)];

/** The files for Postgres or for every database; each one left out is noted. */
export function forPostgres<T extends { path: string }>(files: readonly T[], notes: string[]): T[] {
  return files.filter(({ path }) => {
    const dialect = THEIRS.exec(fileName(path))?.[1];
    if (dialect !== undefined) notes.push(`${path} is left out: it is for ${dialect.toLowerCase()}`);
    return dialect === undefined;
  });
}

/** A file's name without the word that it is for Postgres. */
export function withoutDialect(name: string): string {
  return name.replace(OURS, "");
}
