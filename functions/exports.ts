/** Exports in the bucket: where their files are, and the listing that whoever fetches them goes by. */
import { RehearsalError } from "../core/errors.ts";
import type { Task } from "../io/ledger/tasks.ts";
import type { ObjectStore } from "../io/object-store.ts";
import { readArtifact, writeArtifact } from "./artifacts.ts";

/** Seconds that an export can be fetched. */
export const EXPORT_SECONDS = 86_400;

export interface ExportedFile {
  /** As pg_dump would call it. */
  name: string;
  /** Bytes. */
  size: number;
  sha256: string;
}

interface Listing {
  format: "rehearsal-export/1";
  backup: string;
  files: ExportedFile[];
}

/** Everything of one export. */
export function exportPrefix(task: string): string {
  return `exports/${task}/`;
}

/** The key of a file that an attempt has written. */
export function exportKey(task: string, attempt: number, name: string): string {
  return `${exportPrefix(task)}${attempt}/files/${name}`;
}

const listingKey = (task: string, attempt: number) => `${exportPrefix(task)}${attempt}/listing.json`;

/** Written last: it promises that every file is there. */
export async function writeListing(
  store: ObjectStore,
  task: string,
  attempt: number,
  listing: Omit<Listing, "format">,
): Promise<void> {
  await writeArtifact(store, listingKey(task, attempt), { format: "rehearsal-export/1", ...listing });
}

/** The files of an export that has succeeded, by name; throws `NotFound` for any other task, and when they were removed. */
export async function readListing(store: ObjectStore, task: Task): Promise<ExportedFile[]> {
  const { id, kind, status, attempt, facts } = task;
  if (kind !== "export" || status !== "succeeded" || facts.removedAt !== undefined)
    throw new RehearsalError("NotFound", { what: "export", name: id });
  const listing = await readArtifact<Listing>(store, listingKey(id, attempt), "rehearsal-export/1");
  return listing.files;
}
