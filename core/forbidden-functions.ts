/** Functions that reach out of the database or change the session, refused wherever they are called or named. */

import { refusedSetting } from "./forbidden-settings.ts";
import type { Refusal } from "./forbidden-statements.ts";
import { asList, nameParts, stringConstant, type Tree } from "./sql-tree.ts";

const FILES = "it reads or writes files of the database server";
const OTHERS = "it reaches another server";
const PROGRAMS = "it acts outside the database";
const SERVER = "it acts on the whole server";
const SLOTS = "it acts on the server's replication";
const LOCKS =
  "session locks outlive the transaction, and one of them is the runner's own; use pg_advisory_xact_lock";

/** By name in pg_catalog (or unqualified): what the function does. */
const REACHING: Record<string, string> = {
  pg_read_file: FILES,
  pg_read_binary_file: FILES,
  pg_stat_file: FILES,
  pg_ls_dir: FILES,
  pg_ls_logdir: FILES,
  pg_ls_waldir: FILES,
  pg_ls_tmpdir: FILES,
  pg_ls_archive_statusdir: FILES,
  pg_ls_summariesdir: FILES,
  pg_ls_logicalsnapdir: FILES,
  pg_ls_logicalmapdir: FILES,
  pg_ls_replslotdir: FILES,
  pg_file_write: FILES,
  pg_file_sync: FILES,
  pg_file_rename: FILES,
  pg_file_unlink: FILES,
  pg_logdir_ls: FILES,
  lo_import: FILES,
  lo_export: FILES,
  pg_execute_server_program: PROGRAMS,
  pg_reload_conf: SERVER,
  pg_rotate_logfile: SERVER,
  pg_terminate_backend: SERVER,
  pg_cancel_backend: SERVER,
  pg_log_backend_memory_contexts: SERVER,
  pg_switch_wal: SERVER,
  pg_create_restore_point: SERVER,
  pg_backup_start: SERVER,
  pg_backup_stop: SERVER,
  pg_promote: SERVER,
  pg_wal_replay_pause: SERVER,
  pg_wal_replay_resume: SERVER,
  pg_stat_reset_shared: SERVER,
  pg_stat_reset_slru: SERVER,
  pg_create_physical_replication_slot: SLOTS,
  pg_create_logical_replication_slot: SLOTS,
  pg_copy_physical_replication_slot: SLOTS,
  pg_copy_logical_replication_slot: SLOTS,
  pg_drop_replication_slot: SLOTS,
  pg_replication_slot_advance: SLOTS,
  pg_sync_replication_slots: SLOTS,
  pg_logical_slot_get_changes: SLOTS,
  pg_logical_slot_get_binary_changes: SLOTS,
  pg_replication_origin_create: SLOTS,
  pg_replication_origin_drop: SLOTS,
  pg_replication_origin_advance: SLOTS,
  pg_replication_origin_session_setup: SLOTS,
};

/** Advisory locks of the session: the runner holds one, and pg_advisory_unlock_all would let it go. */
const SESSION_LOCK = /^pg_(try_)?advisory_(un)?lock(_shared|_all)?$/;

/** Schemas of extensions whose functions reach out. */
const REACHING_SCHEMAS: Record<string, string> = { aws_s3: OTHERS, aws_lambda: OTHERS };

/** A refusal when the node calls, or names as a function, something that reaches out. */
export function forbiddenCall(
  fields: Tree,
  kind: string | undefined,
  parent: string | undefined,
): Refusal | undefined {
  if (kind === "FuncCall" || (kind === undefined && "funcname" in fields) || kind === "CreateTrigStmt") {
    return refusedFunction(nameParts(fields.funcname)) ?? refusedConfig(fields);
  }
  // Functions named but not called: ALTER FUNCTION, CREATE CAST, and the parts of aggregates and operators.
  // GRANT and REVOKE name functions as well, and taking a right away is welcome.
  if (kind === "ObjectWithArgs" && parent !== "GrantStmt") return refusedFunction(nameParts(fields.objname));
  if (kind === "DefElem" && parent === "DefineStmt")
    return refusedFunction(nameParts((fields.arg as { TypeName?: Tree } | undefined)?.TypeName?.names));
  return undefined;
}

function refusedFunction(parts: readonly string[]): Refusal | undefined {
  const name = parts.at(-1) ?? "";
  const schema = parts.length > 1 ? parts.at(-2) : undefined;
  const what = `${name}()`;
  // Extensions may stand in any schema.
  if (/^dblink(_|$)/.test(name)) return { code: "ServerReach", what, reason: OTHERS };
  const reachingSchema = REACHING_SCHEMAS[schema ?? ""];
  if (reachingSchema !== undefined)
    return { code: "ServerReach", what: `${schema}.${what}`, reason: reachingSchema };
  if (schema !== undefined && schema !== "pg_catalog") return undefined;
  if (SESSION_LOCK.test(name)) return { code: "SessionChange", what, reason: LOCKS };
  const reason = Object.hasOwn(REACHING, name) ? REACHING[name] : undefined;
  return reason === undefined ? undefined : { code: "ServerReach", what, reason };
}

/** set_config does what SET does. */
function refusedConfig(fields: Tree): Refusal | undefined {
  if (nameParts(fields.funcname).at(-1) !== "set_config") return undefined;
  const setting = stringConstant(asList(fields.args)[0]);
  const reason = setting === undefined ? undefined : refusedSetting(setting);
  return reason === undefined
    ? undefined
    : { code: "SessionChange", what: `set_config('${setting}')`, reason };
}
