/** Rule lock-timeout-weakened: a file takes back the limit on how long it waits for a lock. */
import { asList, asText, fieldsOf, isTree, stringConstant } from "../../sql-tree.ts";
import type { Rule } from "../rule.ts";

export const lockTimeoutWeakened: Rule = {
  id: "lock-timeout-weakened",
  severity: "error",
  title: "A file lets its statements wait longer for a lock than the environment's policy does",
  blocks: "reads",
  claim: { none: "it is a setting of the session; no relation is locked by it" },
  why: "Whoever waits for a strong lock makes everybody who comes later wait behind it. Rehearsal sets lock_timeout by the environment's policy before each statement and tries again, so a file need not set it; one that sets it to 0, or higher, stops production behind the first long transaction it meets.",
  mend: "leave lock_timeout to the environment's policy (lockTimeout, lockRetries), or set it lower",
  setup: "",
  bad: "set local lock_timeout = '5min';",
  good: "set local lock_timeout = '500ms';",
  on: ["VariableSetStmt"],
  check: ({ fields }, { lockTimeout }) => {
    if (asText(fields.name)?.toLowerCase() !== "lock_timeout") return [];
    const wanted = fields.kind === "VAR_SET_VALUE" ? milliseconds(asList(fields.args)[0]) : undefined;
    if (fields.kind === "VAR_SET_VALUE" && wanted === undefined)
      return [{ message: "lock_timeout is set to what cannot be read", severity: "warning" as const }];
    if (wanted === undefined || wanted === 0)
      return [{ message: "lock_timeout is switched off: a statement waits for its lock for ever" }];
    if (wanted <= lockTimeout) return [];
    return [
      {
        message: `lock_timeout is set to ${wanted} ms, above the ${lockTimeout} ms of the policy`,
        severity: "warning" as const,
      },
    ];
  },
};

const UNITS: Record<string, number> = {
  us: 0.001,
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Postgres' own way of writing a time: a bare number is milliseconds. */
function milliseconds(value: unknown): number | undefined {
  const constant = fieldsOf(value, "A_Const");
  if (isTree(constant?.ival)) return Number(constant.ival.ival ?? 0);
  const [, amount, unit = "ms"] =
    /^\s*(\d+(?:\.\d+)?)\s*(us|ms|s|min|h|d)?\s*$/.exec(stringConstant(value) ?? "") ?? [];
  return amount === undefined ? undefined : Number(amount) * (UNITS[unit] ?? 1);
}
