/** Accepting a release: the uploaded bundle is proved and every file read, so that a bad one is refused at the door. */
import type { Json } from "../core/canonical-json.ts";
import { checkProject } from "../core/project.ts";
import { readBundle } from "../core/release.ts";
import { appendEvent } from "../io/ledger/events.ts";
import { insertRelease, isKnownRelease, releaseKey } from "../io/ledger/releases.ts";
import type { ObjectStore } from "../io/object-store.ts";
import type { Session } from "../io/postgres/session.ts";

/** Returns false when it was accepted before. Throws what `readBundle` and `checkProject` find, with path and line. */
export async function acceptRelease(
  ledger: Session,
  store: ObjectStore,
  hash: string,
  person: string,
): Promise<boolean> {
  if (await isKnownRelease(ledger, hash)) return false;
  const { manifest, files } = readBundle(await store.get(releaseKey(hash)), hash);
  const project = await checkProject(files);
  return ledger.transaction(async () => {
    const release = { hash, project: project.name, manifest: manifest as Json, uploadedBy: person };
    if (!(await insertRelease(ledger, release))) return false;
    await appendEvent(ledger, {
      type: "release.uploaded",
      data: {
        release: hash,
        project: project.name,
        files: files.length,
        migrations: project.migrations.length,
        by: person,
      },
    });
    return true;
  });
}
