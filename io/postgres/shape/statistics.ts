/** Extended statistics: what the planner is told to learn about columns together. */
import { type Kind, role } from "./catalog.ts";

export const statistics: Kind = {
  catalog: "pg_statistic_ext",
  present: "pg_statistic_ext",
  oid: "x.oid",
  word: "'statistics'",
  name: ["s.nspname", "x.stxname"],
  facts: {
    owner: role("x.stxowner"),
    definition: "pg_get_statisticsobjdef(x.oid)",
    target: "nullif(x.stxstattarget, -1)",
  },
  from: `pg_statistic_ext x join space s on s.oid = x.stxnamespace`,
};
