/** The settings of a session while a release's files run on it, and the way back to our own. */
import { quoteLiteral } from "../../core/names.ts";
import type { Policy } from "../../core/policy.ts";
import { pinnedSettings, type Session } from "./session.ts";

export type FilePolicy = Pick<Policy, "lockTimeout" | "statementTimeout" | "searchPath">;

/** The policy's search path, which a file may change for itself, and its time-outs. */
export async function pinForFiles(session: Session, policy: FilePolicy): Promise<void> {
  await session.query(`select ${pinsForFiles(policy)}`);
}

/** SQL: the same as a value of a SELECT, which has been read when they are set. */
export function pinsForFiles(policy: FilePolicy): string {
  return settings(fileSettings(policy));
}

function fileSettings({ searchPath, lockTimeout, statementTimeout }: FilePolicy): Record<string, string> {
  // Quoted where they have to be and not elsewhere, as SET would: a function made with SET … FROM CURRENT keeps it as written.
  const names = searchPath.map((name) => `pg_catalog.quote_ident(${quoteLiteral(name)})`);
  return {
    search_path: names.join(` operator(pg_catalog.||) ', ' operator(pg_catalog.||) `),
    lock_timeout: quoteLiteral(String(lockTimeout)),
    statement_timeout: quoteLiteral(String(statementTimeout)),
  };
}

/** SQL: before every statement but the first, for the one before may have set them: no file waits longer than the policy allows. */
export function timeoutPins({ lockTimeout, statementTimeout }: FilePolicy): string {
  return `set lock_timeout = ${lockTimeout}; set statement_timeout = ${statementTimeout}`;
}

/** Takes back whatever a file did to the session, its role first: what follows is ours again. */
export async function settle(session: Session): Promise<void> {
  await session.execute(settling(session));
}

/** SQL: the same, as several statements; with a policy what is ours, and then what the next file runs under. */
export function settling({ major }: Session, next?: FilePolicy): string {
  // Asking the server's view of its settings whether it has this one takes longer than all the rest.
  const newer = major >= 17 ? { transaction_timeout: "0" } : {};
  const pinned = Object.entries({ ...pinnedSettings({ application: "" }), ...newer });
  const pins = settings({
    ...Object.fromEntries(pinned.map(([name, value]) => [name, quoteLiteral(value)])),
    ...(next && fileSettings(next)),
  });
  return `reset session authorization; reset role; reset all; select ${pins}`;
}

/** By name, each value as an expression; counted, for nobody reads twenty columns behind every file. */
function settings(values: Record<string, string>): string {
  const set = Object.entries(values).map(
    ([name, value]) => `pg_catalog.set_config('${name}', ${value}, false)`,
  );
  return `pg_catalog.num_nonnulls(${set.join(", ")})`;
}
