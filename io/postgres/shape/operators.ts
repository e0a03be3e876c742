/** Operators, and how access methods use them: families, classes and the methods themselves. */
import { type Kind, ours, procedure, role, when } from "./catalog.ts";

const operatorName = (oid: string) => `nullif(${oid}, 0)::regoperator::text`;

export const operators: Kind = {
  catalog: "pg_operator",
  present: `pg_operator where ${ours("oprnamespace")}`,
  oid: "o.oid",
  word: "'operator'",
  name: ["s.nspname", "o.oprname"],
  suffix: `'(' || case o.oprleft when 0 then 'none' else format_type(o.oprleft, null) end || ', '
    || case o.oprright when 0 then 'none' else format_type(o.oprright, null) end || ')'`,
  facts: {
    owner: role("o.oprowner"),
    result: when("o.oprresult <> 0", "format_type(o.oprresult, null)"),
    function: procedure("o.oprcode"),
    commutator: operatorName("o.oprcom"),
    negator: operatorName("o.oprnegate"),
    restrict: procedure("o.oprrest"),
    join: procedure("o.oprjoin"),
    hashes: when("o.oprcanhash"),
    merges: when("o.oprcanmerge"),
  },
  from: `pg_operator o join space s on s.oid = o.oprnamespace`,
};

const familyName =
  "(select n.nspname || '.' || f.opfname from pg_opfamily f join pg_namespace n on n.oid = f.opfnamespace where f.oid = %)";

export const operatorClasses: Kind = {
  catalog: "pg_opclass",
  present: `pg_opclass where ${ours("opcnamespace")}`,
  oid: "o.oid",
  word: "'operator class'",
  name: ["s.nspname", "o.opcname"],
  suffix: "' using ' || a.amname",
  facts: {
    owner: role("o.opcowner"),
    family: familyName.replace("%", "o.opcfamily"),
    type: "format_type(o.opcintype, null)",
    default: when("o.opcdefault"),
    storage: when("o.opckeytype <> 0", "format_type(o.opckeytype, null)"),
  },
  from: `pg_opclass o join space s on s.oid = o.opcnamespace join pg_am a on a.oid = o.opcmethod`,
};

export const operatorFamilies: Kind = {
  catalog: "pg_opfamily",
  present: `pg_opfamily where ${ours("opfnamespace")}`,
  oid: "f.oid",
  word: "'operator family'",
  name: ["s.nspname", "f.opfname"],
  suffix: "' using ' || a.amname",
  facts: {
    owner: role("f.opfowner"),
    operators: `(select json_agg(json_build_array(amopstrategy, amopopr::regoperator::text, amoppurpose,
        ${familyName.replace("%", "amopsortfamily")})
      order by amopstrategy, amopopr::regoperator::text collate "C") from pg_amop where amopfamily = f.oid)`,
    functions: `(select json_agg(json_build_array(amprocnum, format_type(amproclefttype, null), format_type(amprocrighttype, null),
        amproc::oid::regprocedure::text)
      order by amprocnum, format_type(amproclefttype, null) collate "C", format_type(amprocrighttype, null) collate "C")
      from pg_amproc where amprocfamily = f.oid)`,
  },
  from: `pg_opfamily f join space s on s.oid = f.opfnamespace join pg_am a on a.oid = f.opfmethod`,
};

export const accessMethods: Kind = {
  catalog: "pg_am",
  present: "pg_am where oid >= 16384",
  oid: "a.oid",
  word: "'access method'",
  name: ["a.amname"],
  facts: { type: "case a.amtype when 't' then 'table' else 'index' end", handler: procedure("a.amhandler") },
  from: `pg_am a where a.oid >= 16384`,
};
