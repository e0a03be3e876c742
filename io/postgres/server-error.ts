/** A server's ErrorResponse as an error of our catalogue. */
import type { DatabaseAddress } from "../../core/database-url.ts";
import { RehearsalError } from "../../core/errors.ts";
import { clip } from "./session.ts";

/** SQLSTATEs that mean: nobody answers, or not now. */
const UNREACHABLE = /^(08|57P0[1234]|53300|3D000|28)/;

/**
 * Maps the fields of an ErrorResponse: the connection is lost, a right is missing, or the statement is refused.
 * DETAIL and the values in CONTEXT are left out, for they quote rows.
 */
export function serverError(
  fields: Record<string, string>,
  statement: string,
  address: DatabaseAddress,
): RehearsalError {
  const sqlstate = fields.C ?? "XX000";
  const place = /^COPY .*?, line \d+(, column .*?)?(?=[:,]|$)/s.exec(fields.W ?? "")?.[0];
  const reason = clip(fields.M ?? "the server gave no reason") + (place === undefined ? "" : ` (${place})`);
  if (UNREACHABLE.test(sqlstate))
    return new RehearsalError("DatabaseUnreachable", { database: address.database, reason });
  if (sqlstate === "42501")
    return new RehearsalError("PermissionMissing", { role: address.user, right: reason });
  return new RehearsalError("StatementFailed", {
    sqlstate,
    reason,
    statement: statement.trim().slice(0, 200),
  });
}
