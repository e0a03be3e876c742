/** The safety analysis: every rule against every pending statement, in order, knowing what the statements before it made. */
import type { Allowance } from "../directives.ts";
import { refusalsIn } from "../forbidden.ts";
import { functionBodies } from "../function-bodies.ts";
import { LOCK_MODES } from "../lock-modes.ts";
import { parseFragment } from "../sql-parser.ts";
import type { Tree } from "../sql-tree.ts";
import { type Lock, locksOf } from "../statement-locks.ts";
import { type MaybeDormant, settleAllowances } from "./allowances.ts";
import { learn } from "./lessons.ts";
import { type PlannedStatement, settlePlanned } from "./planned.ts";
import type {
  Finding,
  Found,
  HeldLock,
  LintContext,
  LintFile,
  LintStatement,
  Rule,
  TableSize,
} from "./rule.ts";
import { RULES } from "./rules.ts";
import { Standing } from "./standing.ts";
import { areTiny, describeSizes } from "./table-sizes.ts";

export type { Finding, TableSize } from "./rule.ts";

/** What the analysis needs of a file; migrations, views and seeds of a project have it. */
export interface LintSource {
  path: string;
  statements: readonly { index: number; sql: string; line: number; kind: string; fingerprint: string }[];
  allowed: readonly Allowance[];
  transactional?: boolean;
  batch?: unknown;
}

export interface LintProject {
  migrations: readonly LintSource[];
  views: readonly LintSource[];
  seeds: readonly LintSource[];
}

export interface LintOptions {
  /** Paths of the files that are to run, together one release; every file when left out. */
  pending?: ReadonlySet<string>;
  /** Each file is a release of its own: nobody knows what will run together. */
  apart?: boolean;
  /** Production's tables by quoted qualified name. */
  sizes?: Readonly<Record<string, TableSize>>;
  /** Quoted qualified names of tables that seeds may not write. */
  protectedTables?: ReadonlySet<string>;
  searchPath?: readonly string[];
  /** Paths of the files that hold what Rehearsal refuses, when that is known: the others are not searched for it again. */
  refused?: ReadonlySet<string>;
  /** What data plans cover: findings about what is lost by it are let through. */
  planned?: readonly PlannedStatement[];
  /** Milliseconds, as the environment's policy has them. */
  lockTimeout?: number;
}

/** Policy's own default. */
const LOCK_TIMEOUT = 2_000;

/** Lints the pending files of a project that was parsed; findings by path in the order of the run, then by statement. */
export function lint(project: LintProject, options: LintOptions = {}): Finding[] {
  const standing = new Standing(options.searchPath ?? ["public"]);
  const findings: MaybeDormant[] = [];
  const orders = new Map<string, string>();
  let held = new Map<string, HeldLock>();
  const kinds: [LintFile["kind"], readonly LintSource[]][] = [
    ["migration", project.migrations],
    ["view", project.views],
    ["seed", project.seeds],
  ];
  const pending: { file: LintFile; source: LintSource }[] = [];
  let begun = false;
  for (const [kind, sources] of kinds)
    for (const source of sources) {
      const isPending = options.pending?.has(source.path) ?? true;
      const file = fileOf(kind, source);
      // Everything before the first pending file is one past; after it, all belongs to the release that is linted.
      if (options.apart === true || (isPending && !begun)) standing.release++;
      begun ||= isPending;
      if (options.apart === true || !file.transactional || file.batched) held = new Map();
      if (isPending) pending.push({ file, source });
      const lockedHere: string[] = [];
      for (const statement of statementsOf(source, isPending)) {
        if (isPending) {
          const context: LintContext = {
            file,
            standing,
            held,
            lockedHere,
            lockTimeout: options.lockTimeout ?? LOCK_TIMEOUT,
            protectedTables: options.protectedTables ?? NONE,
            stood: (relation) => relation !== undefined && !standing.isNew(relation),
            refusals: (one) => (options.refused?.has(file.path) === false ? [] : refusalsIn(one)),
            lockedBefore: (first, second) => orders.get(`${first} ${second}`),
          };
          findings.push(...check(statement, context, source, options));
          remember(statement, context, { held, orders, lockedHere });
        }
        learn(standing, statement, file.path);
      }
      if (!file.transactional || file.batched) held = new Map();
    }
  findings.push(...atEnd(standing, pending, options));
  const byPath = Map.groupBy(findings, ({ path }) => path);
  return inOrder(
    pending.flatMap(({ file, source }) =>
      settlePlanned(source, settleAllowances(source, byPath.get(file.path) ?? []), options.planned ?? []),
    ),
    pending.map(({ file }) => file.path),
  );
}

const NONE: ReadonlySet<string> = new Set();

function fileOf(kind: LintFile["kind"], source: LintSource): LintFile {
  return {
    kind,
    path: source.path,
    transactional: source.transactional ?? true,
    batched: source.batch !== undefined,
  };
}

/** The statements with their trees, and after a DO block what runs inside it. Of files that ran already only what makes something is read. */
function* statementsOf(source: LintSource, whole: boolean): Generator<LintStatement> {
  const statements = whole ? source.statements : source.statements.filter(({ kind }) => SHAPING.test(kind));
  for (const [place, { kind, fields }] of treesOf(statements).entries()) {
    const statement = statements[place];
    if (statement === undefined) continue;
    const { index, line, sql } = statement;
    yield { index, line, sql, kind, fields, inBlock: false };
    if (kind !== "DoStmt") continue;
    for (const inner of functionBodies({ kind, fields, sql }).statements)
      yield { index, line, sql: inner.sql ?? sql, kind: inner.kind, fields: inner.fields, inBlock: true };
  }
}

/** The trees of statements that parsed before, read at once: most of the time of a parse is its beginning. */
function treesOf(statements: LintSource["statements"]): { kind: string; fields: Tree }[] {
  // Behind a line break, for a statement's source may end in a comment.
  const together = parseFragment(statements.map(({ sql }) => `${sql}\n;`).join("\n"));
  if (together?.length === statements.length) return together;
  return statements.map(({ sql, kind }) => parseFragment(sql)?.[0] ?? { kind, fields: {} });
}

/** Kinds of statement that leave another shape behind. */
const SHAPING = /^(Create|Alter|Drop|Rename|Index|View|CompositeType|Do)/;

function check(
  statement: LintStatement,
  context: LintContext,
  source: LintSource,
  options: LintOptions,
): MaybeDormant[] {
  const every = [...(BY_KIND.get(statement.kind) ?? []), ...ALWAYS];
  // Seeds never run where somebody waits, or where something could be lost.
  const rules = context.file.kind === "seed" ? every.filter(({ blocks }) => blocks === "nothing") : every;
  const found = rules.flatMap((rule) =>
    rule
      .check(statement, context)
      .map((one) => finding(rule, one, statement, context.file, options, context.standing)),
  );
  const allowed = new Set(source.allowed.map(({ rule }) => rule));
  if (allowed.size === 0) return found;
  // A reason that was needed where the tables stood already is not idle where they are new.
  const asIfStood: LintContext = { ...context, stood: (relation) => relation !== undefined };
  const reported = new Set(found.map(({ rule }) => rule));
  const dormant = rules
    .filter((rule) => allowed.has(rule.id) && !reported.has(rule.id))
    .flatMap((rule) =>
      rule
        .check(statement, asIfStood)
        .map((one) => finding(rule, one, statement, context.file, options, context.standing)),
    );
  return [...found, ...dormant.map((one) => ({ ...one, dormant: true as const }))];
}

const ALWAYS = RULES.filter((rule) => rule.on.includes("*"));

const BY_KIND = new Map<string, Rule[]>();
for (const rule of RULES)
  for (const kind of rule.on) if (kind !== "*") BY_KIND.set(kind, [...(BY_KIND.get(kind) ?? []), rule]);

function finding(
  rule: Rule,
  found: Found,
  statement: Pick<LintStatement, "index" | "line" | "kind" | "fields">,
  file: LintFile,
  { sizes }: LintOptions,
  standing: Standing,
): Finding {
  const relations = [...new Set(found.relations ?? [])];
  const known = relations.flatMap((relation) => {
    const size = sizes?.[standing.fullName(relation)];
    return size === undefined ? [] : [size];
  });
  const severity = found.severity ?? rule.severity;
  const harmless =
    rule.scales === true && known.length > 0 && known.length === relations.length && areTiny(known);
  const lock = found.lock ?? ownLock(rule, statement, relations);
  return {
    rule: rule.id,
    severity: harmless ? "warning" : severity,
    path: file.path,
    line: statement.line,
    statement: statement.index,
    message: `${found.message}${describeSizes(known)}`,
    hint: found.hint ?? rule.mend,
    ...(lock && { lock }),
    blocks: rule.blocks,
  };
}

/** What the statement takes on the relations that the finding names; of a rule that claims none, nothing. */
function ownLock(
  { claim }: Rule,
  statement: Pick<LintStatement, "kind" | "fields">,
  relations: string[],
): Finding["lock"] {
  if ("none" in claim || relations.length === 0) return undefined;
  return { mode: strongest(locksOf(statement), relations)?.mode ?? claim.lock, relations };
}

function strongest(locks: readonly Lock[], relations: readonly string[]): Lock | undefined {
  return locks
    .filter(({ relation }) => relations.includes(relation))
    .sort((a, b) => LOCK_MODES.indexOf(b.mode) - LOCK_MODES.indexOf(a.mode))[0];
}

interface Memory {
  held: Map<string, HeldLock>;
  orders: Map<string, string>;
  lockedHere: string[];
}

/** From here on a lock keeps writers out. */
const AGAINST_WRITERS = LOCK_MODES.indexOf("ShareLock");

function remember(
  statement: LintStatement,
  context: LintContext,
  { held, orders, lockedHere }: Memory,
): void {
  for (const { relation, mode } of locksOf(statement)) {
    if (!context.stood(relation)) continue;
    // CREATE OR REPLACE of a view that nothing here has made most likely makes it.
    if (statement.kind === "ViewStmt" && !context.standing.knows("OBJECT_VIEW", relation)) continue;
    const name = context.standing.fullName(relation);
    const strength = LOCK_MODES.indexOf(mode);
    if (strength >= AGAINST_WRITERS && !lockedHere.includes(name)) {
      for (const before of lockedHere) {
        const order = `${before} ${name}`;
        if (!orders.has(order)) orders.set(order, context.file.path);
      }
      lockedHere.push(name);
    }
    const known = held.get(name);
    if (!context.file.transactional || context.file.batched) continue;
    if (known === undefined || LOCK_MODES.indexOf(known.mode) < strength)
      held.set(name, { mode, path: context.file.path, line: statement.line });
  }
}

function atEnd(
  standing: Standing,
  pending: readonly { file: LintFile; source: LintSource }[],
  options: LintOptions,
): Finding[] {
  return RULES.flatMap((rule) =>
    (rule.atEnd?.(standing) ?? []).flatMap((found) => {
      const place = pending.find(({ file }) => file.path === found.path);
      const statement = place?.source.statements.find(({ index }) => index === found.statement);
      if (place === undefined || statement === undefined) return [];
      return [finding(rule, found, { ...statement, fields: {} }, place.file, options, standing)];
    }),
  );
}

function inOrder(findings: readonly Finding[], paths: readonly string[]): Finding[] {
  const place = new Map(paths.map((path, index) => [path, index]));
  return [...findings].sort(
    (a, b) =>
      (place.get(a.path) ?? 0) - (place.get(b.path) ?? 0) || a.line - b.line || a.statement - b.statement,
  );
}
