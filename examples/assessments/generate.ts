/**
 * The door of the generator. Everything follows from `seed` and a number, the same on every machine and server:
 * - `drawJob(number, shape)`: one job with its rounds, media, final, correction and artifacts, as plain values;
 * - `fillProduction(session, { seed, jobs })`: the empty tables of release 1 with that many jobs, in one transaction;
 * - `fillBucket(store, { seed, jobs, root })`: the objects of the first jobs, whose bytes are `bytesOf` each;
 * - `writeLegacyTree(folder, { seed, jobs })`: the old system's files, a folder for each job, with the disagreements that
 *   such data has, each at its own rate; returns how many of each kind it made, and what an import does with it.
 */
export { type Filled, type FillOptions, fillBucket, fillProduction, payloadText } from "./generator/fill.ts";
export { bytesOf, drawJob, type Job, type JobShape, type Payload, sha256Of } from "./generator/job.ts";
export {
  type LegacyOptions,
  type LegacyTree,
  removeLegacyTree,
  writeLegacyTree,
} from "./generator/legacy.ts";
export { ODDITIES, type Oddity, type Outcome } from "./generator/oddities.ts";
