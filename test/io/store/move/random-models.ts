/** Random tables with random rows for a store to keep, by their seed: keys of any type, relations with any action, files of any pattern. */
import { quoteLiteral, quoteName } from "../../../../core/names.ts";
import { arrayOf, BUILT_IN, Dice, type RandomType } from "../../random-values.ts";

export interface RandomModels {
  /** Makes the tables and fills them. */
  sql: string;
  storeYaml: string;
  rows: number;
}

/** What a reg-type, an xid or a vector says depends on the server, or is not said twice alike. */
const TYPES = BUILT_IN.filter(
  ({ sql }) => !/^(?:reg|aclitem|xid$|cid$|tid$|txid|pg_snapshot|refcursor)/.test(sql),
);
/** Types of which a dice gives few values twice, and none that Postgres holds for equal though they read otherwise. */
const KEYS = ["integer", "bigint", "uuid", "text", "varchar(40)", "timestamptz", "date", "bytea"];

interface Table {
  model: string;
  name: string;
  key: RandomType;
  keys: string[];
}

export function randomModels(seed: number, most = 40): RandomModels {
  const dice = new Dice(seed);
  const sql: string[] = [];
  const yaml = ["models:"];
  const tables: Table[] = [];
  let rows = 0;
  const count = dice.between(2, 5);
  for (let place = 0; place < count; place++) {
    const model = `Model${String.fromCharCode(65 + place)}`;
    const name = dice.pick([`t${place}`, `Table ${place}`, `odd "${place}`]);
    const key = typeNamed(dice.pick(KEYS));
    const parent = tables.length > 0 && dice.chance(0.6) ? dice.pick(tables) : undefined;
    const columns = dice.times(dice.between(0, 6), (at) => ({
      name: dice.pick([`c${at}`, `C ${at}`, `c"${at}`]),
      type: dice.chance(0.15) ? arrayOf(dice.pick(TYPES)) : dice.pick(TYPES),
      notNull: dice.chance(0.2),
    }));
    const blob = dice.chance(0.3);
    const nullable = dice.chance(0.5);
    const lines = [
      `id ${key.sql} primary key`,
      ...columns.map((one) => `${quoteName(one.name)} ${one.type.sql}${one.notNull ? " not null" : ""}`),
      ...(blob ? ["blob bytea"] : []),
      ...(parent === undefined
        ? []
        : [
            `up ${parent.key.sql}${nullable ? "" : " not null"} references public.${quoteName(parent.name)} on delete ${dice.pick(["cascade", "no action", "restrict", ...(nullable ? ["set null"] : [])])}`,
          ]),
      ...(dice.chance(0.3) ? ["number bigint generated always as identity"] : []),
    ];
    sql.push(`create table public.${quoteName(name)} (${lines.join(", ")})`);
    const divided = [
      ...(dice.chance(0.5) ? ["{id}"] : []),
      ...(parent !== undefined && !nullable && dice.chance(0.6) ? ["{up}"] : []),
    ];
    const ending = dice.pick(["json", "jsonl"]);
    // Models without a placeholder often share their file.
    const file =
      divided.length > 0
        ? `${dice.pick(["a", "b"])}/${divided.join("-")}.${ending}`
        : `${dice.pick(["all", `only-${place}`])}.${ending}`;
    yaml.push(`  ${model}:`, `    table: ${JSON.stringify(`public.${quoteName(name)}`)}`);
    yaml.push(`    file: "${file}"`);
    if (blob) yaml.push('    content: { blob: "blobs/{sha256}" }');
    const made: Table = { model, name, key, keys: [] };
    if (parent === undefined || nullable || parent.keys.length > 0)
      for (let left = dice.below(most); left > 0; left--) {
        let id = key.value(dice);
        // What is too long for a page of an index is no key.
        while (id.length > 400) id = key.value(dice);
        const values = [
          quoteLiteral(id),
          ...columns.map((one) =>
            !one.notNull && dice.chance(0.15) ? "null" : quoteLiteral(one.type.value(dice)),
          ),
          ...(blob
            ? [dice.chance(0.2) ? "null" : quoteLiteral(`\\x${dice.bytes(dice.below(50)).toString("hex")}`)]
            : []),
          ...(parent === undefined
            ? []
            : [
                nullable && (parent.keys.length === 0 || dice.chance(0.2))
                  ? "null"
                  : quoteLiteral(dice.pick(parent.keys)),
              ]),
        ];
        const names = [
          "id",
          ...columns.map((one) => quoteName(one.name)),
          ...(blob ? ["blob"] : []),
          ...(parent === undefined ? [] : ["up"]),
        ];
        sql.push(
          `insert into public.${quoteName(name)} (${names.join(", ")}) values (${values.join(", ")}) on conflict do nothing`,
        );
        made.keys.push(id);
        rows++;
      }
    tables.push(made);
  }
  return { sql: `${sql.join(";\n")};`, storeYaml: `${yaml.join("\n")}\n`, rows };
}

function typeNamed(sql: string): RandomType {
  const found = BUILT_IN.find((one) => one.sql === sql);
  if (found === undefined) throw new Error(`there is no type ${sql}`);
  return found;
}
