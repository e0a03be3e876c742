/** A superuser set up for an application in all the ways that could come between us and a database. */
import type { DatabaseAddress } from "../core/database-url.ts";
import { execute } from "./postgres.ts";

const SETTINGS = {
  statement_timeout: "'1ms'",
  lock_timeout: "'1ms'",
  idle_in_transaction_session_timeout: "'1ms'",
  idle_session_timeout: "'1ms'",
  default_transaction_read_only: "on",
  default_transaction_isolation: "serializable",
  default_transaction_deferrable: "on",
  search_path: "nowhere",
  session_replication_role: "replica",
  quote_all_identifiers: "on",
  array_nulls: "off",
  standard_conforming_strings: "off",
  datestyle: "'German, DMY'",
  intervalstyle: "sql_standard",
  timezone: "'Asia/Kathmandu'",
  extra_float_digits: "-15",
  bytea_output: "escape",
  xmloption: "document",
  client_encoding: "LATIN1",
  row_security: "on",
  check_function_bodies: "on",
};

/** Makes the role on the server; it lasts as long as the server, or until it is dropped. */
export async function makeHurriedRole(
  server: { major: number; address: DatabaseAddress },
  name: string,
): Promise<{ user: string; password: string }> {
  const settings = { ...SETTINGS, ...(server.major >= 17 ? { transaction_timeout: "'1ms'" } : {}) };
  await execute(
    server.address,
    [
      `create role ${name} login superuser password 'hurry'`,
      ...Object.entries(settings).map(([setting, value]) => `alter role ${name} set ${setting} = ${value}`),
    ].join(";"),
  );
  return { user: name, password: "hurry" };
}
