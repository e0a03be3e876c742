/** The release a promotion is about: read from the bucket, proved against its hash, and cut into what will run. */
import { checkProject, type Project, type ProjectFile } from "../core/project.ts";
import { readBundle } from "../core/release.ts";
import { planRuns, type Repeatable, type Run } from "../core/runs.ts";
import { releaseKey } from "../io/ledger/releases.ts";
import type { ObjectStore } from "../io/object-store.ts";

/** Reads and proves a release; throws when one byte is not what the hash says. With `pending` the other migrations come without statements. */
export async function readRelease(
  store: ObjectStore,
  hash: string,
  pending?: readonly string[],
): Promise<Project> {
  return (await readReleaseFiles(store, hash, pending)).project;
}

/** The same, with its files' bytes. */
export async function readReleaseFiles(
  store: ObjectStore,
  hash: string,
  pending?: readonly string[],
): Promise<{ project: Project; files: ProjectFile[] }> {
  const { files } = readBundle(await store.get(releaseKey(hash)), hash);
  const wanted = pending && new Set(pending);
  const isApplied = wanted && (({ path }: { path: string }) => !wanted.has(path));
  return { project: await checkProject(files, undefined, isApplied), files };
}

/** The runs of the files that admission found pending, the same in every step and every attempt. */
export function runsOf(project: Project, pending: readonly string[], seed: boolean): Run[] {
  const wanted = new Set(pending);
  const chosen = <T extends { path: string }>(files: readonly T[]) =>
    files.filter((file) => wanted.has(file.path));
  return planRuns(
    chosen(project.migrations),
    chosen<Repeatable>(project.views),
    seed ? chosen<Repeatable>(project.seeds) : [],
  );
}
