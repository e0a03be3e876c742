/** An environment's policy in words: what it asks of every promotion, a line for each rule. */
import { age } from "../../core/counts.ts";
import type { Policy } from "../../core/policy.ts";
import { duration } from "../../core/report-words.ts";

/** What is left out of the policy is said as it is meant; what has no words here is shown as it is written. */
export function policyFacts(policy: Policy, role: string): [string, string][] {
  const { decision, fourEyes, retention, hooks, drift, storage, budgets, configuration, queries, ...rest } =
    policy;
  const { approvalTimeout, lockTimeout, lockRetries, statementTimeout, fence, rollback, plans, lint } = rest;
  const { inventory, searchPath, connections, patience, disk, pgDump, maintenanceDatabase, ...other } = rest;
  const prod = role === "prod";
  const facts: [string, string | undefined][] = [
    [
      "Decision",
      decision === "automatic"
        ? "a rehearsal that goes well is promoted without a person's word"
        : `a person approves what was rehearsed, within ${age(approvalTimeout)}`,
    ],
    ["Four eyes", (fourEyes ?? prod) ? "whoever asked cannot approve" : "whoever asked may approve"],
    [
      "Not additive",
      (plans ?? (prod ? "required" : "optional")) === "required"
        ? "needs a data plan"
        : "a data plan is optional",
    ],
    [
      "Safety analysis",
      lint === "refuse" ? "errors refuse the promotion" : "errors are told, and refuse nothing",
    ],
    ["Fence", FENCES[fence]],
    [
      "Rollback",
      rollback === "swap" ? "a proved copy waits beside it" : "a copy is restored when it is needed",
    ],
    ["Waiting for a lock", `${duration(lockTimeout)}, ${lockRetries} times more`],
    ["One statement", `${duration(statementTimeout)} at most`],
    [
      "Backups are kept",
      `promotion ${retention.promotion} days, manual ${retention.manual}, archive ${retention.archive}; the newest ${retention.keepVerified} verified outlive their days`,
    ],
    ["Inventory", inventory === "required" ? "required" : "whole where it is declared"],
    ["Search path", searchPath.join(", ")],
    ["Connections", String(connections)],
    ["Patience", `${patience} s`],
    ["Disk", disk === undefined ? undefined : `${disk} bytes`],
    ["pg_dump", pgDump],
    ["Maintenance database", maintenanceDatabase],
    [
      "Objects",
      storage &&
        `${storage.bucket}, ${[...storage.prefixes].map((one) => storage.root + one).join(", ") || storage.root || "what the inventory names"}`,
    ],
    [
      "Queries",
      `${queries.viewers ? "whoever may read" : "a promoter"} runs them, as ${queries.role ?? "the environment's login"}, ${queries.seconds} s at most`,
    ],
    ["Configuration captured", configuration.join(", ")],
    ["Ignored by drift", drift.ignore.join(", ")],
    ...Object.entries(hooks).map(([name, url]): [string, string | undefined] => [`Hook ${name}`, url]),
    ["Budgets", written(budgets)],
    ...Object.entries(without(other, SAID)).map(([name, value]): [string, string] => [
      name,
      JSON.stringify(value),
    ]),
  ];
  return facts.flatMap(([name, value]) => (value === undefined || value === "" ? [] : [[name, value]]));
}

const FENCES: Record<Policy["fence"], string> = {
  auto: "where something can fail behind COMMIT",
  always: "always",
  never: "never",
};

/** Taken apart above. */
const SAID = [
  "approvalTimeout",
  "lockTimeout",
  "lockRetries",
  "statementTimeout",
  "fence",
  "rollback",
  "plans",
  "lint",
];

function without(of: object, names: readonly string[]) {
  return Object.fromEntries(Object.entries(of).filter(([name]) => !names.includes(name)));
}

function written(budgets: object): string {
  const text = JSON.stringify(budgets);
  return text === "{}" ? "" : text;
}
