/** The evidence an approval is bound to: one digest over all it rests on. */
import { digestOf } from "./digest.ts";

export interface Evidence {
  /** The release's hash. */
  release: string;
  /** Production's fingerprint before the migration. */
  fingerprint: string;
  /** sha256 of the rehearsal's report in JSON. */
  report: string;
  /** sha256 of what the rehearsal expects of production, by which it is verified; absent in older promotions. */
  expectations?: string;
  /** The data plans of what will run: the sha256 of each file by its path; absent where there are none. */
  plans?: Record<string, string>;
}

/** sha256 of the evidence's canonical JSON; changes when any part does. */
export function evidenceDigest(evidence: Evidence): string {
  return digestOf({ format: "rehearsal-evidence/1", ...evidence });
}
