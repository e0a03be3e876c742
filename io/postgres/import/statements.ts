/** What is said to the database for one set of rows: staged as text, told apart from what is there, and only what differs is written. */
import type { SetLayout, Slot } from "../../../core/import/layout.ts";
import { quoteLiteral, quoteName } from "../../../core/names.ts";
import type { ImportTable, ImportTables } from "./tables.ts";

export interface SetStatements {
  /** Temporary tables, emptied by each COMMIT. */
  make: string;
  copyIn: string;
  /** Tells each staged row apart; a row of: new rows, those that differ, those that are equal, those that cannot be. */
  tellApart: string;
  /** The records, by their number, with a row that leans on nothing or has no key. */
  unfounded: string;
  /** New rows go in, and those that later sets lean on are found again. */
  insert: string;
  update: string;
  findAgain: string | undefined;
  /** For a set that is many records': each row that says otherwise, and in which columns. */
  disagreements: string;
}

export function statementsOf(layout: readonly SetLayout[], tables: ImportTables): SetStatements[] {
  return layout.map((set) => statementsOfSet(set, layout, tables));
}

function statementsOfSet(set: SetLayout, layout: readonly SetLayout[], tables: ImportTables): SetStatements {
  const { index, slots, key, rows } = set;
  const table = tableOf(tables, rows.table);
  const column = (name: string) => quoteName(name);
  const cast = (name: string) => table.columns.get(name)?.cast ?? "text";
  const [staged, told] = [`pg_temp.rehearsal_staged_${index}`, `pg_temp.rehearsal_told_${index}`];
  const columns = slots.map((slot) => slot.column);
  // What the database gives a new row, and later sets take.
  const given = [...new Set(layout.flatMap((one) => one.slots))]
    .flatMap((slot) => (slot.from === "parent" && slot.set === index ? [slot.of] : []))
    .filter((name, place, all) => !columns.includes(name) && all.indexOf(name) === place);
  const rest = columns.filter((name) => !key.includes(name));
  const same = (one: string, other: string) =>
    key.map((name) => `${one}.${column(name)} = ${other}.${column(name)}`).join(" and ");
  const comparable = (of: string, name: string) =>
    `${of}.${column(name)}${table.columns.get(name)?.asText ? "::text" : ""}`;
  const differs = (one: string, other: string) =>
    rest.length === 0
      ? "false"
      : `(${rest.map((name) => `${comparable(one, name)} is distinct from ${comparable(other, name)}`).join(" or ")})`;
  const lookups = slots.filter((slot) => slot.from === "lookup");
  const joins = [
    ...set.parents.map(
      ({ set: of }, place) => `left join pg_temp.rehearsal_told_${of} p${place} on p${place}.n = s.p${place}`,
    ),
    ...lookups.map((slot, place) => {
      const looked = tableOf(tables, slot.table);
      const by = slot.by.map(
        ({ column: name, text }) =>
          `l${place}.${quoteName(name)} = s.t${text}::${looked.columns.get(name)?.cast ?? "text"}`,
      );
      return `left join ${looked.name} l${place} on ${by.join(" and ")}`;
    }),
  ];
  const filled = (slot: Exclude<Slot, { from: "hash" }>): string => {
    if (slot.from === "text") return `s.t${slot.text}::${cast(slot.column)}`;
    if (slot.from === "parent") return `p${slot.parent}.${column(slot.of)}::${cast(slot.column)}`;
    return `l${lookups.indexOf(slot)}.${column(slot.of)}::${cast(slot.column)}`;
  };
  const plain = slots.filter((slot) => slot.from !== "hash");
  const hashes = slots.filter((slot) => slot.from === "hash");
  const values = plain.map((slot) => `${filled(slot)} as ${column(slot.column)}`);
  const hashed = hashes.map(
    (slot) =>
      `encode(sha256(convert_to(v.${column(slot.of)}::text, 'UTF8')), 'hex')::${cast(slot.column)} as ${column(slot.column)}`,
  );
  const missing = [
    ...lookups.flatMap((slot) =>
      slot.optional ? [] : [`l${lookups.indexOf(slot)}.${column(slot.of)} is null`],
    ),
    ...key.map((name) => `v.${column(name)} is null`),
  ];
  const named = columns.map(column).join(", ");
  const taken = given.map((name) => `t.${column(name)}`);
  return {
    make: `create temp table ${staged.slice(8)} (n int not null, r int not null${set.texts
      .map((_, place) => `, t${place} text`)
      .join("")}${set.parents.map((_, place) => `, p${place} int`).join("")}) on commit delete rows;
create temp table ${told.slice(8)} (n int primary key, r int not null, state "char" not null${[
      ...columns,
      ...given,
    ]
      .map((name) => `, ${column(name)} ${cast(name)}`)
      .join("")}) on commit delete rows`,
    copyIn: `copy ${staged} from stdin`,
    tellApart: `with told as (insert into ${told} (n, r, state${[...columns, ...given].map((name) => `, ${column(name)}`).join("")})
      select s.n, s.r, case when ${missing.join(" or ")} then 'm' when t.${column(key[0] ?? "")} is null then 'n'
          when ${differs("t", "v")} then 'd' else 's' end${columns.map((name) => `, v.${column(name)}`).join("")}${taken.map((one) => `, ${one}`).join("")}
        from ${staged} s ${joins.join(" ")}
        cross join lateral (select ${values.join(", ")} offset 0) ${hashed.length > 0 ? "u" : "v"}
        ${hashed.length > 0 ? `cross join lateral (select u.*, ${hashed.map((one) => one.replace("(v.", "(u.")).join(", ")} offset 0) v` : ""}
        left join ${table.name} t on ${same("t", "v")}
      returning state, ${key.map(column).join(", ")})
    select ${rows.existing === "keep" ? `count(distinct (${key.map(column).join(", ")}, 0)) filter (where state = 'n')` : "count(*) filter (where state = 'n')"},
      count(*) filter (where state = 'd'), count(*) filter (where state = 'm'), count(*) filter (where state = 'n') from told`,
    unfounded: `select distinct r from ${told} where state = 'm'`,
    insert:
      rows.existing === "keep"
        ? `insert into ${table.name} (${named}) select ${named} from (select distinct on (${key.map(column).join(", ")}) *
            from ${told} where state = 'n' order by ${key.map(column).join(", ")}, n) one order by n`
        : `insert into ${table.name} (${named}) select ${named} from ${told} where state = 'n' order by n`,
    update: `update ${table.name} t set ${(rest.length > 0 ? rest : key).map((name) => `${column(name)} = d.${column(name)}`).join(", ")}
      from ${told} d where d.state = 'd' and ${same("t", "d")}`,
    findAgain:
      rows.existing === "keep" || given.length > 0
        ? `update ${told} d set ${[
            // Of several records that bring the same new row, one was first.
            ...(rows.existing === "keep"
              ? [`state = case when ${differs("t", "d")} then 'd' else 's' end`]
              : []),
            ...given.map((name) => `${column(name)} = t.${column(name)}`),
          ].join(", ")} from ${table.name} t where d.state = 'n' and ${same("t", "d")}`
        : undefined,
    disagreements: `select d.r, jsonb_agg(jsonb_build_array(x.name, x.theirs, x.ours) order by x.name)
      from ${told} d join ${table.name} t on ${same("t", "d")} cross join lateral (values ${
        rest.length === 0
          ? "('', '', '')"
          : rest
              .map(
                (name) =>
                  `(case when ${comparable("t", name)} is distinct from ${comparable("d", name)} then ${quoteLiteral(name)} end, left(d.${column(name)}::text, 300), left(t.${column(name)}::text, 300))`,
              )
              .join(", ")
      }) x (name, theirs, ours)
      where d.state = 'd' and x.name is not null group by d.n, d.r order by d.n`,
  };
}

function tableOf(tables: ImportTables, name: string): ImportTable {
  const table = tables.get(name);
  if (table === undefined) throw new Error(`the table ${name} was not looked at`);
  return table;
}
