/** Flyway: versioned `V1.2__what.sql`, repeatable `R__what.sql`, baselines `B1__what.sql`, and `.sql.conf` beside them. */
import { RehearsalError } from "../errors.ts";
import { readSqlSource } from "../sql-source.ts";
import { forPostgres, withoutDialect } from "./dialects.ts";
import { below, type Format, type FormatFile, type FoundMigration, fileName, inside } from "./format.ts";
import { refusePlaceholders } from "./markers.ts";
import { stamp } from "./stamp.ts";
import { compareBytes, compareNumbers, plainNumber, sortVersions, timeNotes } from "./versions.ts";

export const flyway: Format = {
  layout: {
    folder: "sql",
    file: /\.(?:sql|sql\.conf)$/s,
    deep: true,
    wanted: "Flyway's migrations, named V1__What_it_does.sql or R__What_it_does.sql",
  },
  outside: 'stands beside a .sql.conf with "executeInTransaction=false", or in one that holds nothing else',
  read(files, folder) {
    const notes: string[] = [];
    const ours = forPostgres(files, notes);
    const confs = new Map(ours.filter(isConf).map((file) => [file.path, settingsOf(file)]));
    const found = ours.filter((file) => !isConf(file)).flatMap((file) => readOne(file, confs, notes) ?? []);
    const of = (kind: Found["kind"]) =>
      found.filter((one) => one.kind === kind).map(({ migration }) => migration);
    const versioned = sortVersions("flyway", of("V"), byVersion);
    const migrations = withBaseline(versioned, sortVersions("flyway", of("B"), byVersion), notes);
    const repeatables = of("R").sort((a, b) => compareBytes(a.name, b.name));
    refuseTwice(repeatables);
    for (const { path } of files)
      if (!inside(folder, path).includes("/") && /^[vrub]\d*__/.test(fileName(path)))
        notes.push(`${path} is left out: Flyway's prefixes are capital letters`);
    return { migrations, repeatables, notes: [...notes, ...timeNotes("flyway", migrations)] };
  },
  next({ name, folder, paths, now, sql }) {
    const versions = paths.flatMap((path) => /(?:^|\/)V(\d+)(?:[._]\d+)*__/.exec(path)?.[1] ?? []);
    const last = versions.sort(compareNumbers).at(-1);
    const version = last !== undefined && last.length < 8 ? String(Number(last) + 1) : stamp(now);
    return [{ path: below(folder, `V${version}__${name}.sql`), text: sql }];
  },
};

interface Found {
  kind: "V" | "R" | "B";
  migration: FoundMigration;
}

const NAME = /^([VRUB])([0-9]+(?:[._][0-9]+)*)?__(.*)\.sql$/s;

function readOne(
  { path, bytes }: FormatFile,
  confs: ReadonlyMap<string, Map<string, string>>,
  notes: string[],
): Found | undefined {
  const [, kind, digits, words = ""] = NAME.exec(withoutDialect(fileName(path))) ?? [];
  if (kind === "U") {
    notes.push(`${path} is left out: it is a way back`);
    return undefined;
  }
  // V and B have a version, R has none; whatever else ends in .sql Flyway keeps for its callbacks.
  if (kind === undefined || (kind === "R") !== (digits === undefined)) {
    notes.push(`${path} is left out: Flyway would take it for a callback or nothing`);
    return undefined;
  }
  const source = readSqlSource(path, bytes);
  const settings = confs.get(`${path}.conf`);
  if (settings?.get("placeholderreplacement") !== "false") refusePlaceholders(source, /\$\{[^}]*\}/);
  const migration: FoundMigration = {
    key: digits === undefined ? words : digits.replaceAll("_", "."),
    name: words,
    source,
    transaction: settings?.get("executeintransaction") === "false" ? "none" : "alone",
  };
  return { kind: kind as Found["kind"], migration };
}

/** 1.2 before 1.10; 1.0 is 1. */
function byVersion(a: FoundMigration, b: FoundMigration): number {
  return compareDotted(a.key, b.key);
}

/** Compares two of Flyway's versions: numbers parted by dots, missing ones zero. */
export function compareDotted(a: string, b: string): number {
  const [one, other] = [a.split("."), b.split(".")];
  for (let place = 0; place < Math.max(one.length, other.length); place++) {
    const difference = compareNumbers(one[place] ?? "0", other[place] ?? "0");
    if (difference !== 0) return difference;
  }
  return 0;
}

/** One spelling of a version: 1.02.0 as 1.2. */
export function plainVersion(version: string): string {
  return version
    .split(".")
    .map(plainNumber)
    .join(".")
    .replace(/(?:\.0)+$/, "");
}

/** A baseline stands for all up to its version; where these are there too, they are what databases were made by. */
function withBaseline(
  versioned: readonly FoundMigration[],
  baselines: readonly FoundMigration[],
  notes: string[],
): FoundMigration[] {
  const first = versioned[0];
  const used = baselines.findLast((baseline) => first === undefined || byVersion(baseline, first) < 0);
  for (const { source } of baselines)
    if (source !== used?.source)
      notes.push(
        `${source.path} is left out: the migrations it stands for are there, or a newer baseline is`,
      );
  return used === undefined ? [...versioned] : [used, ...versioned];
}

function refuseTwice(repeatables: readonly FoundMigration[]): void {
  for (const [index, { name, source }] of repeatables.entries()) {
    const before = repeatables[index - 1];
    if (before?.name === name)
      throw new RehearsalError("MigrationVersionTwice", {
        format: "flyway",
        version: `R__${name}`,
        first: before.source.path,
        second: source.path,
      });
  }
}

function isConf({ path }: FormatFile): boolean {
  return path.endsWith(".conf");
}

/** `executeInTransaction=false` by its key in lower case. */
function settingsOf({ path, bytes }: FormatFile): Map<string, string> {
  return new Map(
    readSqlSource(path, bytes)
      .sql.split(/\r?\n/)
      .flatMap((line) => {
        const [, key, value] = /^\s*(?:flyway\.)?(\w+)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? [];
        return key === undefined || value === undefined
          ? []
          : [[key.toLowerCase(), value.toLowerCase()] as const];
      }),
  );
}
