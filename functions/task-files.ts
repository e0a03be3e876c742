/** The files that a task leaves: in the bucket below its id, named in its outcome, so that they are there when it has ended well. */
import type { Json } from "../core/canonical-json.ts";
import { RehearsalError } from "../core/errors.ts";
import type { KeptFile, Task } from "../io/ledger/tasks.ts";
import type { ObjectStore } from "../io/object-store.ts";
import { type ExportedFile, exportKey, readListing } from "./exports.ts";
import type { TaskContext } from "./task.ts";

const keyOf = (task: string, attempt: number, name: string) => `tasks/${task}/${attempt}/${name}`;

/** Writes files; what it returns belongs into the outcome as `files`. */
export async function writeTaskFiles(
  { task, attempt, store }: Pick<TaskContext, "task" | "attempt" | "store">,
  texts: Record<string, string>,
): Promise<ExportedFile[]> {
  const files: ExportedFile[] = [];
  for (const [name, text] of Object.entries(texts)) {
    const { size, sha256 } = await putTaskFile({ task, attempt, store }, name, text);
    files.push({ name, size, sha256 });
  }
  return files.sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** Writes one of a task that may go on in another attempt: it is found by the attempt that stands with it. */
export async function putTaskFile(
  {
    task,
    attempt,
    store,
  }: { task: Pick<Task, "id">; attempt: Pick<TaskContext["attempt"], "attempt">; store: ObjectStore },
  name: string,
  text: string,
): Promise<KeptFile> {
  const contentType = CONTENT_TYPES[name.slice(name.lastIndexOf("."))] ?? "text/plain; charset=utf-8";
  const key = keyOf(task.id, attempt.attempt, name);
  const { size, sha256 } = await store.putOnce(key, Buffer.from(text), { contentType });
  return { name, size, sha256, attempt: attempt.attempt };
}

const CONTENT_TYPES: Record<string, string> = {
  ".json": "application/json",
  ".ndjson": "application/x-ndjson",
};

/** The files of a task that has ended well, with their keys, by name; throws `NotFound` for one that has left none. */
export async function filesOfTask(
  store: ObjectStore,
  task: Task,
): Promise<(ExportedFile & { key: string })[]> {
  const { id, attempt } = task;
  if (task.kind === "export" || task.kind === "report")
    return (await readListing(store, task)).map((file) => ({
      ...file,
      key: exportKey(id, attempt, file.name),
    }));
  const files = namedIn(task.outcome);
  if (task.status !== "succeeded" || files === undefined)
    throw new RehearsalError("NotFound", { what: "task with files", name: id });
  return files.map(({ attempt: wrote = attempt, ...file }) => ({
    ...file,
    key: keyOf(id, wrote, file.name),
  }));
}

/** What this service wrote there itself. */
function namedIn(outcome: Json): (ExportedFile & Partial<KeptFile>)[] | undefined {
  return (outcome as { files?: ExportedFile[] } | null)?.files;
}
