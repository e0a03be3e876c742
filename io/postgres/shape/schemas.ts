/** Schemas, and the privileges that objects not yet made will have. */
import { grants, type Kind, role } from "./catalog.ts";

export const schemas: Kind = {
  catalog: "pg_namespace",
  oid: "s.oid",
  word: "'schema'",
  name: ["s.nspname"],
  facts: { owner: role("s.nspowner"), grants: grants("s.nspacl", "'n'", "s.nspowner") },
  from: `space s`,
};

export const defaultPrivileges: Kind = {
  catalog: "pg_default_acl",
  present: "pg_default_acl",
  oid: "d.oid",
  word: "'default privileges of'",
  name: [role("d.defaclrole")],
  suffix: `' on ' || case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions'
    when 'T' then 'types' when 'n' then 'schemas' when 'L' then 'large objects' else d.defaclobjtype::text end
    || coalesce(' in schema ' || quote_ident(s.nspname), '')`,
  facts: {
    grants: 'to_json(array(select item::text from unnest(d.defaclacl) item order by item::text collate "C"))',
  },
  from: "pg_default_acl d left join space s on s.oid = d.defaclnamespace where d.defaclnamespace = 0 or s.oid is not null",
};
