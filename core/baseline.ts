/** A database's baseline: what its tables hold, as counts and order-independent checksums that two databases can be compared by. */

export interface TableBaseline {
  rows: number;
  /** The columns the checksum covers, in the order they were hashed. */
  columns: string[];
  /** Sum over the rows of a 64-bit hash of the row's text, as a decimal string. */
  checksum: string;
}

export interface Baseline {
  format: "rehearsal-baseline/1";
  /** By quoted qualified name: `"public"."videos"`; ordinary tables, partitions and populated materialized views. */
  tables: Record<string, TableBaseline>;
  /** By quoted qualified name. */
  sequences: Record<string, { last: string; called: boolean }>;
  largeObjects: { count: number; checksum: string };
}
