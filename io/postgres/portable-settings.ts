/** The settings under which COPY text means the same on every server: those of pg_dump, and those it trusts to luck. */

/**
 * SET statements for a session that copies. `major` is the server's: a setting it does not know would be refused.
 * Text travels as UTF-8, except from a database in SQL_ASCII, which does not know what its bytes mean and must get the same ones back.
 * Without DateStyle, IntervalStyle, array_nulls or lc_monetary a value reads otherwise or not at all; with row security on, rows
 * would be missing in silence; a time-out inherited from the role would end a long COPY.
 */
export function portableSettings(major: number, encoding: string): string {
  const settings = {
    search_path: "''",
    client_encoding: encoding === "SQL_ASCII" ? "SQL_ASCII" : "UTF8",
    standard_conforming_strings: "on",
    datestyle: "'ISO, YMD'",
    intervalstyle: "postgres",
    extra_float_digits: "3",
    bytea_output: "hex",
    array_nulls: "on",
    lc_monetary: "'C'",
    xmloption: "content",
    row_security: "off",
    default_transaction_read_only: "off",
    default_transaction_isolation: "'read committed'",
    client_min_messages: "warning",
    statement_timeout: "0",
    lock_timeout: "0",
    idle_in_transaction_session_timeout: "0",
    idle_session_timeout: "0",
    ...(major >= 17 ? { transaction_timeout: "0" } : {}),
  };
  return Object.entries(settings)
    .map(([name, value]) => `set ${name} = ${value}`)
    .join("; ");
}
