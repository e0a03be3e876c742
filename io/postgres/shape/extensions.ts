/** Extensions, which stand for all they brought, and procedural languages. */
import { grants, type Kind, procedure, role, when } from "./catalog.ts";

/** No owner: a dump cannot say it. */
export const extensions: Kind = {
  catalog: "pg_extension",
  oid: "e.oid",
  word: "'extension'",
  name: ["e.extname"],
  facts: { version: "e.extversion", schema: "n.nspname" },
  from: "pg_extension e join pg_namespace n on n.oid = e.extnamespace",
};

export const languages: Kind = {
  catalog: "pg_language",
  oid: "l.oid",
  word: "'language'",
  name: ["l.lanname"],
  facts: {
    owner: role("l.lanowner"),
    grants: grants("l.lanacl", "'l'", "l.lanowner"),
    trusted: when("l.lanpltrusted"),
    handler: procedure("l.lanplcallfoid"),
    inline: procedure("l.laninline"),
    validator: procedure("l.lanvalidator"),
  },
  from: `pg_language l where l.lanispl`,
};
