/**
 * A random schema with random rows, by its seed: the statements that make it.
 * Long because its parts share the dice: each draws what stands before it, and a seed must go on meaning the same schema.
 */
import { quoteLiteral, quoteName, quoteQualified } from "../../core/names.ts";
import {
  arrayOf,
  BUILT_IN,
  compositeOf,
  Dice,
  type RandomType,
  randomName,
  randomText,
  rangesOf,
} from "./random-values.ts";

const FUZZ_ROLES = ["fuzz one", 'fuzz "two"; --'] as const;

/** Makes the roles on a server, where another test may have made them already, or be making them now. */
export const MAKE_FUZZ_ROLES = `do $$ begin
    ${FUZZ_ROLES.map((role) => `begin create role ${quoteName(role)}; exception when duplicate_object or unique_violation then null; end;`).join("\n")}
  end $$`;

/** What the schemas of a database have in common; run before them. */
export const FUZZ_HUB = `create schema hub; create table hub.places (id int primary key);
  insert into hub.places select generate_series(-5, 60);
  create foreign data wrapper fuzz_wrapper; create server fuzz_server foreign data wrapper fuzz_wrapper;
  create collation hub.nordic (provider = icu, locale = 'da'); create collation hub.plain from "C"`;

/** The SQL that makes the schema of this seed on a server of this major, to be run as one text. */
export function randomSchema(seed: number, major: number): string {
  const maker = new SchemaMaker(new Dice(seed), seed, major);
  maker.make();
  return `${maker.statements.join(";\n")};`;
}

interface Column {
  name: string;
  type: RandomType;
  notNull: boolean;
  /** Of a kind that is computed and never written. */
  generated?: "stored" | "virtual";
  default?: string;
  collate?: string;
}

interface Table {
  name: string;
  sql: string;
  columns: Column[];
  /** The column `id` of the table, unique; undefined when it has none. */
  id: string | undefined;
  /** Whether `id` may be referred to. */
  keyed: boolean;
  partitioned: boolean;
  unlogged?: boolean;
  /** Has a foreign table among its partitions, at the end. */
  far?: boolean;
  rows: number;
}

class SchemaMaker {
  readonly statements: string[] = [];
  #dice: Dice;
  #seed: number;
  #major: number;
  #schema: string;
  #marks = 0;
  #types: RandomType[] = [];
  #enums: { sql: string; labels: string[] }[] = [];
  #tables: Table[] = [];
  #functions: string[] = [];
  #triggerFunction = "";
  #views: string[] = [];

  constructor(dice: Dice, seed: number, major: number) {
    this.#dice = dice;
    this.#seed = seed;
    this.#major = major;
    this.#schema = randomName(dice, `s${seed}`);
  }

  make(): void {
    const dice = this.#dice;
    this.#run(
      `create schema ${quoteName(this.#schema)}${this.#maybe(0.3, () => ` authorization ${this.#role()}`)}`,
    );
    this.#note("schema", quoteName(this.#schema));
    this.#makeTypes();
    this.#makeFunctions();
    for (let left = dice.between(1, 4); left > 0; left--)
      dice.pick([
        ...[() => this.#makeTable(), () => this.#makeTable(), () => this.#makeTable()],
        ...[() => this.#makePartitioned(), () => this.#makePartitioned(), () => this.#makeInherited()],
      ])();
    if (dice.chance(0.1)) this.#makeBare();
    for (const table of this.#tables) this.#changeColumns(table);
    for (const table of this.#tables) this.#makeIndexes(table);
    this.#makeForeignKeys();
    for (const table of this.#tables) this.#dress(table);
    this.#makeSequences();
    this.#makeViews();
    if (dice.chance(0.2)) this.#makeLargeObjects();
    if (dice.chance(0.2)) this.#publish();
    this.#grant();
    for (const table of this.#tables) if (table.far) this.#makeForeignLeaf(table);
  }

  #run(statement: string): void {
    this.statements.push(statement);
  }

  #maybe(probability: number, make: () => string): string {
    return this.#dice.chance(probability) ? make() : "";
  }

  /** A name that the schema does not have yet. */
  #name(): string {
    return randomName(this.#dice, `n${++this.#marks}`);
  }

  #qualified(name = this.#name()): string {
    return quoteQualified(this.#schema, name);
  }

  #role(): string {
    return quoteName(this.#dice.pick(FUZZ_ROLES));
  }

  #note(kind: string, what: string): void {
    if (this.#dice.chance(0.4))
      this.#run(`comment on ${kind} ${what} is ${quoteLiteral(randomText(this.#dice) || "x")}`);
  }

  /** Of a length that fits into a row beside others: a default that is added to a table is not stored out of line. */
  #literal(type: RandomType): string {
    let text = type.value(this.#dice);
    while (text.length > 400) text = type.value(this.#dice);
    return `${quoteLiteral(text)}::${type.sql}`;
  }

  // Types, and what computes with them

  #makeTypes(): void {
    const dice = this.#dice;
    for (let left = dice.below(3); left > 0; left--) {
      const sql = this.#qualified();
      const labels = dice.times(dice.between(1, 5), (place) => randomName(dice, `l${place}`));
      this.#run(`create type ${sql} as enum (${labels.map(quoteLiteral).join(", ")})`);
      this.#note("type", sql);
      this.#enums.push({ sql, labels });
      this.#types.push({ sql, value: (d) => d.pick(labels), ordered: true });
    }
    if (dice.chance(0.4)) {
      const [sql, multi] = [this.#qualified(), this.#name()];
      const [subtype, bound] = dice.pick<[string, (number: number) => string]>([
        [
          "subtype = float8, subtype_diff = float8mi",
          (number) => (number === -500 ? "-Infinity" : String(number / 7)),
        ],
        [
          'subtype = text, collation = pg_catalog."C"',
          (number) => `${String(number + 1000).padStart(4, "0")} "\\ü,)`,
        ],
        ["subtype = interval", (number) => `${number + 600} days 01:02:03.000004`],
        ["subtype = bytea", (number) => `\\x${(number + 1000).toString(16).padStart(4, "0")}`],
      ]);
      this.#run(`create type ${sql} as range (${subtype}, multirange_type_name = ${this.#qualified(multi)})`);
      this.#types.push(...rangesOf(sql, this.#qualified(multi), bound));
    }
    for (let left = dice.below(3); left > 0; left--) {
      const sql = this.#qualified();
      const fields = dice.times(dice.between(1, 4), () => this.#anyType());
      this.#run(
        `create type ${sql} as (${fields.map((field) => `${quoteName(this.#name())} ${field.sql}`).join(", ")})`,
      );
      this.#types.push(compositeOf(sql, fields));
    }
    for (let left = dice.below(3); left > 0; left--) {
      const base = this.#anyType();
      const sql = this.#qualified();
      const constraint = quoteName(this.#name());
      this.#run(
        `create domain ${sql} as ${base.sql}${this.#maybe(0.2, () => (base.constant === false ? "" : ` default ${this.#literal(base)}`))} constraint ${constraint} check (value is null or value::text <> 'no such value')`,
      );
      this.#note("constraint", `${constraint} on domain ${sql}`);
      this.#types.push({ ...base, sql });
    }
  }

  #anyType(): RandomType {
    const dice = this.#dice;
    const type = this.#types.length > 0 && dice.chance(0.35) ? dice.pick(this.#types) : dice.pick(BUILT_IN);
    return dice.chance(0.2) && !type.sql.endsWith("[]") ? arrayOf(type) : type;
  }

  #makeFunctions(): void {
    const dice = this.#dice;
    const named = this.#name();
    const body = `select $1 + ${dice.below(9)} /* ${randomText(dice).replaceAll(/\$|\*\/|\/\*/g, "")} */`;
    this.#run(
      `create function ${this.#qualified(named)}(int) returns int language sql immutable strict as ${quoteLiteral(body)}`,
    );
    this.#functions.push(this.#qualified(named));
    this.#note("function", `${this.#qualified(named)}(int)`);
    this.#triggerFunction = this.#qualified();
    this.#run(
      `create function ${this.#triggerFunction}() returns trigger language plpgsql${this.#maybe(0.3, () => " security definer set search_path = pg_catalog, pg_temp")} as ${quoteLiteral(`begin\n-- ${randomText(dice).replaceAll(/[\r\n]/g, " ")}\nreturn coalesce(new, old);\nend`)}`,
    );
    if (dice.chance(0.2)) {
      const type = this.#anyType();
      this.#run(
        `create procedure ${this.#qualified()}(inout ${quoteName(this.#name())} int, ${quoteName(this.#name())} ${type.sql} default null) language plpgsql as 'begin null; end'`,
      );
    }
    if (dice.chance(0.2))
      this.#run(
        `create aggregate ${this.#qualified()}(int) (sfunc = int4pl, stype = int, initcond = '${dice.below(9)}')`,
      );
    if (dice.chance(0.15)) {
      const type = this.#types.find(({ sql }) => !sql.endsWith("[]"));
      if (type !== undefined) {
        const name = this.#qualified();
        this.#run(
          `create function ${name}(a ${type.sql}, b ${type.sql}) returns bool language sql immutable as 'select $1::text = $2::text'`,
        );
        this.#run(
          `create operator ${quoteName(this.#schema)}.${dice.pick(["===", "<~~>", "@@@@"])} (leftarg = ${type.sql}, rightarg = ${type.sql}, function = ${name})`,
        );
      }
    }
  }

  // Tables

  #columns(count: number): Column[] {
    return this.#dice.times(count, () => {
      const [dice, type] = [this.#dice, this.#anyType()];
      return {
        ...{ name: this.#name(), type, notNull: dice.chance(0.2) },
        ...(dice.chance(0.15) && type.constant !== false ? { default: this.#literal(type) } : {}),
        ...(type.sql === "text" && dice.chance(0.3)
          ? { collate: dice.pick(["hub.nordic", "hub.plain", 'pg_catalog."C"']) }
          : {}),
      };
    });
  }

  #define({ name, type, notNull, default: value, collate }: Column): string {
    return `${quoteName(name)} ${type.sql}${collate ? ` collate ${collate}` : ""}${value ? ` default ${value}` : ""}${notNull ? " not null" : ""}`;
  }

  #generated(id: string): string[] {
    const dice = this.#dice;
    if (dice.chance(0.6)) return [];
    const kind = this.#major >= 18 ? dice.pick(["stored", "virtual"]) : "stored";
    const expression = dice.pick([
      `${quoteName(id)} * 2`,
      `pg_catalog.md5(${quoteName(id)}::text)`,
      `array[${quoteName(id)}, null]::int[]`,
    ]);
    const type = expression.includes("md5") ? "text" : expression.includes("array") ? "int[]" : "bigint";
    return [`${quoteName(this.#name())} ${type} generated always as (${expression}) ${kind}`];
  }

  #checks(id: string): string[] {
    const dice = this.#dice;
    return dice.times(dice.below(3), () => {
      const [name, limit] = [quoteName(this.#name()), -10 - dice.below(90)];
      const not = this.#major >= 18 ? ["", "", " no inherit", " not enforced"] : ["", "", " no inherit"];
      return `constraint ${name} check (${quoteName(id)} > ${limit})${dice.pick(not)}`;
    });
  }

  #makeTable(): void {
    const dice = this.#dice;
    const name = this.#name();
    const sql = this.#qualified(name);
    const id = this.#name();
    const kind = dice.pick([
      ...["int", "bigint", "smallint", "serial", "bigserial"],
      `int generated always as identity (start ${dice.between(-3, 9)} minvalue -9)`,
      `bigint generated by default as identity (sequence name ${this.#qualified()} increment ${dice.pick([1, 7, -3])})`,
    ]);
    const columns = this.#columns(dice.between(0, 8));
    const deferrable = this.#maybe(0.2, () => " deferrable initially deferred");
    const key = dice.pick([
      " primary key",
      ` constraint ${quoteName(this.#name())} primary key`,
      " unique",
      ` unique${deferrable}`,
      "",
    ]);
    const lines = [
      `${quoteName(id)} ${kind}${key}`,
      ...columns.map((column) => this.#define(column)),
      ...this.#generated(id),
      ...this.#checks(id).map((check) => check),
      ...(dice.chance(0.1)
        ? [
            `exclude using gist (pg_catalog.int4range(${quoteName(id)}::int, ${quoteName(id)}::int + 1) with &&)`,
          ]
        : []),
    ];
    const unlogged = this.#maybe(0.15, () => "unlogged ");
    const options = this.#maybe(
      0.2,
      () => ` with (fillfactor = ${dice.between(40, 99)}, autovacuum_enabled = false)`,
    );
    this.#run(`create ${unlogged}table ${sql} (${lines.join(", ")})${options}`);
    const table = {
      name,
      sql,
      columns,
      id,
      keyed: key !== "" && deferrable === "" && unlogged === "",
      partitioned: false,
      unlogged: unlogged !== "",
      rows: this.#rowCount(),
    };
    this.#tables.push(table);
    this.#fill(table, table.rows);
  }

  #makeBare(): void {
    const sql = this.#qualified();
    this.#run(`create table ${sql} ()`);
    for (let left = this.#dice.below(4); left > 0; left--) this.#run(`insert into ${sql} default values`);
  }

  #rowCount(): number {
    const { chance, below } = { chance: this.#dice.chance(0.1), below: this.#dice.below(25) };
    return chance ? 0 : below;
  }

  /** Rows whose ids count up from 1; what is not in the list of columns is left to its default. */
  #fill({ sql, id, columns }: Pick<Table, "sql" | "id" | "columns">, count: number, from = 1): void {
    const dice = this.#dice;
    const written = columns.filter((column) => column.generated === undefined);
    const names = [...(id === undefined ? [] : [id]), ...written.map(({ name }) => name)].map(quoteName);
    if (count === 0 || names.length === 0) return;
    const lines = dice.times(count, (place) => {
      const values = written.map(({ type, notNull }) =>
        !notNull && dice.chance(0.15)
          ? "null"
          : dice.chance(0.02) && !notNull
            ? "default"
            : quoteLiteral(type.value(dice)),
      );
      return `(${[...(id === undefined ? [] : [String(from + place)]), ...values].join(", ")})`;
    });
    this.#run(`insert into ${sql} (${names.join(", ")}) overriding system value values ${lines.join(",\n")}`);
  }

  #makePartitioned(): void {
    const dice = this.#dice;
    const name = this.#name();
    const sql = this.#qualified(name);
    const [id, key] = [this.#name(), this.#name()];
    const strategy = dice.pick(["range", "list", "hash"]);
    const chosen = this.#enums.length > 0 && dice.chance(0.5) ? dice.pick(this.#enums) : undefined;
    const held = chosen && strategy === "hash" && dice.chance(0.3);
    const keyType: RandomType = held
      ? arrayOf({ sql: chosen.sql, value: (d) => d.pick(chosen.labels), ordered: true })
      : chosen && strategy !== "range"
        ? { sql: chosen.sql, value: (d) => d.pick(chosen.labels), ordered: true }
        : strategy === "range"
          ? { sql: "int", value: (d) => String(d.between(-40, 40)), ordered: true }
          : { sql: "text", value: (d) => d.pick(["a", "b", "it's", "", "\\"]), ordered: true };
    const columns = this.#columns(dice.between(0, 4));
    const keyColumn = { name: key, type: keyType, notNull: true };
    const all = [keyColumn, ...columns];
    const lines = [
      `${quoteName(id)} int`,
      ...all.map((column) => this.#define(column)),
      ...this.#generated(id),
    ];
    this.#run(`create table ${sql} (${lines.join(", ")}) partition by ${strategy} (${quoteName(key)})`);
    const bounds = this.#bounds(strategy, keyType, chosen?.labels);
    const far = strategy === "range" && dice.chance(0.2);
    for (const bound of bounds) this.#makeLeaf(sql, bound, id, strategy, keyType);
    if (!far && dice.chance(0.5))
      this.#run(`alter table ${sql} add primary key (${[id, key].map(quoteName).join(", ")})`);
    const table: Table = {
      name,
      sql,
      columns: all,
      id,
      keyed: false,
      partitioned: true,
      far,
      rows: this.#rowCount(),
    };
    this.#tables.push(table);
    this.#fill(table, table.rows);
  }

  #bounds(strategy: string, type: RandomType, labels: string[] | undefined): string[] {
    const dice = this.#dice;
    if (strategy === "hash")
      return dice.times(
        dice.between(2, 3),
        (remainder) => `for values with (modulus ${3}, remainder ${remainder})`,
      ).length === 3
        ? [0, 1, 2].map((remainder) => `for values with (modulus 3, remainder ${remainder})`)
        : [0, 1].map((remainder) => `for values with (modulus 2, remainder ${remainder})`);
    if (strategy === "list") {
      const values = labels ?? ["a", "b", "it's"];
      const half = Math.ceil(values.length / 2);
      const listed = [values.slice(0, half), values.slice(half)].filter((some) => some.length > 0);
      return [
        ...listed.map(
          (some) =>
            `for values in (${some.map((value) => `${quoteLiteral(value)}::${type.sql}`).join(", ")})`,
        ),
        "default",
      ];
    }
    return ["for values from (minvalue) to (-5)", "for values from (-5) to (7)", "default"];
  }

  #makeLeaf(parent: string, bound: string, id: string, strategy: string, keyType: RandomType): void {
    const dice = this.#dice;
    const leaf = this.#qualified();
    const unlogged = this.#maybe(0.1, () => "unlogged ");
    if (dice.chance(0.2)) {
      this.#run(`create table ${leaf} partition of ${parent} ${bound} partition by hash (${quoteName(id)})`);
      for (const remainder of [0, 1])
        this.#run(
          `create table ${this.#qualified()} partition of ${leaf} for values with (modulus 2, remainder ${remainder})`,
        );
    } else if (dice.chance(0.3) && bound !== "default") {
      // Made apart and attached: with a column between that is dropped, so that its columns have other numbers.
      this.#run(`create ${unlogged}table ${leaf} (gone ${keyType.sql}, like ${parent} including generated)`);
      this.#run(`alter table ${leaf} drop column gone`);
      this.#run(`alter table ${parent} attach partition ${leaf} ${bound}`);
    } else {
      const check = this.#maybe(
        0.3,
        () => ` (constraint ${quoteName(this.#name())} check (${quoteName(id)} > -50))`,
      );
      this.#run(`create ${unlogged}table ${leaf} partition of ${parent}${check} ${bound}`);
    }
    this.#note("table", leaf);
    if (strategy === "list" && dice.chance(0.1))
      this.#run(`alter table ${leaf} alter ${quoteName(id)} set default ${dice.below(9)}`);
  }

  /** A partition that lies elsewhere, where nobody answers: last, for nothing can be read through its parent any more. */
  #makeForeignLeaf({ sql }: Table): void {
    this.#run(
      `create foreign table ${this.#qualified()} partition of ${sql} for values from (1000) to (2000) server fuzz_server options (a ${quoteLiteral(randomText(this.#dice))})`,
    );
  }

  #makeInherited(): void {
    const dice = this.#dice;
    const mothers = dice.times(dice.between(1, 2), () => {
      const [name, id] = [this.#name(), this.#name()];
      const columns = this.#columns(dice.between(1, 3));
      const table: Table = {
        name,
        sql: this.#qualified(name),
        columns,
        id,
        keyed: false,
        partitioned: false,
        rows: this.#rowCount(),
      };
      this.#run(
        `create table ${table.sql} (${[`${quoteName(id)} int`, ...columns.map((column) => this.#define(column)), ...this.#checks(id)].join(", ")})`,
      );
      this.#fill(table, table.rows);
      return table;
    });
    const name = this.#name();
    const own = this.#columns(dice.between(0, 2));
    const inherited = mothers.flatMap(({ id, columns }) => [
      { name: id ?? "", type: INT, notNull: false },
      ...columns,
    ]);
    const table: Table = {
      name,
      sql: this.#qualified(name),
      columns: [...inherited, ...own],
      id: undefined,
      keyed: false,
      partitioned: false,
      rows: this.#rowCount(),
    };
    this.#run(
      `create table ${table.sql} (${own.map((column) => this.#define(column)).join(", ")}) inherits (${mothers.map(({ sql }) => sql).join(", ")})`,
    );
    this.#fill(table, table.rows);
    const [mother] = mothers;
    if (mother !== undefined && dice.chance(0.4)) {
      const late = this.#name();
      this.#run(`alter table ${mother.sql} add column ${quoteName(late)} int default ${dice.below(99)}`);
    }
    this.#tables.push(...mothers, table);
  }

  /** Columns that come late and columns that go, with rows already there. */
  #changeColumns(table: Table): void {
    const dice = this.#dice;
    if (dice.chance(0.3)) {
      const [late] = this.#columns(1);
      if (late !== undefined) {
        const value = late.type.constant === false ? {} : { default: this.#literal(late.type) };
        this.#run(
          `alter table ${table.sql} add column ${this.#define({ ...late, notNull: false, ...value })}`,
        );
        if (dice.chance(0.5))
          this.#run(`alter table ${table.sql} alter column ${quoteName(late.name)} drop default`);
      }
    }
    if (dice.chance(0.3) && table.id !== undefined) {
      const gone = quoteName(this.#name());
      this.#run(`alter table ${table.sql} add column ${gone} text default 'gone'`);
      this.#run(`alter table ${table.sql} drop column ${gone}`);
    }
    if (table.rows > 3 && table.id !== undefined && dice.chance(0.3))
      this.#run(`delete from ${table.sql} where ${quoteName(table.id)} % 5 = 0`);
    const [wide] = table.columns.filter(({ type }) => type.sql === "text" || type.sql === "bytea");
    if (wide !== undefined) {
      // pg_dump does not say that an heir has its type's own storage where its mother has not.
      const storage = table.id === undefined ? "external" : dice.pick(["external", "main", "extended"]);
      this.#run(`alter table ${table.sql} alter ${quoteName(wide.name)} set storage ${storage}`);
      if (dice.chance(0.3))
        this.#run(
          `alter table ${table.sql} alter ${quoteName(wide.name)} set statistics ${dice.between(1, 900)}`,
        );
    }
  }

  // What stands on tables

  #makeIndexes({ sql, columns, id, name, partitioned }: Table): void {
    const dice = this.#dice;
    for (let left = dice.below(4); left > 0; left--) {
      const keys = columns
        .filter(({ type }) => type.ordered && !isLong(type))
        .map(({ name: column }) => quoteName(column));
      const index = quoteName(this.#name());
      const order = dice.pick(["", " desc", " nulls first", " desc nulls last"]);
      const key = dice.pick([
        ...(keys.length > 0
          ? [`${dice.pick(keys)}${order}`, `${dice.pick(keys)}${order}, ${dice.pick(keys)}`]
          : []),
        ...(id === undefined
          ? ["(1)"]
          : [
              quoteName(id) + order,
              `(${quoteName(id)} + 1)`,
              `(${this.#functions[0]}(${quoteName(id)}::int))`,
            ]),
      ]);
      const include = id !== undefined && dice.chance(0.2) ? ` include (${quoteName(id)})` : "";
      const where = id !== undefined && dice.chance(0.2) ? ` where ${quoteName(id)} > ${dice.below(9)}` : "";
      this.#run(
        `create index ${index} on ${sql} (${key})${include}${this.#maybe(0.2, () => " with (fillfactor = 55)")}${where}`,
      );
      this.#note("index", `${quoteName(this.#schema)}.${index}`);
    }
    for (const { type, name: column } of columns) {
      const method = INDEX_METHODS[type.sql];
      if (method !== undefined && dice.chance(0.4))
        this.#run(`create index on ${sql} using ${dice.pick(method)} (${quoteName(column)})`);
    }
    const keys = columns
      .filter(({ type }) => type.ordered && !isLong(type))
      .map(({ name: column }) => quoteName(column));
    if (keys.length > 1 && dice.chance(0.3))
      this.#run(
        `create statistics ${this.#qualified()} (${dice.pick(["dependencies", "ndistinct, mcv", "mcv"])}) on ${keys[0]}, ${keys[1]} from ${sql}`,
      );
    if (!partitioned && id !== undefined && dice.chance(0.1))
      this.#run(`alter table ${sql} replica identity ${dice.pick(["full", "nothing"])}`);
    this.#note("table", sql);
    this.#note("column", `${this.#qualified(name)}.${quoteName(id ?? columns[0]?.name ?? "")}`);
  }

  /** Each to any that has a key, itself too, so that they may go in circles. */
  #makeForeignKeys(): void {
    const dice = this.#dice;
    const keyed = this.#tables.filter((table) => table.keyed && table.id !== undefined);
    for (const table of this.#tables) {
      if (table.far || dice.chance(0.5)) continue;
      const [column, constraint] = [quoteName(this.#name()), quoteName(this.#name())];
      const to = dice.chance(0.3) ? undefined : keyed.length > 0 ? dice.pick(keyed) : undefined;
      const target = to === undefined ? "hub.places (id)" : `${to.sql} (${quoteName(to.id ?? "")})`;
      this.#run(`alter table ${table.sql} add column ${column} int`);
      const broken = dice.chance(0.2) && !table.partitioned;
      const source =
        to === undefined
          ? "(select min(id) from hub.places)"
          : `(select min(${quoteName(to.id ?? "")}) from ${to.sql})`;
      this.#run(`update ${table.sql} set ${column} = ${broken ? "-999999" : source}`);
      const when = dice.pick(["", " deferrable", " deferrable initially deferred"]);
      const does = dice.pick([
        "",
        " on delete cascade",
        " on update set null on delete restrict",
        ` on delete set null (${column})`,
      ]);
      const not = broken ? (this.#major >= 18 && dice.chance(0.5) ? " not enforced" : " not valid") : "";
      this.#run(
        `alter table ${table.sql} add constraint ${constraint} foreign key (${column}) references ${target}${does}${not === " not enforced" ? "" : when}${not}`,
      );
      this.#note("constraint", `${constraint} on ${table.sql}`);
    }
    for (const table of this.#tables)
      if (this.#major >= 18 && table.id !== undefined && dice.chance(0.1)) {
        const column = quoteName(this.#name());
        this.#run(`alter table ${table.sql} add column ${column} int`);
        this.#run(
          `alter table ${table.sql} add constraint ${quoteName(this.#name())} not null ${column} not valid`,
        );
      }
  }

  /** Triggers, rules, policies, owners. */
  #dress({ sql, id, partitioned }: Table): void {
    const dice = this.#dice;
    if (dice.chance(0.4)) {
      const trigger = quoteName(this.#name());
      const when = dice.pick(["after insert or delete", "after update", "before update"]);
      const each = when.startsWith("before")
        ? "for each row"
        : dice.pick(["for each row", "for each statement"]);
      this.#run(
        `create trigger ${trigger} ${when} on ${sql} ${each} execute function ${this.#triggerFunction}(${quoteLiteral(randomText(dice))})`,
      );
      if (dice.chance(0.5))
        this.#run(
          `alter table ${sql} ${dice.pick(["disable", "enable always", "enable replica"])} trigger ${trigger}`,
        );
      this.#note("trigger", `${trigger} on ${sql}`);
    }
    if (dice.chance(0.15)) {
      const rule = quoteName(this.#name());
      this.#run(
        `create rule ${rule} as on delete to ${sql} ${dice.pick([`do also notify ${quoteName(this.#name())}`, "where false do instead nothing"])}`,
      );
      if (dice.chance(0.3)) this.#run(`alter table ${sql} disable rule ${rule}`);
    }
    if (dice.chance(0.15)) {
      const policy = quoteName(this.#name());
      const using =
        id === undefined
          ? "true"
          : `${quoteName(id)} > 0 and current_user <> ${quoteLiteral(randomName(dice, "u"))}`;
      this.#run(
        `create policy ${policy} on ${sql}${this.#maybe(0.3, () => " as restrictive")} for ${dice.pick(["all", "select", "delete"])} to ${dice.pick(["public", this.#role()])} using (${using})`,
      );
      if (dice.chance(0.7)) this.#run(`alter table ${sql} enable row level security`);
      if (dice.chance(0.5)) this.#run(`alter table ${sql} force row level security`);
    }
    if (!partitioned && dice.chance(0.2)) this.#run(`alter table ${sql} owner to ${this.#role()}`);
  }

  #makeSequences(): void {
    const dice = this.#dice;
    for (let left = dice.below(3); left > 0; left--) {
      const sql = this.#qualified();
      const [type, increment] = [dice.pick(["smallint", "int", "bigint"]), dice.pick([1, 2, -1, -9, 30_000])];
      this.#run(
        `create sequence ${sql} as ${type} increment ${increment} minvalue -32768 maxvalue 32767 start ${dice.between(-32_768, 32_767)}${this.#maybe(0.5, () => " cycle")} cache ${dice.pick([1, 1, 7])}`,
      );
      if (dice.chance(0.6))
        this.#run(
          `select setval(${quoteLiteral(sql)}, ${dice.pick([-32_768, 32_767, 5])}, ${dice.pick(["true", "false"])})`,
        );
      const [table] = this.#tables;
      if (table !== undefined && dice.chance(0.3) && table.id !== undefined)
        this.#run(`alter sequence ${sql} owned by none`);
      this.#note("sequence", sql);
    }
  }

  #makeViews(): void {
    const dice = this.#dice;
    const tables = this.#tables.filter(({ far }) => !far);
    for (const table of tables) {
      if (dice.chance(0.6)) continue;
      const view = this.#qualified();
      this.#run(
        `create view ${view}${this.#maybe(0.2, () => " with (security_barrier)")} as select *, ${quoteLiteral(randomText(dice))}::text as ${quoteName(this.#name())} from ${table.sql}`,
      );
      this.#note("view", view);
      this.#views.push(view);
    }
    for (const from of [...this.#views, ...tables.map(({ sql }) => sql)]) {
      if (dice.chance(0.75)) continue;
      const [view, filled] = [this.#qualified(), dice.chance(0.8)];
      this.#run(`create materialized view ${view} as select * from ${from} with ${filled ? "" : "no "}data`);
      if (dice.chance(0.4))
        this.#run(
          `create materialized view ${this.#qualified()} as select count(*) as many from ${view} with ${filled && dice.chance(0.5) ? "" : "no "}data`,
        );
      this.#note("materialized view", view);
    }
  }

  #makeLargeObjects(): void {
    const dice = this.#dice;
    for (let place = 0; place < 2; place++) {
      const oid = 1_000_000 + this.#seed * 10 + place;
      this.#run(
        `select lo_from_bytea(${oid}, '\\x${dice.bytes(dice.pick([0, 1, 2_048, 5_000])).toString("hex")}')`,
      );
      if (dice.chance(0.5)) this.#run(`alter large object ${oid} owner to ${this.#role()}`);
      if (dice.chance(0.5))
        this.#run(`grant ${dice.pick(["select", "all"])} on large object ${oid} to ${this.#role()}`);
      this.#note("large object", String(oid));
    }
  }

  #publish(): void {
    const [table] = this.#tables.filter(({ partitioned, unlogged }) => !partitioned && !unlogged);
    if (table?.id === undefined) return;
    this.#run(
      `create publication ${quoteName(randomName(this.#dice, `p${this.#seed}`))} for table only ${table.sql} (${quoteName(table.id)}) with (publish = 'insert')`,
    );
  }

  #grant(): void {
    const dice = this.#dice;
    const schema = quoteName(this.#schema);
    if (dice.chance(0.5))
      this.#run(`grant usage${this.#maybe(0.5, () => ", create")} on schema ${schema} to ${this.#role()}`);
    for (const { sql, id, columns } of this.#tables) {
      if (dice.chance(0.5)) continue;
      const rights = dice.pick(["select", "insert, update", "all", "trigger, references, truncate"]);
      this.#run(`grant ${rights} on ${sql} to ${dice.pick(["public", this.#role()])}`);
      const column = id ?? columns[0]?.name;
      if (column !== undefined && dice.chance(0.4))
        this.#run(`grant update (${quoteName(column)}) on ${sql} to ${this.#role()} with grant option`);
      if (dice.chance(0.2)) this.#run(`revoke all on ${sql} from postgres`);
    }
    if (dice.chance(0.4)) this.#run(`revoke all on function ${this.#functions[0]}(int) from public`);
    if (dice.chance(0.3))
      this.#run(`grant execute on function ${this.#functions[0]}(int) to ${this.#role()} with grant option`);
    for (const { sql } of this.#enums)
      if (dice.chance(0.3)) this.#run(`revoke usage on type ${sql} from public`);
    if (dice.chance(0.3))
      this.#run(
        `alter default privileges for role ${this.#role()} in schema ${schema} grant ${dice.pick(["select on tables", "usage on sequences", "execute on functions", "usage on types"])} to ${dice.pick(["public", this.#role()])}`,
      );
  }
}

const INT: RandomType = { sql: "int", value: (dice) => String(dice.between(1, 9_999)), ordered: true };

/** Values that may be too long for a btree's page. */
function isLong({ sql }: RandomType): boolean {
  return /text|varchar|bpchar|bytea|json|tsvector|xml|\[\]|numeric|\(|"/.test(sql);
}

const INDEX_METHODS: Record<string, string[]> = {
  text: ["hash", "spgist", "brin"],
  jsonb: ["gin"],
  tsvector: ["gin", "gist"],
  "integer[]": ["gin"],
  inet: ["spgist", "brin", "hash"],
  int4range: ["gist", "spgist"],
  daterange: ["gist", "spgist", "brin"],
  int4multirange: ["gist"],
  uuid: ["hash", "brin"],
  bigint: ["brin", "hash"],
  box: ["brin"],
};
