/** What stands when a statement begins, as far as the statements before it tell: tables with columns, constraints and indexes, and which release made them. */
import { quoteName } from "../names.ts";

export interface KnownConstraint {
  /** "CONSTR_CHECK" */
  kind: string;
  valid: boolean;
  columns: string[];
  /** Columns of which it says that they are filled. */
  notNull: string[];
  /** Where it was made. */
  path: string;
  statement: number;
  release: number;
}

export interface KnownTable {
  /** The release that made it; -1 when it stood before all that is known. */
  release: number;
  /** Type by column, as text. */
  columns: Map<string, string>;
  constraints: Map<string, KnownConstraint>;
}

interface KnownIndex {
  /** Full name. */
  table: string;
  columns: string[];
  release: number;
}

export interface Unkeyed {
  recorder: string;
  column: string;
  path: string;
  statement: number;
}

/** Names are full: quoted, with their schema. */
export class Standing {
  readonly tables = new Map<string, KnownTable>();
  readonly indexes = new Map<string, KnownIndex>();
  /** Other objects by `OBJECT_KIND name`, and the release that made them. */
  readonly objects = new Map<string, number>();
  /** Functions whose body writes tables, by full name. */
  readonly writers = new Set<string>();
  /** Functions that are declared volatile, or not at all. */
  readonly volatile = new Set<string>();
  /** Columns of NEW that a function's body names, by the function's full name. */
  readonly recorded = new Map<string, ReadonlySet<string>>();
  /** The function that tells a change feed of a table, by the table's full name. */
  readonly recorders = new Map<string, string>();
  /** Tables that a feed's function cannot name the rows of any more, and where that came to be. */
  readonly unkeyed = new Map<string, Unkeyed>();
  /** Counts up; what it made is new. */
  release = 0;
  readonly #schema: string;

  constructor(searchPath: readonly string[]) {
    this.#schema = quoteName(searchPath[0] ?? "public");
  }

  /** A name with its schema, whether or not the file writes it. */
  fullName(relation: string): string {
    return /^"(?:[^"]|"")*"\./.test(relation) ? relation : `${this.#schema}.${relation}`;
  }

  /** The full name of something beside a table: its index. */
  beside(table: string, name: string): string {
    const full = this.fullName(table);
    return `${/^"(?:[^"]|"")*"/.exec(full)?.[0] ?? this.#schema}.${quoteName(name)}`;
  }

  table(relation: string): KnownTable | undefined {
    return this.tables.get(this.fullName(relation));
  }

  /** The table, which stood before all that is known when nothing made it. */
  found(relation: string): KnownTable {
    return this.table(relation) ?? this.make(relation, -1);
  }

  make(relation: string, release = this.release): KnownTable {
    const table: KnownTable = { release, columns: new Map(), constraints: new Map() };
    this.tables.set(this.fullName(relation), table);
    return table;
  }

  /** True when this release made the relation, or the table of the index. */
  isNew(relation: string): boolean {
    const name = this.fullName(relation);
    const table = this.tables.get(this.indexes.get(name)?.table ?? name);
    if (table !== undefined) return table.release === this.release;
    return RELATIONS.some((kind) => this.objects.get(`${kind} ${name}`) === this.release);
  }

  /** True when this release made the object. */
  madeObject(kind: string, name: string): boolean {
    const full = this.fullName(name);
    if (this.tables.has(full) || this.indexes.has(full)) return this.isNew(name);
    return this.objects.get(`${kind} ${full}`) === this.release;
  }

  /** True when some release made the object. */
  knows(kind: string, name: string): boolean {
    return this.objects.has(`${kind} ${this.fullName(name)}`);
  }

  indexesOf(relation: string): KnownIndex[] {
    const name = this.fullName(relation);
    return [...this.indexes.values()].filter((index) => index.table === name);
  }
}

const RELATIONS = ["OBJECT_VIEW", "OBJECT_SEQUENCE"];
