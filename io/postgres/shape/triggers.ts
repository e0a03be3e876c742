/** What happens by itself when a table is written: triggers and rules. */
import { type Kind, when } from "./catalog.ts";

const firing = (column: string) =>
  `case ${column} when 'D' then 'disabled' when 'R' then 'on replica' when 'A' then 'always' end`;

/** A partition's copy of its parent's trigger is left out, unless it fires otherwise. */
export const triggers: Kind = {
  catalog: "pg_trigger",
  present: "pg_trigger where not tgisinternal",
  oid: "g.oid",
  word: "'trigger'",
  name: ["g.tgname"],
  on: ["r.nspname", "r.relname"],
  of: ["pg_class", "r.oid"],
  facts: {
    definition: "pg_get_triggerdef(g.oid)",
    fires: firing("g.tgenabled"),
    copied: when("p.oid is not null"),
  },
  from: `pg_trigger g join relation r on r.oid = g.tgrelid left join pg_trigger p on p.oid = g.tgparentid and not p.tgisinternal
  where not g.tgisinternal and p.tgenabled is distinct from g.tgenabled`,
};

/** The rule that makes a view is the view's definition. */
export const rules: Kind = {
  catalog: "pg_rewrite",
  oid: "w.oid",
  word: "'rule'",
  name: ["w.rulename"],
  on: ["r.nspname", "r.relname"],
  of: ["pg_class", "r.oid"],
  facts: { definition: "pg_get_ruledef(w.oid)", fires: firing("w.ev_enabled") },
  from: `pg_rewrite w join relation r on r.oid = w.ev_class
  where not (w.rulename = '_RETURN' and r.relkind in ('v', 'm'))`,
};
