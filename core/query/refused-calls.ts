/** Functions that a query may not call: what they do outlasts a transaction that is rolled back, or they run text as SQL. */
import { nameParts, type Tree } from "../sql-tree.ts";

const OUTLASTS = "what it does stays when the transaction is rolled back";
const LOCKS = "others would wait for what it locks";
const STATISTICS = "it takes away what the server has counted";
const TEXT = "it runs a text as SQL, which nobody has checked";
const SETTINGS = "it changes the session that the query runs in";
const WRITES = "it writes";

/** By name in pg_catalog (or unqualified). */
const REFUSED: Record<string, string> = {
  nextval: WRITES,
  setval: WRITES,
  pg_notify: WRITES,
  set_config: SETTINGS,
  pg_logical_emit_message: OUTLASTS,
  pg_export_snapshot: OUTLASTS,
  pg_log_standby_snapshot: OUTLASTS,
  query_to_xml: TEXT,
  query_to_xmlschema: TEXT,
  query_to_xml_and_xmlschema: TEXT,
  ts_stat: TEXT,
  ts_rewrite: TEXT,
};

/** Of extensions, which may stand in any schema. */
const REFUSED_ANYWHERE: [RegExp, string][] = [
  [/^crosstab(\d|_hash|n)?$|^connectby$|^xpath_table$/, TEXT],
  [/^pg_stat_statements_reset$/, STATISTICS],
];

const REFUSED_PATTERNS: [RegExp, string][] = [
  [/^pg_(try_)?advisory_/, LOCKS],
  [/^pg_stat_reset|^pg_stat_force_next_flush$/, STATISTICS],
  [/^pg_(restore|clear)_(relation|attribute)_stats$/, WRITES],
  [/^lo_|^lowrite$|^loread$/, WRITES],
  [/^binary_upgrade_/, WRITES],
];

/** The name and the reason when the node calls such a function. */
export function refusedCall(
  fields: Tree,
  kind: string | undefined,
): { name: string; reason: string } | undefined {
  if (kind !== "FuncCall" && !(kind === undefined && "funcname" in fields)) return undefined;
  const parts = nameParts(fields.funcname);
  const name = parts.at(-1) ?? "";
  const anywhere = REFUSED_ANYWHERE.find(([wanted]) => wanted.test(name))?.[1];
  if (anywhere !== undefined) return { name, reason: anywhere };
  const schema = parts.length > 1 ? parts.at(-2) : undefined;
  if (schema !== undefined && schema !== "pg_catalog") return undefined;
  const reason = Object.hasOwn(REFUSED, name)
    ? REFUSED[name]
    : REFUSED_PATTERNS.find(([wanted]) => wanted.test(name))?.[1];
  return reason === undefined ? undefined : { name, reason };
}
