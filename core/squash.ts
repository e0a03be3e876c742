/** A squash: one migration in the place of several, with the list of those it stands for, so that databases which have had them have it. */
import type { Json } from "./canonical-json.ts";
import { digestOf } from "./digest.ts";
import { RehearsalError } from "./errors.ts";
import type { Migration } from "./migration.ts";
import type { AppliedMigration } from "./pending.ts";

/** A migration that a squash stands for. */
export interface Squashed {
  path: string;
  /** Of its raw bytes. */
  sha256: string;
}

type Known = Pick<Migration, "version" | "path" | "sha256"> & { squashes?: readonly Squashed[] };

const LINE = /^sha256=([0-9a-f]{64}) (\S.*)$/;

/** Reads what follows the word in `-- rehearsal: squashes sha256=… PATH`; undefined when it is not written so. */
export function readSquashed(text: string): Squashed | undefined {
  const [, sha256, path] = LINE.exec(text.trim()) ?? [];
  return sha256 === undefined || path === undefined ? undefined : { path, sha256 };
}

const HEADER = /^--[ \t]*rehearsal:[ \t]*squashes[ \t]+(.*)$/gim;

/** The list at the top of a file, before it is understood. */
export function squashedIn(sql: string): Squashed[] {
  return [...sql.matchAll(HEADER)].flatMap(([, text = ""]) => readSquashed(text) ?? []);
}

/**
 * The text of a squash: its list, then each file's SQL behind a comment that says where it came from. Throws
 * `SquashRefused` for what cannot be one transaction with others, and for squashes themselves.
 */
export function squashText(originals: readonly Migration[]): string {
  for (const { path, transactional, squashes } of originals) {
    if (!transactional) throw refused(`${path} runs outside a transaction or in batches`);
    if (squashes !== undefined) throw refused(`${path} is a squash itself`);
    if (/[\r\n]/.test(path)) throw refused(`${JSON.stringify(path)} has a line break in its name`);
  }
  const head = originals.map(({ path, sha256 }) => `-- rehearsal: squashes sha256=${sha256} ${path}`);
  const all = originals.every(({ idempotent }) => idempotent);
  return [
    ...head,
    ...(all ? ["-- rehearsal: idempotent"] : []),
    ...originals.flatMap((one) => ["", `-- from ${one.path}`, bodyOf(one)]),
    "",
  ].join("\n");
}

/** Without the directives at its top; each statement ends with a semicolon, the last one too. */
function bodyOf({ sql, statements }: Migration): string {
  const first = statements[0]?.line ?? 1;
  const lines = sql.replaceAll("\r\n", "\n").split("\n");
  const kept = lines.filter(
    (line, index) => index + 1 >= first || !/^[ \t]*--[ \t]*rehearsal:(?![ \t]*allow\b)/i.test(line),
  );
  // On a line of its own, for the file may end with a comment.
  return `${kept.join("\n").trim()}\n;`.replace(/;\s*\n;$/, ";");
}

interface Accepted<M> {
  /** The record, with one entry for each squash in the place of those it stands for. */
  applied: AppliedMigration[];
  /** Squashes that count as applied because all they stand for was. */
  taken: M[];
  differences: string[];
}

/** Counts a squash as applied where exactly what it stands for was; a part of it is a difference. */
export function acceptSquashes<M extends Known>(
  migrations: readonly M[],
  applied: readonly AppliedMigration[],
): Accepted<M> {
  const byPath = new Map(applied.map((one) => [one.path, one]));
  const accepted: Accepted<M> = { applied: [...applied], taken: [], differences: [] };
  for (const squash of migrations) {
    const originals = squash.squashes ?? [];
    const had = originals.filter(({ path }) => byPath.has(path));
    if (had.length === 0 || byPath.has(squash.path)) continue;
    const missing = originals.filter(({ path }) => !byPath.has(path));
    const edited = had.filter(({ path, sha256 }) => byPath.get(path)?.sha256 !== sha256);
    const paths = new Set(originals.map(({ path }) => path));
    accepted.applied = accepted.applied.filter(({ path }) => !paths.has(path));
    if (missing.length > 0)
      accepted.differences.push(
        `${squash.path} squashes ${missing.map(({ path }) => path).join(", ")}, which never ran, with ${had.map(({ path }) => path).join(", ")}, which did: promote the release before the squash first`,
      );
    for (const { path } of edited)
      accepted.differences.push(
        `${squash.path} squashes another content of ${path} than the one that was applied`,
      );
    if (missing.length + edited.length === 0) accepted.taken.push(squash);
    const { version, path, sha256 } = squash;
    accepted.applied.push({ version, path, sha256 });
  }
  return accepted;
}

/** Squashes that would run, for nothing of what they stand for was applied. */
export function pendingSquashes<M extends Known>(
  migrations: readonly M[],
  applied: readonly AppliedMigration[],
): M[] {
  const had = new Set(acceptSquashes(migrations, applied).applied.map(({ path }) => path));
  return migrations.filter(({ path, squashes }) => squashes !== undefined && !had.has(path));
}

/** What a proof is of: all that ran before, what is squashed, and the squash, by the hashes of their bytes. */
export function squashDigest(migrations: readonly Known[], squash: Known): string {
  const named = ({ path, sha256 }: Squashed) => ({ path, sha256 });
  return digestOf({
    before: migrations.filter(({ version }) => version < squash.version).map(named),
    squashes: (squash.squashes ?? []).map(named),
    squash: named(squash),
  } as unknown as Json);
}

/** Throws `SquashRefused` unless the second sequence is the first with these migrations squashed into that one. */
export function assertSquashOf(before: readonly Known[], after: readonly Known[], squash: Known): void {
  const originals = squash.squashes ?? [];
  const from = squash.version - originals.length + 1;
  const same = (one: readonly Squashed[], other: readonly Squashed[]) =>
    one.length === other.length &&
    one.every(({ path, sha256 }, place) => other[place]?.path === path && other[place]?.sha256 === sha256);
  const range = before.filter(({ version }) => version >= from && version <= squash.version);
  if (!same(range, originals))
    throw refused(
      `${squash.path} does not name the migrations of the other release from ${from} to ${squash.version}`,
    );
  const earlier = (all: readonly Known[]) => all.filter(({ version }) => version < from);
  if (!same(earlier(before), earlier(after)))
    throw refused(`what comes before ${squash.path} is not the same`);
}

function refused(reason: string): RehearsalError {
  return new RehearsalError("SquashRefused", { reason });
}
