/** What the command uploads for imports: into the service's own bucket, at keys that are made here, and for a while. */
import { RehearsalError } from "../core/errors.ts";
import { type ImportSourceName, uploadPrefix } from "../core/import/source.ts";
import type { UploadFile } from "../core/import/upload.ts";
import { checkSafePaths } from "../core/project-paths.ts";
import type { ObjectStore, PresignedPut } from "../io/object-store.ts";
import type { Session } from "../io/postgres/session.ts";

/** How long an upload of one file may take to begin. */
const UPLOAD_SECONDS = 900;

/** Files that are looked at together. */
const AT_ONCE = 20;

type AskedFile = { path: string; known: true } | { path: string; known: false; upload: PresignedPut };

/**
 * Where each file is to be put; those that are there already with the same bytes are known. The hash and the length are bound by
 * the signature, the key by the environment. Throws `PathRefused`.
 */
export async function askUploads(
  store: ObjectStore,
  environment: string,
  upload: string,
  files: readonly UploadFile[],
): Promise<AskedFile[]> {
  for (const { path } of files) checkSafePaths([path]);
  const prefix = uploadPrefix(environment, upload);
  const asked: AskedFile[] = [];
  for (let from = 0; from < files.length; from += AT_ONCE)
    asked.push(
      ...(await Promise.all(
        files.slice(from, from + AT_ONCE).map(async ({ path, size, sha256 }): Promise<AskedFile> => {
          if (await isThere(store, prefix + path, { size, sha256 })) return { path, known: true };
          return {
            path,
            known: false,
            upload: await store.presignPut(prefix + path, { size, sha256 }, UPLOAD_SECONDS),
          };
        }),
      )),
    );
  return asked;
}

async function isThere(
  store: ObjectStore,
  key: string,
  { size, sha256 }: { size: number; sha256: string },
): Promise<boolean> {
  try {
    const found = await store.head(key);
    return found.size === size && found.sha256 === sha256;
  } catch (error) {
    if (error instanceof RehearsalError && error.code === "ObjectMissing") return false;
    throw error;
  }
}

/** Removes what was uploaded, once it is imported; of another source nothing. */
export async function eraseUpload(
  store: ObjectStore,
  environment: string,
  source: ImportSourceName,
): Promise<void> {
  if ("upload" in source) await store.erase(uploadPrefix(environment, source.upload));
}

/** Days after which an upload to which nothing was added is nobody's. */
const WAITING = 7;

/** Removes uploads to which nothing was added for so many days: the command uploads again what somebody still wants. */
export async function sweepIntake(
  ledger: Session,
  store: ObjectStore,
  days = WAITING,
): Promise<{ folders: string[]; bytes: number }> {
  const [clock] = await ledger.query<{ past: Date }>("select now() - make_interval(days => $1) as past", [
    days,
  ]);
  if (clock === undefined) throw new Error("the ledger returned no row");
  const folders: string[] = [];
  let bytes = 0;
  for (const environment of await store.listFolders("intake/"))
    for (const folder of await store.listFolders(environment)) {
      if (await hasNewer(store, folder, clock.past)) continue;
      bytes += (await store.erase(folder)).bytes;
      folders.push(folder);
    }
  return { folders, bytes };
}

async function hasNewer(store: ObjectStore, folder: string, than: Date): Promise<boolean> {
  for await (const { modified } of store.list(folder)) if (modified > than) return true;
  return false;
}
