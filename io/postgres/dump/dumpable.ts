/** Which servers can be dumped: asked long before a dump, by what need not carry a pg_dump itself. */
import { RehearsalError } from "../../../core/errors.ts";
import { assertProgram } from "./pg-dump-program.ts";

/** The newest server that the pg_dump in the package knows. */
export const NEWEST_MAJOR = 18;

/** Throws `ServerTooNew` for a newer one, unless a program is named for it; `PgDumpUnfit` when that cannot be used. */
export async function assertDumpable(major: number, program: string | undefined): Promise<void> {
  if (major <= NEWEST_MAJOR) return;
  if (program === undefined) throw new RehearsalError("ServerTooNew", { major, supported: NEWEST_MAJOR });
  await assertProgram(program, major);
}
