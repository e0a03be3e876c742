/** Exports in the bucket, of backups and of reports: where their files are, and the listing that whoever fetches them goes by. */
import { canonicalJson, type Json } from "../core/canonical-json.ts";
import { sha256 } from "../core/digest.ts";
import { RehearsalError } from "../core/errors.ts";
import type { ReportColumn, ReportFormat } from "../core/reporting/definition.ts";
import type { TaskKind } from "../core/tasks.ts";
import type { Task } from "../io/ledger/tasks.ts";
import type { ObjectStore } from "../io/object-store.ts";
import { readArtifact, writeArtifact } from "./artifacts.ts";

/** Seconds that what a task has exported can be fetched. */
export const EXPORT_SECONDS = { export: 86_400, report: 30 * 86_400 } as const;

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

/** What is told of a report's files; FORMATS.md pins it. */
interface ReportManifest {
  format: "rehearsal-report/1";
  report: string;
  description: string;
  environment: string;
  /** The whole hash. */
  release: string;
  /** sha256 of the report's file, and of its statement. */
  definition: string;
  statement: string;
  /** By the server's clock. */
  snapshotAt: string;
  rows: number;
  columns: ({ name: string } & ReportColumn)[];
  order: string[];
  files: (ExportedFile & { format: ReportFormat })[];
}

const MANIFEST = "manifest.json";

/** Written last, beside the files: it promises that every one of them is there. */
export async function writeReportManifest(
  store: ObjectStore,
  task: string,
  attempt: number,
  manifest: Omit<ReportManifest, "format">,
): Promise<void> {
  await writeArtifact(store, exportKey(task, attempt, MANIFEST), {
    format: "rehearsal-report/1",
    ...manifest,
  });
}

/** The manifest of a report's run that has succeeded; throws `NotFound` for any other task, and when its files were removed. */
async function readReportManifest(store: ObjectStore, task: Task): Promise<ReportManifest> {
  refuseWithout(task, "report");
  return readArtifact(store, exportKey(task.id, task.attempt, MANIFEST), "rehearsal-report/1");
}

function refuseWithout({ id, kind, status, facts }: Task, wanted: TaskKind): void {
  if (kind !== wanted || status !== "succeeded" || facts.removedAt !== undefined)
    throw new RehearsalError("NotFound", { what: wanted, name: id });
}

/** The files of an export that has succeeded, by name; throws `NotFound` for any other task, and when they were removed. */
export async function readListing(store: ObjectStore, task: Task): Promise<ExportedFile[]> {
  const { id, attempt } = task;
  if (task.kind === "report") {
    const manifest = await readReportManifest(store, task);
    const bytes = Buffer.from(canonicalJson(manifest as unknown as Json));
    const files = manifest.files.map(({ name, size, sha256 }) => ({ name, size, sha256 }));
    return [...files, { name: MANIFEST, size: bytes.length, sha256: sha256(bytes) }].sort((one, other) =>
      one.name < other.name ? -1 : 1,
    );
  }
  refuseWithout(task, "export");
  const listing = await readArtifact<Listing>(store, listingKey(id, attempt), "rehearsal-export/1");
  return listing.files;
}
