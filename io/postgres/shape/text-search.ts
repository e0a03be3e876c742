/** Text search: parsers, templates, dictionaries and configurations. */
import { type Kind, ours, procedure, role } from "./catalog.ts";

export const textSearchParsers: Kind = {
  catalog: "pg_ts_parser",
  present: `pg_ts_parser where ${ours("prsnamespace")}`,
  oid: "p.oid",
  word: "'text search parser'",
  name: ["s.nspname", "p.prsname"],
  facts: {
    start: procedure("p.prsstart"),
    token: procedure("p.prstoken"),
    end: procedure("p.prsend"),
    headline: procedure("p.prsheadline"),
    types: procedure("p.prslextype"),
  },
  from: `pg_ts_parser p join space s on s.oid = p.prsnamespace`,
};

export const textSearchTemplates: Kind = {
  catalog: "pg_ts_template",
  present: `pg_ts_template where ${ours("tmplnamespace")}`,
  oid: "t.oid",
  word: "'text search template'",
  name: ["s.nspname", "t.tmplname"],
  facts: { init: procedure("t.tmplinit"), lexize: procedure("t.tmpllexize") },
  from: `pg_ts_template t join space s on s.oid = t.tmplnamespace`,
};

export const textSearchDictionaries: Kind = {
  catalog: "pg_ts_dict",
  present: `pg_ts_dict where ${ours("dictnamespace")}`,
  oid: "d.oid",
  word: "'text search dictionary'",
  name: ["s.nspname", "d.dictname"],
  facts: {
    owner: role("d.dictowner"),
    template:
      "(select n.nspname || '.' || t.tmplname from pg_ts_template t join pg_namespace n on n.oid = t.tmplnamespace where t.oid = d.dicttemplate)",
    options: "d.dictinitoption",
  },
  from: `pg_ts_dict d join space s on s.oid = d.dictnamespace`,
};

export const textSearchConfigurations: Kind = {
  catalog: "pg_ts_config",
  present: `pg_ts_config where ${ours("cfgnamespace")}`,
  oid: "c.oid",
  word: "'text search configuration'",
  name: ["s.nspname", "c.cfgname"],
  facts: {
    owner: role("c.cfgowner"),
    parser: "n.nspname || '.' || p.prsname",
    mappings: `(select json_object_agg(m.alias, m.dictionaries order by m.alias collate "C") from (
      select y.alias, json_agg(m.mapdict::regdictionary::text order by m.mapseqno) as dictionaries
      from pg_ts_config_map m join ts_token_type(c.cfgparser) y on y.tokid = m.maptokentype
      where m.mapcfg = c.oid group by y.alias) m)`,
  },
  from: `pg_ts_config c join space s on s.oid = c.cfgnamespace
    join pg_ts_parser p on p.oid = c.cfgparser join pg_namespace n on n.oid = p.prsnamespace`,
};
