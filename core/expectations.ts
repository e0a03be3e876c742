/** What production must look like after each run, as the rehearsal found it: written by rehearse, asked by migrate and verify. */
import type { Baseline } from "./baseline.ts";
import type { Shape } from "./shape.ts";

export interface Expectations {
  format: "rehearsal-expectations/1";
  /** One per run. */
  runs: { fingerprint: string; shape: Shape; changedTables: string[]; replacedTables?: string[] }[];
  /** The columns that stand before and after with one type, by table: what a verification may compare. */
  kept: Record<string, string[]>;
  /** Tables whose kept columns held after the rehearsal what they held before. */
  unchanged: string[];
  /** Everything the copy held after the rehearsal. */
  after: Baseline;
}
