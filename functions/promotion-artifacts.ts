/** What a promotion left in the bucket, by names that begin at the promotion: nobody names a key of the bucket. */
import type { Permission } from "../core/access.ts";
import { RehearsalError } from "../core/errors.ts";
import type { Promotion } from "../io/ledger/promotions.ts";
import type { ObjectStore } from "../io/object-store.ts";

export interface Artifact {
  /** Relative: `rehearse/1/report.json`, or `backup/1/manifest.json` for what the first backup wrote. */
  key: string;
  /** Bytes. */
  size: number;
  modified: Date;
}

type Owner = Pick<Promotion, "id" | "environment">;

/** Everything of one promotion, its steps' artifacts before its backups. */
export async function* listArtifacts(store: ObjectStore, owner: Owner): AsyncIterable<Artifact> {
  const steps = `promotions/${owner.id}/`;
  for await (const { key, size, modified } of store.list(steps))
    yield { key: key.slice(steps.length), size, modified };
  const backups = `backups/${owner.environment}/${owner.id}-`;
  for await (const { key, size, modified } of store.list(backups))
    yield { key: `backup/${key.slice(backups.length)}`, size, modified };
}

/** The bucket's key of a relative one; throws `NotFound` for what cannot be this promotion's. */
export function artifactKey(owner: Owner, relative: string): string {
  const parts = relative.split("/");
  const plain = parts.every((part) => /^[A-Za-z0-9_][A-Za-z0-9._=-]*$/.test(part));
  if (!plain || parts.length < 2) throw new RehearsalError("NotFound", { what: "artifact", name: relative });
  const [first, ...rest] = parts;
  return first === "backup"
    ? `backups/${owner.environment}/${owner.id}-${rest.join("/")}`
    : `promotions/${owner.id}/${relative}`;
}

/** What it takes to read one: a backup's objects are production's rows, which whoever may only look is not to have. */
export function permissionFor(relative: string): Permission {
  return relative.startsWith("backup/") ? "promote" : "read";
}

/** The prefix of the newest attempt to rehearse that has written its report; throws `ReportMissing`. */
export async function newestReport(store: ObjectStore, id: string): Promise<string> {
  const prefix = `promotions/${id}/rehearse/`;
  let newest = 0;
  for await (const { key } of store.list(prefix)) {
    const attempt = /^(\d+)\/report\.json$/.exec(key.slice(prefix.length))?.[1];
    if (attempt !== undefined) newest = Math.max(newest, Number(attempt));
  }
  if (newest === 0) throw new RehearsalError("ReportMissing", { promotion: id });
  return `${prefix}${newest}/report`;
}
