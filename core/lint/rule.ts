/** What a rule of the safety analysis is: what it looks for, what it claims of the database, and what it says. */
import type { Refusal } from "../forbidden-statements.ts";
import type { LockMode } from "../lock-modes.ts";
import type { Tree } from "../sql-tree.ts";
import type { Standing } from "./standing.ts";

/** An error may destroy data or stop production's work; a warning is about what is left behind, or not said. */
export type Severity = "error" | "warning";

/** What others cannot do while the statement works, or while its lock is held. */
export type Blocks = "reads" | "writes" | "nothing";

/** One statement as the rules see it. */
export interface LintStatement {
  /** Place in the file, from 0. */
  index: number;
  /** Line of its first token, from 1. */
  line: number;
  sql: string;
  kind: string;
  fields: Tree;
  /** Runs inside a DO block of the statement with this index. */
  inBlock: boolean;
}

/** A file as the rules see it. */
export interface LintFile {
  kind: "migration" | "view" | "seed";
  path: string;
  transactional: boolean;
  /** Cut into slices that are committed one by one. */
  batched: boolean;
}

/** Rows as the planner estimates them, bytes with indexes and TOAST. */
export interface TableSize {
  rows: number;
  bytes: number;
}

/** What is known around a statement, before it runs. */
export interface LintContext {
  file: LintFile;
  standing: Standing;
  /** True when the relation stood before this release, so that others may be using it. */
  stood(relation: string | undefined): boolean;
  /** Locks that this transaction holds already on relations that stood, by full name. */
  held: ReadonlyMap<string, HeldLock>;
  /** What this file has locked against writers so far, in order. */
  lockedHere: readonly string[];
  /** The path of the file that first locked `first` before `second` in this release. */
  lockedBefore(first: string, second: string): string | undefined;
  /** Milliseconds that Rehearsal lets one statement wait for a lock. */
  lockTimeout: number;
  /** Why Rehearsal would not run the statement; nothing when the file is known to be free of that. */
  refusals(statement: LintStatement): Refusal[];
  /** Full names of the tables that seeds may not write. */
  protectedTables: ReadonlySet<string>;
}

export interface HeldLock {
  mode: LockMode;
  path: string;
  line: number;
}

/** A rule's finding, before it has its place. */
export interface Found {
  /** A lower-case fact, no full stop. */
  message: string;
  /** The relations that are locked, rewritten or lost, as the file writes them. */
  relations?: string[];
  /** The lock that it is about, when it is not the statement's own. */
  lock?: { mode: LockMode; relations: string[] };
  /** When it differs from the rule's. */
  severity?: Severity;
  hint?: string;
}

/** A finding about a statement that ran before: found when the release ends. */
export interface FoundAtEnd extends Found {
  path: string;
  statement: number;
}

/** What the bad example does to a table of its set-up, and the good one does not: the measurement's question. */
export interface Claim {
  /** The relation watched, as SQL writes it. */
  table: string;
  /** The strongest lock on it. */
  lock: LockMode;
  /** Its rows are all read while the lock is held. */
  scans?: true;
  /** Its file on disk is replaced. */
  rewrites?: true;
}

export interface Rule {
  /** "drop-table" */
  id: string;
  severity: Severity;
  /** One sentence without a full stop. */
  title: string;
  blocks: Blocks;
  /** Measured on a server; or why there is nothing to measure. */
  claim: Claim | { none: string };
  /** Why it matters: a paragraph. */
  why: string;
  /** The mend, as a hint. */
  mend: string;
  /** Harmless where the tables are known to be tiny: then an error is only a warning. */
  scales?: true;
  /** Its point is what is lost: a data plan that covers the statement lets it through. */
  loss?: true;
  /** What both examples need to stand. */
  setup: string;
  bad: string;
  good: string;
  /** What the examples are, when not migrations. */
  exampleKind?: LintFile["kind"];
  /** The kinds of statement it looks at; "*" is every one. */
  on: readonly string[];
  check(statement: LintStatement, context: LintContext): Found[];
  /** Looks at what the release leaves behind. */
  atEnd?(standing: Standing): FoundAtEnd[];
}

/** A finding in its place. */
export interface Finding {
  rule: string;
  severity: Severity;
  path: string;
  line: number;
  /** Place of the statement in its file, from 0. */
  statement: number;
  message: string;
  hint: string;
  lock?: { mode: LockMode; relations: string[] };
  blocks: Blocks;
  /** It was allowed above the statement, or by a data plan. */
  suppressed?: Suppressed;
}

export interface Suppressed {
  reason: string;
  /** The path of the data plan whose reason it is. */
  by?: string | undefined;
}
