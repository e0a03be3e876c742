/** What `rehearsal/store` exports: an application's store, and which backend it is asked for. */
export { RehearsalError } from "../core/errors.ts";
export type { StoreDefinition } from "../core/store/definition.ts";
export type { By, Key, Listed, Page, Reader, Row, Rows, Store, Typed, Writer } from "../core/store/store.ts";
export type { SweptContents } from "../io/store/content-sweep.ts";
export type { Compare, Difference } from "../io/store/differences.ts";
export {
  type DataBackend,
  getDataBackend,
  isDualMode,
  isMigrationMode,
  logBackendConfig,
  useJsonStore,
  usePostgres,
  usePrisma,
} from "./data-backend.ts";
export { openStore, type StoreOptions, sweepContents } from "./open-store.ts";
