/** Adopting a database: what its tool claims to have applied, held against the project's sequence. */
import { RehearsalError } from "./errors.ts";
import { fileName } from "./formats/format.ts";
import { compareNumbers } from "./formats/versions.ts";
import type { Migration } from "./migration.ts";

/** What a row of a tool's history says. */
export interface Claim {
  /** The row in the tool's own words. */
  told: string;
  /** The file it is about; left out when the project has none. */
  path?: string;
  /** Why it is no migration that was applied whole: "failed". */
  fault?: string;
  /** The checksum that the history has, and that of the file. */
  checksum?: { said: string; is: string };
  /** It is about a file that runs whenever it changes. */
  repeatable?: true;
}

type Known = Pick<Migration, "version" | "key" | "path">;

/** The migrations that the history says were applied: the beginning of the sequence. Throws `HistoryRefused` with every claim that cannot be so. */
export function claimedPrefix<M extends Known>(
  migrations: readonly M[],
  claims: readonly Claim[],
  history: { tool: string; table: string },
): M[] {
  const own = claims.filter(({ repeatable }) => repeatable !== true);
  const problems = own.flatMap(problemOf);
  const claimed = new Set(own.map(({ path }) => path));
  const last = migrations.findLast(({ path }) => claimed.has(path));
  const prefix = migrations.filter(({ version }) => last !== undefined && version <= last.version);
  for (const { path } of prefix)
    if (!claimed.has(path))
      problems.push(`${path} is not in the history, though ${last?.path}, which comes after it, is`);
  if (own.length === 0) problems.push("it says of no migration that it was applied");
  if (problems.length > 0)
    throw new RehearsalError("HistoryRefused", { ...history, problems: firstOf(problems) });
  return prefix;
}

/** The migrations up to a version, which may be said as a key, a number, or a file's name. Throws `BaselineUnknown`. */
export function baselinePrefix<M extends Known>(migrations: readonly M[], version: string): M[] {
  const means = ({ key, path }: Known) =>
    [key, path, fileName(path), fileName(path).replace(/\.sql$/, "")].includes(version) ||
    (/^\d+$/.test(key) && /^\d+$/.test(version) && compareNumbers(key, version) === 0);
  const found = migrations.filter(means);
  const [through, another] = found;
  if (through === undefined || another !== undefined)
    throw new RehearsalError("BaselineUnknown", {
      version,
      last: migrations.at(-1)?.key ?? "",
      several: found.map(({ path }) => path),
    });
  return migrations.filter((migration) => migration.version <= through.version);
}

/**
 * Which repeatable files may be there in the form that the release has, fewest first: those that the history says, and
 * views besides, of which it knows nothing. One that it has in another form is to run again. Without a history all may be.
 */
export function repeatableChoices<F extends { path: string }>(
  all: F[],
  said: F[],
  hasHistory: boolean,
): F[][] {
  const viewed = all.filter((file) => said.includes(file) || file.path.startsWith("views/"));
  const choices = [said, viewed, ...(hasHistory ? [] : [all])];
  return choices.filter(({ length }, place) => place === 0 || length > (choices[place - 1]?.length ?? 0));
}

function problemOf({ told, path, fault, checksum }: Claim): string[] {
  if (fault !== undefined) return [`${path ?? told} ${fault}`];
  if (path === undefined) return [`${told} is in the history, and no file of the project is it`];
  if (checksum !== undefined && checksum.said !== checksum.is)
    return [
      `${path} was edited after it was applied: the history has ${short(checksum.said)}, the file ${short(checksum.is)}`,
    ];
  return [];
}

function short(checksum: string): string {
  return checksum.replace(/^(sha1:)?([0-9a-f]{12})[0-9a-f]{20,}$/, "$1$2");
}

/** More than these nobody reads. */
const TOLD = 20;

/** The first of many, and how many there are besides. */
export function firstOf(problems: readonly string[]): string {
  const more = problems.length - TOLD;
  return problems.slice(0, TOLD).join("; ") + (more > 0 ? `; and ${more} more` : "");
}
