/** Rule storage-rewrite: a table is written anew to be stored in another way. */
import { alterationsOf } from "../alterations.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

const CHANGES: Record<string, string> = {
  AT_SetLogged: "LOGGED",
  AT_SetUnLogged: "UNLOGGED",
  AT_SetAccessMethod: "of another access method",
  AT_SetTableSpace: "in another tablespace",
  AT_SetExpression: "with another generated expression",
};

export const storageRewrite: Rule = {
  id: "storage-rewrite",
  severity: "error",
  title: "A table is written anew to be stored in another way",
  blocks: "reads",
  claim: { table: "orders", lock: "AccessExclusiveLock", rewrites: true },
  why: "LOGGED, UNLOGGED, another tablespace or access method: the whole table and its indexes are copied while nobody can read them. An unlogged table is empty after a crash, and on every standby.",
  mend: "make a table of the wanted kind, copy into it in batches, and let programs move to it",
  scales: true,
  setup: SHOP,
  bad: "alter table orders set unlogged;",
  good: "create unlogged table if not exists order_cache (id bigint primary key, body jsonb);",
  on: ["AlterTableStmt"],
  check: (statement, { stood }) =>
    alterationsOf(statement)
      .filter(({ relation, subtype }) => CHANGES[subtype] !== undefined && stood(relation))
      .map(({ relation, subtype }) => ({
        message: `${relation} is written anew to be ${CHANGES[subtype]}`,
        relations: [relation],
      })),
};
