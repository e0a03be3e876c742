/** Functions, procedures, window functions and aggregates, told apart by their argument types. */
import { grants, type Kind, ours, procedure, role, when } from "./catalog.ts";

const base = {
  catalog: "pg_proc",
  oid: "p.oid",
  name: ["s.nspname", "p.proname"],
  suffix: `'(' || array_to_string(array(select format_type(argument, null)
    from unnest(p.proargtypes) with ordinality as a(argument, place) order by place), ', ') || ')'`,
};

const shared = { owner: role("p.proowner"), grants: grants("p.proacl", "'f'", "p.proowner") };

export const functions: Kind = {
  ...base,
  word: "case p.prokind when 'p' then 'procedure' else 'function' end",
  present: `pg_proc where prokind <> 'a' and ${ours("pronamespace")}`,
  facts: { ...shared, definition: "pg_get_functiondef(p.oid)" },
  from: `pg_proc p join space s on s.oid = p.pronamespace where p.prokind <> 'a'`,
};

const handling = (column: string) =>
  `case ${column} when 's' then 'shareable' when 'w' then 'read_write' when 'r' then 'read_only' end`;

export const aggregates: Kind = {
  ...base,
  word: "'aggregate'",
  present: `pg_proc where prokind = 'a' and ${ours("pronamespace")}`,
  facts: {
    ...shared,
    arguments: "pg_get_function_arguments(p.oid)",
    result: "format_type(p.prorettype, null)",
    kind: "case a.aggkind when 'o' then 'ordered set' when 'h' then 'hypothetical set' end",
    directArguments: "nullif(a.aggnumdirectargs, 0)",
    parallel: "case p.proparallel when 's' then 'safe' when 'r' then 'restricted' end",
    state: "format_type(a.aggtranstype, null)",
    stateSpace: "nullif(a.aggtransspace, 0)",
    transition: procedure("a.aggtransfn"),
    final: procedure("a.aggfinalfn"),
    finalExtra: when("a.aggfinalextra"),
    finalModify: handling("a.aggfinalmodify"),
    combine: procedure("a.aggcombinefn"),
    serialize: procedure("a.aggserialfn"),
    deserialize: procedure("a.aggdeserialfn"),
    initial: "a.agginitval",
    movingState: when("a.aggmtranstype <> 0", "format_type(a.aggmtranstype, null)"),
    movingStateSpace: "nullif(a.aggmtransspace, 0)",
    movingTransition: procedure("a.aggmtransfn"),
    movingInverse: procedure("a.aggminvtransfn"),
    movingFinal: procedure("a.aggmfinalfn"),
    movingFinalExtra: when("a.aggmfinalextra"),
    movingFinalModify: handling("a.aggmfinalmodify"),
    movingInitial: "a.aggminitval",
    sortOperator: "nullif(a.aggsortop, 0)::regoperator::text",
  },
  from: `pg_proc p join pg_aggregate a on a.aggfnoid = p.oid join space s on s.oid = p.pronamespace`,
};
