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

/** True when the release of exactly that hash was accepted. */
export async function isKnownRelease(session: Session, hash: string): Promise<boolean> {
  const found = await session.query("select 1 from ledger.releases where hash = $1", [hash]);
  return found.length > 0;
}

/** The newest releases first; `before` is the hash to go on from. */
export async function listReleases(session: Session, limit: number, before?: string): Promise<ReleaseRow[]> {
  return session.query<ReleaseRow>(
    `select hash, project, uploaded_by as "uploadedBy", created_at as "createdAt" from ledger.releases
      where $2::text is null
        or (created_at, hash) < (select b.created_at, b.hash from ledger.releases b where b.hash = $2)
      order by created_at desc, hash desc limit $1`,
    [limit, before ?? null],
  );
}
