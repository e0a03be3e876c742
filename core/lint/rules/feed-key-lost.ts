/** Rule feed-key-lost: a change feed goes by a column that is not there any more. */
import { quoteName } from "../../names.ts";
import type { Rule } from "../rule.ts";
import { SHOP } from "../shop.ts";

const followed = (
  column: string,
) => `create or replace function record_change_of_orders() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
declare
  after constant jsonb := case when tg_op in ('INSERT', 'UPDATE') then jsonb_build_object('${column}', concat(new."${column}")) end;
begin
  insert into "public"."changes" (table_name, key, change) values ('public.orders', after, lower(tg_op));
  return null;
end
$$;`;

const RENAMED = `-- rehearsal: allow rename: nobody reads it yet
alter table orders rename column id to number;`;

export const feedKeyLost: Rule = {
  id: "feed-key-lost",
  severity: "error",
  title: "A column is renamed or dropped by which a change feed names the rows of its table",
  blocks: "writes",
  claim: { none: "it is about what fails afterwards: no lock is held" },
  why: "The feed's trigger looks for the column by its old name, so every INSERT, UPDATE and DELETE on the table fails from the moment of COMMIT.",
  mend: "write the feed anew in the same release, by: rehearsal feed add TABLE",
  setup: `${SHOP}
create table changes (position bigint generated always as identity primary key, table_name text, key jsonb, change text);
${followed("id")}
create or replace trigger _record_change after insert or update or delete on orders
  for each row execute function record_change_of_orders();`,
  bad: RENAMED,
  good: `${RENAMED}
${followed("number")}`,
  on: [],
  check: () => [],
  atEnd: ({ unkeyed }) =>
    [...unkeyed].map(([table, { recorder, column, path, statement }]) => ({
      message: `${recorder} tells a change feed of ${table} by its column ${quoteName(column)}, which is gone: every write to the table fails`,
      path,
      statement,
    })),
};
