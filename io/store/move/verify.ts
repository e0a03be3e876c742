/** Holds a store against its database and against its own rules, and names what is wrong. */
import type { OnProgress } from "../../../core/progress.ts";
import type { StoreVerification } from "../../../core/store/verification.ts";
import type { JsonStore } from "../json-store.ts";
import type { CutOptions } from "./cut.ts";

export interface VerifyOptions {
  /** Open as `follower`; its files are read where they lie. */
  store: JsonStore;
  /** Without it the store is held against its own rules alone. */
  database?: (CutOptions & { feed?: string | undefined; connections?: number }) | undefined;
  onProgress?: OnProgress;
  /** Memory for keys that are looked up; 64 MiB when not given. With more rows the files are read several times. */
  keyBytes?: number;
}

/**
 * Never throws for what it finds: that is the report. With a feed the store is brought up to the instant at which the database is
 * read. Rows that change meanwhile are looked at again, behind another sync, before anything is said of them. Memory does not
 * grow with the rows.
 */
export async function verifyStore(_options: VerifyOptions): Promise<StoreVerification> {
  throw new Error("not yet");
}
