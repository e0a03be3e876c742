/** Foreign data: wrappers, servers and who is mapped; never the options of a user mapping, which hold passwords. */
import { grants, type Kind, procedure, role } from "./catalog.ts";
import { options } from "./facts.ts";

export const foreignDataWrappers: Kind = {
  catalog: "pg_foreign_data_wrapper",
  present: "pg_foreign_data_wrapper",
  oid: "w.oid",
  word: "'foreign data wrapper'",
  name: ["w.fdwname"],
  facts: {
    owner: role("w.fdwowner"),
    grants: grants("w.fdwacl", "'F'", "w.fdwowner"),
    handler: procedure("w.fdwhandler"),
    validator: procedure("w.fdwvalidator"),
    options: options("w.fdwoptions"),
  },
  from: `pg_foreign_data_wrapper w`,
};

export const foreignServers: Kind = {
  catalog: "pg_foreign_server",
  present: "pg_foreign_server",
  oid: "s.oid",
  word: "'server'",
  name: ["s.srvname"],
  facts: {
    owner: role("s.srvowner"),
    grants: grants("s.srvacl", "'S'", "s.srvowner"),
    wrapper: "w.fdwname",
    type: "s.srvtype",
    version: "s.srvversion",
    options: options("s.srvoptions"),
  },
  from: `pg_foreign_server s join pg_foreign_data_wrapper w on w.oid = s.srvfdw`,
};

export const userMappings: Kind = {
  catalog: "pg_user_mapping",
  present: "pg_foreign_server",
  oid: "m.umid",
  word: "'user mapping'",
  name: ["m.usename"],
  on: ["m.srvname"],
  facts: {},
  from: `pg_user_mappings m`,
};
