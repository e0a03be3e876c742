/** The door of what imports read: a folder only where the functions run beside it, and of a bucket only the environment's own intake. */
import { RehearsalError } from "../core/errors.ts";
import { describeSource, type ImportSourceName, intakePrefix, uploadPrefix } from "../core/import/source.ts";
import { openBucketSource } from "../io/import/bucket-source.ts";
import { openFolderSource } from "../io/import/folder-source.ts";
import type { FileSource } from "../io/import/source.ts";
import type { Environment } from "../io/ledger/environments.ts";
import { openObjectStore } from "../io/object-store.ts";
import { artifacts } from "./clients.ts";

/** Throws `ImportSourceUnfit` for a source that this service, or this environment, cannot have. */
export function refuseSource(
  { name, policy }: Pick<Environment, "name" | "policy">,
  source: ImportSourceName,
): void {
  const refuse = (reason: string) =>
    new RehearsalError("ImportSourceUnfit", { source: describeSource(source), reason });
  if ("folder" in source && process.env.REHEARSAL_FILES !== "here")
    throw refuse("the service does not run on your machine");
  if ("intake" in source && policy.storage === undefined)
    throw refuse(`the policy of "${name}" names no storage, so there is no intake`);
}

/** Opens a source; throws `ImportSourceUnfit` and `ImportSourceMissing`. */
export async function openImportSource(
  environment: Pick<Environment, "name" | "policy">,
  source: ImportSourceName,
): Promise<FileSource> {
  refuseSource(environment, source);
  if ("folder" in source) return openFolderSource(source.folder);
  if ("upload" in source) return openBucketSource(artifacts(), uploadPrefix(environment.name, source.upload));
  const { storage } = environment.policy;
  if (storage === undefined) throw new Error("the door has let in an intake without storage");
  const store = openObjectStore({ bucket: storage.bucket, elsewhere: true });
  const opened = await openBucketSource(store, intakePrefix(storage, source.intake));
  return { ...opened, close: () => store.close() };
}
