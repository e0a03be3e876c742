/** How values become other values: casts, transforms and encoding conversions. */
import { type Kind, ours, procedure, role, when } from "./catalog.ts";

/** Casts and transforms are in no schema; what is below the first user's identifier came with the server. */
const FIRST_OF_USERS = 16384;

export const casts: Kind = {
  catalog: "pg_cast",
  present: `pg_cast where oid >= ${FIRST_OF_USERS}`,
  oid: "c.oid",
  word: "'cast'",
  name: [],
  suffix: "'(' || format_type(c.castsource, null) || ' as ' || format_type(c.casttarget, null) || ')'",
  facts: {
    function: procedure("c.castfunc"),
    method: "case c.castmethod when 'i' then 'inout' when 'b' then 'binary' end",
    context: "case c.castcontext when 'a' then 'assignment' when 'i' then 'implicit' end",
  },
  from: `pg_cast c where c.oid >= ${FIRST_OF_USERS}`,
};

export const transforms: Kind = {
  catalog: "pg_transform",
  present: "pg_transform",
  oid: "t.oid",
  word: "'transform'",
  name: [],
  suffix: "'for ' || format_type(t.trftype, null) || ' language ' || quote_ident(l.lanname)",
  facts: { fromSql: procedure("t.trffromsql"), toSql: procedure("t.trftosql") },
  from: `pg_transform t join pg_language l on l.oid = t.trflang
  where t.oid >= ${FIRST_OF_USERS}`,
};

export const encodingConversions: Kind = {
  catalog: "pg_conversion",
  present: `pg_conversion where ${ours("connamespace")}`,
  oid: "c.oid",
  word: "'conversion'",
  name: ["s.nspname", "c.conname"],
  facts: {
    owner: role("c.conowner"),
    from: "pg_encoding_to_char(c.conforencoding)",
    to: "pg_encoding_to_char(c.contoencoding)",
    function: procedure("c.conproc"),
    default: when("c.condefault"),
  },
  from: `pg_conversion c join space s on s.oid = c.connamespace`,
};
