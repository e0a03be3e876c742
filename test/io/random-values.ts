/**
 * Random names, and random values of every built-in type as the texts its input function takes, the edges among them.
 * Long because every built-in type has its own dice.
 */
/** Chance from a seed: the same numbers on every machine (mulberry32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = Math.imul(seed, 2_654_435_761) >>> 0;
  }

  /** 32 random bits. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** From 0, less than the limit. */
  below(limit: number): number {
    return Math.floor((this.next() / 2 ** 32) * limit);
  }

  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.next() / 2 ** 32 < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  times<T>(count: number, make: (place: number) => T): T[] {
    return Array.from({ length: count }, (_, place) => make(place));
  }

  bytes(count: number): Buffer {
    return Buffer.from(this.times(count, () => this.below(256)));
  }
}

/** A type and how its values are spelt. */
export interface RandomType {
  /** As SQL names it. */
  sql: string;
  /** The text of a value that is not null. */
  value(dice: Dice): string;
  /** Has a btree operator class, so that it may be in keys. */
  ordered?: boolean;
  /** Its array's; a comma when not given. */
  delimiter?: string;
  /** False when a default may not name a value: it could be gone. */
  constant?: false;
}

const NAMES = [
  ...[
    "plain",
    "select",
    "User",
    "MixedCase",
    "a.b",
    'quote"d',
    "it's",
    "back\\slash",
    "new\nline",
    "tab\there",
  ],
  ...[
    "1st",
    "$1",
    "a$b",
    " lead",
    "trail ",
    "semi;colon --",
    "/* comment",
    "%s %I",
    "ünïcode",
    "表",
    "🐘",
    "\u202eltr",
  ],
  ...[
    "(a) TO stdout",
    "x FROM stdin;",
    "\\.",
    "\\N",
    "__proto__",
    "constructor",
    "column",
    "cr\r",
    "\u0001bell",
    "NULL",
    "",
  ],
];

/** At most 63 bytes, another one for every mark, now and then exactly 63. */
export function randomName(dice: Dice, mark: string): string {
  const words = dice.times(dice.between(1, 2), () => dice.pick(NAMES)).join(dice.pick(["", "_", " "]));
  const name = dice.chance(0.5) ? `${words}${mark}` : `${mark}${words}`;
  const room = 63 - Buffer.byteLength(name);
  return dice.chance(0.15) && room > 0 ? name + dice.pick(["x", "Y", '"', "."]).repeat(room) : name;
}

const TEXTS = [
  ...[
    "",
    " ",
    "\\.",
    "\\N",
    "\\",
    "NULL",
    "null",
    "\t",
    "\n",
    "\r\n",
    "'",
    '"',
    '""',
    "{",
    "}",
    "{}",
    ",",
    "(",
    ")",
  ],
  ...[
    "a\tb\\tc",
    "line\n\\.\nline",
    "é",
    "e\u0301",
    "🐘",
    "\ufeff",
    "\u0001\u001f\u007f",
    "\b\f\v",
    "\u2028",
    "%",
    "$$",
    "--",
  ],
];

export function randomText(dice: Dice): string {
  if (dice.chance(0.4)) return dice.pick(TEXTS);
  if (dice.chance(0.05)) return randomLetters(dice, dice.between(2_500, 6_000));
  return dice.times(dice.between(1, 4), () => dice.pick([dice.pick(TEXTS), randomLetters(dice, 5)])).join("");
}

function randomLetters(dice: Dice, count: number): string {
  return dice
    .times(count, () => dice.pick("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789".split("")))
    .join("");
}

const bits = (dice: Dice, count: number) => dice.times(count, () => dice.pick(["0", "1"])).join("");
const hex = (dice: Dice, count: number) => dice.bytes(count).toString("hex");

function integer(dice: Dice, size: number): string {
  const [low, high] = [-(2n ** BigInt(size - 1)), 2n ** BigInt(size - 1) - 1n];
  if (dice.chance(0.2)) return String(dice.pick([low, high, 0n, -1n]));
  const random = BigInt(`0x${hex(dice, size / 8)}`);
  return String(dice.chance(0.5) ? random + low : (random % 1000n) - 500n);
}

const unsigned = (dice: Dice, size: number) =>
  String(dice.chance(0.2) ? 2n ** BigInt(size) - 1n : BigInt(`0x${hex(dice, size / 8)}`));

function double(dice: Dice): string {
  if (dice.chance(0.4))
    return dice.pick([
      "NaN",
      "Infinity",
      "-Infinity",
      "-0",
      "5e-324",
      "1.7976931348623157e308",
      "0.1",
      "1e22",
    ]);
  const value = dice.bytes(8).readDoubleBE();
  return Number.isFinite(value) ? String(value) : "NaN";
}

function single(dice: Dice): string {
  if (dice.chance(0.4))
    return dice.pick(["NaN", "Infinity", "-Infinity", "-0", "1e-45", "3.4028235e38", "0.1", "16777216"]);
  const value = dice.bytes(4).readFloatBE();
  return Number.isFinite(value) ? String(value) : "NaN";
}

function numeric(dice: Dice): string {
  if (dice.chance(0.25))
    return dice.pick([
      "NaN",
      "Infinity",
      "-Infinity",
      "0",
      "0.000",
      "-0.0",
      "1e400",
      "1e-300",
      "9".repeat(200),
    ]);
  const digits = (count: number) => dice.times(count, () => dice.below(10)).join("");
  return `${dice.pick(["", "-"])}${digits(dice.between(1, 40))}.${digits(dice.between(1, 30))}`;
}

const two = (number: number) => String(number).padStart(2, "0");
const calendar = (dice: Dice, lastYear: number) =>
  `${String(dice.between(1, lastYear)).padStart(4, "0")}-${two(dice.between(1, 12))}-${two(dice.between(1, 28))}`;
const clock = (dice: Dice) =>
  `${two(dice.below(24))}:${two(dice.below(60))}:${two(dice.below(60))}${dice.pick(["", ".5", ".000001", ".999999"])}`;

function date(dice: Dice): string {
  if (dice.chance(0.3))
    return dice.pick([
      "infinity",
      "-infinity",
      "4714-11-24 BC",
      "5874897-12-31",
      "0001-01-01 BC",
      "2000-02-29",
    ]);
  return dice.chance(0.2) ? `${calendar(dice, 4700)} BC` : calendar(dice, 9999);
}

function timestamp(dice: Dice, zone: string): string {
  if (dice.chance(0.3))
    return dice.pick([
      "infinity",
      "-infinity",
      `4714-11-24 00:00:00${zone} BC`,
      `294276-12-31 23:59:59.999999${zone}`,
      `1900-02-28 23:59:59.5${zone}`,
    ]);
  return dice.chance(0.2)
    ? `${calendar(dice, 4700)} ${clock(dice)}${zone} BC`
    : `${calendar(dice, 9999)} ${clock(dice)}${zone}`;
}

function offset(dice: Dice): string {
  const hours = dice.below(16);
  return `${dice.pick(["+", "-"])}${two(hours)}:${dice.pick(["00", "30", "59"])}${dice.pick(["", ":17"])}`;
}

const interval = (dice: Dice) =>
  dice.chance(0.4)
    ? dice.pick([
        "0",
        "178000000 years",
        "-178000000 years",
        "2147483647 days",
        "-1 mon +2 days -00:00:00.000001",
        "2562047787:59:59",
        "1 day",
        "24 hours",
      ])
    : `${dice.between(-99, 99)} years ${dice.between(-99, 99)} mons ${dice.between(-999, 999)} days ${dice.pick(["", "-"])}${clock(dice)}`;

const coordinate = (dice: Dice) => (dice.chance(0.8) ? String(dice.between(-1000, 1000) / 8) : double(dice));
const point = (dice: Dice) => `(${coordinate(dice)},${coordinate(dice)})`;
const points = (dice: Dice) => dice.times(dice.between(1, 5), () => point(dice)).join(",");
const address4 = (dice: Dice) => [...dice.bytes(4)].join(".");
const address6 = (dice: Dice) =>
  dice.pick(["::", "::1", "::ffff:1.2.3.4", dice.times(8, () => hex(dice, 2)).join(":")]);
const network = (dice: Dice) =>
  dice.pick([
    "0.0.0.0/0",
    "::/0",
    "10.0.0.0/8",
    "2001:db8::/32",
    `${dice.below(256)}.${dice.below(256)}.0.0/16`,
    `${address4(dice)}/32`,
  ]);
const transactions = (dice: Dice) =>
  dice.pick(["10:20:10,14,15", "1:1:", "9223372036854775806:9223372036854775807:", "5:8:7"]);

function json(dice: Dice, depth = 0): string {
  if (depth > 2 || dice.chance(0.5))
    return dice.pick([
      "null",
      "true",
      "0",
      "-0",
      "1.0",
      "1e5",
      "123456789012345678901234567890.5",
      '""',
      JSON.stringify(randomText(dice)),
    ]);
  const many = dice.below(4);
  if (dice.chance(0.5))
    return `[${dice.times(many, () => json(dice, depth + 1)).join(dice.pick([",", " , "]))}]`;
  return `{${dice.times(many, (place) => `${JSON.stringify(`k${place}${dice.pick(["", '"', "é"])}`)}: ${json(dice, depth + 1)}`).join(",")}}`;
}

const LEXEMES = ["cat", "'it''s'", "'two words'", "'\\\\'", "naïve", "Z"];
const tsvector = (dice: Dice) =>
  dice.times(dice.below(5), () => dice.pick(LEXEMES) + dice.pick(["", ":1", ":3A,7B", ":16383"])).join(" ");

function tsquery(dice: Dice, depth = 0): string {
  if (depth > 2 || dice.chance(0.4)) return dice.pick(LEXEMES) + dice.pick(["", ":*", ":AB", ":*C"]);
  const left = tsquery(dice, depth + 1);
  return dice.chance(0.2)
    ? `!(${left})`
    : `(${left}) ${dice.pick(["&", "|", "<->", "<3>"])} (${tsquery(dice, depth + 1)})`;
}

/** A range whose bounds grow with a number. */
function range(dice: Dice, bound: (number: number) => string, from = -500, to = 500): string {
  if (dice.chance(0.15)) return "empty";
  const low = dice.between(from, to - 1);
  const quoted = (number: number) => `"${bound(number).replaceAll(/["\\]/g, "\\$&")}"`;
  const lower = dice.chance(0.1) && from === -500 ? "" : quoted(low);
  const upper = dice.chance(0.1) && to === 500 ? "" : quoted(dice.between(low + 1, to));
  return `${dice.pick(["[", "("])}${lower},${upper}${dice.pick(["]", ")"])}`;
}

function multirange(dice: Dice, bound: (number: number) => string): string {
  return `{${dice
    .times(dice.below(4), (place) => range(dice, bound, place * 100 - 500, place * 100 - 401))
    .filter((one) => one !== "empty")
    .join(",")}}`;
}

/** A range type and its multirange, when `bound` tells an ever larger value of the subtype for an ever larger number. */
export function rangesOf(sql: string, multiSql: string, bound: (number: number) => string): RandomType[] {
  return [
    { sql, value: (dice) => range(dice, bound), ordered: true },
    { sql: multiSql, value: (dice) => multirange(dice, bound), ordered: true },
  ];
}

const day = (number: number) =>
  new Date(Date.UTC(2000, 0, 1) + number * 86_400_000).toISOString().slice(0, 10);
const one =
  (...values: string[]) =>
  (dice: Dice) =>
    dice.pick(values);

/** Types that a column may have and a value can be written of, with and without modifiers. */
export const BUILT_IN: RandomType[] = [
  { sql: "boolean", value: one("t", "f"), ordered: true },
  {
    sql: "bytea",
    value: (dice) => `\\x${hex(dice, dice.pick([0, 1, 5, 40, dice.chance(0.1) ? 5_000 : 3]))}`,
    ordered: true,
  },
  { sql: '"char"', value: one("", "a", "\\377", "\\200", "\\", "\t"), ordered: true },
  { sql: "name", value: (dice) => randomName(dice, ""), ordered: true },
  { sql: "smallint", value: (dice) => integer(dice, 16), ordered: true },
  { sql: "integer", value: (dice) => integer(dice, 32), ordered: true },
  { sql: "bigint", value: (dice) => integer(dice, 64), ordered: true },
  { sql: "numeric", value: numeric, ordered: true },
  {
    sql: "numeric(12,3)",
    value: (dice) => dice.pick(["NaN", `${dice.between(-99999999, 99999999)}.125`]),
    ordered: true,
  },
  { sql: "numeric(4,-2)", value: (dice) => String(dice.between(-999_900, 999_900)), ordered: true },
  { sql: "numeric(3,5)", value: (dice) => `0.00${dice.between(100, 999)}`, ordered: true },
  { sql: "real", value: single, ordered: true },
  { sql: "double precision", value: double, ordered: true },
  {
    sql: "money",
    value: (dice) =>
      dice.pick(["-92233720368547758.08", "92233720368547758.07", `${dice.between(-9999, 9999)}.05`]),
    ordered: true,
  },
  { sql: "text", value: randomText, ordered: true },
  { sql: "varchar", value: randomText, ordered: true },
  { sql: "varchar(40)", value: (dice) => [...randomText(dice)].slice(0, 40).join(""), ordered: true },
  { sql: "character(6)", value: (dice) => [...randomText(dice)].slice(0, 6).join(""), ordered: true },
  { sql: "bpchar", value: randomText, ordered: true },
  { sql: "refcursor", value: randomText },
  { sql: "json", value: json },
  { sql: "jsonb", value: (dice) => json(dice), ordered: true },
  {
    sql: "jsonpath",
    value: one("$", "strict $.a[*] ? (@ > 1)", 'lax $."k\\"ey".size()', '$.** ? (@.type() == "null")'),
  },
  {
    sql: "xml",
    value: one(
      "",
      "<a/>",
      "text &amp; <b>ü</b>",
      '<a x="1">\n\t<!-- c --></a>',
      '<?xml version="1.0"?><r/>',
      "<![CDATA[<]]>",
    ),
  },
  { sql: "date", value: date, ordered: true },
  { sql: "time", value: (dice) => dice.pick(["24:00:00", clock(dice)]), ordered: true },
  { sql: "time(2) with time zone", value: (dice) => clock(dice).slice(0, 11) + offset(dice), ordered: true },
  {
    sql: "timetz",
    value: (dice) => dice.pick(["24:00:00-15:59:59", clock(dice) + offset(dice)]),
    ordered: true,
  },
  { sql: "timestamp", value: (dice) => timestamp(dice, ""), ordered: true },
  { sql: "timestamptz", value: (dice) => timestamp(dice, "+00"), ordered: true },
  { sql: "timestamp(0)", value: (dice) => `${calendar(dice, 9999)} ${clock(dice)}`, ordered: true },
  { sql: "interval", value: interval, ordered: true },
  {
    sql: "interval day to second(3)",
    value: (dice) => `${dice.between(-99, 99)} days ${clock(dice)}`,
    ordered: true,
  },
  {
    sql: "uuid",
    value: (dice) => dice.pick(["00000000-0000-0000-0000-000000000000", hex(dice, 16)]),
    ordered: true,
  },
  {
    sql: "inet",
    value: (dice) =>
      dice.pick([
        address4(dice),
        `${address4(dice)}/${dice.below(33)}`,
        address6(dice),
        `${address6(dice)}/${dice.below(129)}`,
      ]),
    ordered: true,
  },
  { sql: "cidr", value: network, ordered: true },
  { sql: "macaddr", value: (dice) => hex(dice, 6), ordered: true },
  { sql: "macaddr8", value: (dice) => hex(dice, 8), ordered: true },
  { sql: "bit(7)", value: (dice) => bits(dice, 7), ordered: true },
  { sql: "bit varying", value: (dice) => bits(dice, dice.below(40)), ordered: true },
  { sql: "bit varying(9)", value: (dice) => bits(dice, dice.below(10)), ordered: true },
  { sql: "tsvector", value: tsvector, ordered: true },
  { sql: "tsquery", value: (dice) => (dice.chance(0.1) ? "" : tsquery(dice)), ordered: true },
  { sql: "point", value: point },
  {
    sql: "line",
    value: (dice) => `{${dice.between(1, 9)},${dice.between(-9, 9)},${dice.between(-99, 99) / 4}}`,
  },
  { sql: "lseg", value: (dice) => `[${point(dice)},${point(dice)}]` },
  { sql: "box", value: (dice) => `${point(dice)},${point(dice)}`, delimiter: ";" },
  { sql: "path", value: (dice) => (dice.chance(0.5) ? `[${points(dice)}]` : `(${points(dice)})`) },
  { sql: "polygon", value: (dice) => `(${points(dice)})` },
  { sql: "circle", value: (dice) => `<${point(dice)},${dice.between(0, 99) / 8}>` },
  { sql: "oid", value: (dice) => unsigned(dice, 32), ordered: true },
  { sql: "xid", value: (dice) => unsigned(dice, 32) },
  { sql: "xid8", value: (dice) => unsigned(dice, 64), ordered: true },
  { sql: "cid", value: (dice) => unsigned(dice, 32) },
  { sql: "tid", value: (dice) => `(${unsigned(dice, 32)},${unsigned(dice, 16)})`, ordered: true },
  {
    sql: "pg_lsn",
    value: (dice) => `${dice.next().toString(16)}/${dice.next().toString(16)}`,
    ordered: true,
  },
  { sql: "txid_snapshot", value: transactions },
  { sql: "pg_snapshot", value: transactions },
  { sql: "int2vector", value: (dice) => dice.times(dice.below(5), () => integer(dice, 16)).join(" ") },
  {
    sql: "oidvector",
    value: (dice) => dice.times(dice.below(5), () => unsigned(dice, 32)).join(" "),
    ordered: true,
  },
  { sql: "aclitem", value: one("postgres=r/postgres", "=arwd*/postgres", '"pg_monitor"=U/postgres') },
  { sql: "regclass", value: one("pg_class", "information_schema.tables", "-", "4294967290") },
  { sql: "regtype", value: one("integer", "text[]", "timestamp with time zone", "-", '"char"') },
  { sql: "regproc", value: one("now", "pg_sleep", "-") },
  { sql: "regprocedure", value: one("abs(integer)", "left(text,integer)", "-") },
  { sql: "regoper", value: one("||/", "|/", "0") },
  { sql: "regoperator", value: one("+(integer,integer)", "||/(NONE,double precision)", "0") },
  { sql: "regconfig", value: one("simple", "english") },
  { sql: "regdictionary", value: one("simple", "english_stem") },
  { sql: "regnamespace", value: one("pg_catalog", "information_schema", "-") },
  { sql: "regrole", value: one("postgres", "pg_read_all_data", "-"), constant: false },
  { sql: "regcollation", value: one('"C"', '"POSIX"', "-") },
  ...rangesOf("int4range", "int4multirange", String),
  ...rangesOf("int8range", "int8multirange", (number) => String(BigInt(number) * 10_000_000_000n)),
  ...rangesOf("numrange", "nummultirange", (number) => `${number}.50`),
  ...rangesOf("daterange", "datemultirange", day),
  ...rangesOf("tsrange", "tsmultirange", (number) => `${day(number)} 12:00:00.000001`),
  ...rangesOf("tstzrange", "tstzmultirange", (number) => `${day(number)} 12:00:00+00`),
];

/** Arrays of it: of up to three dimensions, with nulls, with bounds of their own. */
export function arrayOf(type: RandomType): RandomType {
  const { delimiter = "," } = type;
  const element = (dice: Dice) =>
    dice.chance(0.2) ? "NULL" : `"${type.value(dice).replaceAll(/["\\]/g, "\\$&")}"`;
  const nested = (dice: Dice, sizes: number[]): string =>
    sizes.length === 0
      ? element(dice)
      : `{${dice.times(sizes[0] ?? 0, () => nested(dice, sizes.slice(1))).join(delimiter)}}`;
  return {
    ...{ sql: `${type.sql}[]`, delimiter },
    value: (dice) => {
      if (dice.chance(0.1)) return "{}";
      const sizes = dice.times(dice.pick([1, 1, 1, 2, 3]), () => dice.between(1, 3));
      const bounds = dice.chance(0.2)
        ? `${sizes.map((size) => `[${size - 4}:${size * 2 - 5}]`).join("")}=`
        : "";
      return bounds + nested(dice, sizes);
    },
    ...(type.ordered ? { ordered: true } : {}),
  };
}

/** A row type's value; a field is now and then null. */
export function compositeOf(sql: string, fields: RandomType[]): RandomType {
  return {
    sql,
    value: (dice) =>
      `(${fields
        .map((field) => (dice.chance(0.2) ? "" : `"${field.value(dice).replaceAll(/["\\]/g, "$&$&")}"`))
        .join(",")})`,
  };
}
