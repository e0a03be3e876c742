/** Row-level security policies. */
import { type Kind, role, when } from "./catalog.ts";

export const policies: Kind = {
  catalog: "pg_policy",
  present: "pg_policy",
  oid: "p.oid",
  word: "'policy'",
  name: ["p.polname"],
  on: ["r.nspname", "r.relname"],
  of: ["pg_class", "r.oid"],
  facts: {
    command: `case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end`,
    restrictive: when("not p.polpermissive"),
    roles: `(select json_agg(role order by role) from (
      select case member when 0 then 'public' else ${role("member")} end as role from unnest(p.polroles) member) r)`,
    using: "pg_get_expr(p.polqual, p.polrelid)",
    check: "pg_get_expr(p.polwithcheck, p.polrelid)",
  },
  from: "pg_policy p join relation r on r.oid = p.polrelid",
};
