/** Releases in the ledger: which bundles were uploaded, proved and by whom. */
import type { Json } from "../../core/canonical-json.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { Session } from "../postgres/session.ts";

export interface ReleaseRow {
  hash: string;
  project: string;
  uploadedBy: string;
  createdAt: Date;
}

/** The key of a release's bundle in the artifact bucket. */
export function releaseKey(hash: string): string {
  return `releases/${hash}.bundle`;
}

/** Records a release whose bundle was read back and proved; returns false when it was known already. */
export async function insertRelease(
  session: Session,
  release: { hash: string; project: string; manifest: Json; uploadedBy: string },
): Promise<boolean> {
  const inserted = await session.query(
    `insert into ledger.releases (hash, project, manifest, uploaded_by) values ($1, $2, $3, $4)
      on conflict do nothing returning hash`,
    [release.hash, release.project, JSON.stringify(release.manifest), release.uploadedBy],
  );
  return inserted.length > 0;
}

/** The release whose hash begins with `prefix`; throws `NotFound`, or `InputInvalid` when several do. */
export async function findRelease(session: Session, prefix: string): Promise<ReleaseRow> {
  const found = await session.query<ReleaseRow>(
    `select hash, project, uploaded_by as "uploadedBy", created_at as "createdAt" from ledger.releases
      where starts_with(hash, $1) order by hash limit 2`,
    [prefix],
  );
  const [release, another] = found;
  if (release === undefined) throw new RehearsalError("NotFound", { what: "release", name: prefix });
  if (another !== undefined)
    throw new RehearsalError("InputInvalid", {
      what: "the release",
      problems: `"${prefix}" begins several hashes`,
    });
  return release;
}

/** The newest releases first. */
export async function listReleases(session: Session, limit: number): Promise<ReleaseRow[]> {
  return session.query<ReleaseRow>(
    `select hash, project, uploaded_by as "uploadedBy", created_at as "createdAt" from ledger.releases
      order by created_at desc, hash limit $1`,
    [limit],
  );
}
