/** Event triggers: what happens by itself when the schema is changed. */
import { type Kind, procedure, role } from "./catalog.ts";

export const eventTriggers: Kind = {
  catalog: "pg_event_trigger",
  present: "pg_event_trigger",
  oid: "e.oid",
  word: "'event trigger'",
  name: ["e.evtname"],
  facts: {
    owner: role("e.evtowner"),
    event: "e.evtevent",
    tags: `case when e.evttags is not null then to_json(array(select tag from unnest(e.evttags) tag order by tag collate "C")) end`,
    function: procedure("e.evtfoid"),
    fires: "case e.evtenabled when 'D' then 'disabled' when 'R' then 'on replica' when 'A' then 'always' end",
  },
  from: `pg_event_trigger e`,
};
