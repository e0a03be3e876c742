/** One bucket on the disk: every version is one file, published by one rename, and the index is made from the files alone. */
import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Checksum } from "./checksums.ts";
import { S3Failure } from "./failure.ts";
import { OrderedKeys } from "./key-order.ts";
import type { DefaultRetention, ObjectLock } from "./object-lock.ts";
import { readFooter, type Staged, type Staging } from "./staging.ts";
import { readUploads, type Upload } from "./upload.ts";

export interface BucketConfig {
  name: string;
  /** ISO 8601. */
  created: string;
  /** Absent until versioning is first switched on. */
  versioning?: "Enabled" | "Suspended";
  objectLock?: { default?: DefaultRetention };
}

/** What stands behind a version's bytes in its file. */
export interface VersionRecord {
  key: string;
  /** `null` for versions made while versioning was not enabled. */
  versionId: string;
  deleteMarker?: true;
  size: number;
  /** Without quotes. */
  etag: string;
  /** ISO 8601, whole seconds: S3 keeps no finer time. */
  modified: string;
  /** Content-Type and its like, lower-case names. */
  headers: Record<string, string>;
  metadata: Record<string, string>;
  checksum?: Checksum;
  lock: ObjectLock;
  /** The multipart upload it was made of. */
  uploadId?: string;
}

export interface Version extends VersionRecord {
  /** Order of publication in the bucket. */
  sequence: number;
  path: string;
}

/** What must hold of the key's current version for a write to be published. */
export interface WriteCondition {
  absent?: boolean;
  etag?: string;
}

/** The file name keeps the order; keys never become paths, so no key can name a file outside. */
const FILE = /^([0-9a-f]{14})\.object$/;

export class Bucket {
  config: BucketConfig;
  /** Newest first; never empty. */
  readonly versions = new OrderedKeys<Version[]>();
  readonly uploads: Map<string, Upload>;
  readonly #folder: string;
  readonly #staging: Staging;
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #watches = new Map<string, Set<{ deleted: boolean }>>();
  #sequence = 0;

  private constructor(folder: string, staging: Staging, config: BucketConfig, uploads: Map<string, Upload>) {
    this.#folder = folder;
    this.#staging = staging;
    this.config = config;
    this.uploads = uploads;
  }

  /** Makes the folder under its name at once, configuration in it. */
  static async create(folder: string, staging: Staging, config: BucketConfig): Promise<Bucket> {
    const staged = await staging.folder("bucket", config);
    await staged.publish(folder);
    return Bucket.open(folder, staging);
  }

  static async open(folder: string, staging: Staging): Promise<Bucket> {
    await mkdir(join(folder, "objects"), { recursive: true });
    await mkdir(join(folder, "uploads"), { recursive: true });
    const { footer: config } = await readFooter<BucketConfig>(join(folder, "bucket"));
    const bucket = new Bucket(folder, staging, config, await readUploads(join(folder, "uploads")));
    await bucket.#index();
    return bucket;
  }

  /** The newest version, when there is one and it is not a delete marker. */
  current(key: string): Version | undefined {
    const newest = this.versions.get(key)?.[0];
    return newest?.deleteMarker ? undefined : newest;
  }

  version(key: string, versionId: string): Version | undefined {
    return this.versions.get(key)?.find((version) => version.versionId === versionId);
  }

  uploadFolder(uploadId: string): string {
    return join(this.#folder, "uploads", uploadId);
  }

  /** The id a version gets that is written now. */
  nextVersionId(): string {
    return this.config.versioning === "Enabled" ? randomBytes(24).toString("base64url") : "null";
  }

  async configure(config: BucketConfig): Promise<void> {
    const staged = await this.#staging.file(async () => config);
    await staged.publish(join(this.#folder, "bucket"));
    this.config = config;
  }

  /** Runs the write with a watch on its key, so that a deletion in its time is known when it is published. */
  async conditionally<T>(
    key: string,
    condition: WriteCondition,
    write: (check: () => void) => Promise<T>,
  ): Promise<T> {
    const watch = { deleted: false };
    const watches = this.#watches.get(key) ?? new Set();
    this.#watches.set(key, watches.add(watch));
    try {
      return await write(() => this.#check(key, condition, watch.deleted));
    } finally {
      watches.delete(watch);
      if (watches.size === 0) this.#watches.delete(key);
    }
  }

  /** Makes a staged file the key's newest version; `check` has the last word, when nobody else can change the key. */
  async publish(staged: Staged & { footer: VersionRecord }, check?: () => void): Promise<Version> {
    const record = staged.footer;
    return this.inTurn(record.key, async () => {
      try {
        check?.();
        const sequence = ++this.#sequence;
        const path = join(this.#folder, "objects", `${sequence.toString(16).padStart(14, "0")}.object`);
        await staged.publish(path);
        const version: Version = { ...record, sequence, path };
        const before = this.versions.get(record.key) ?? [];
        const replaced = before.filter(({ versionId }) => versionId === record.versionId);
        this.versions.set(record.key, [version, ...before.filter((old) => !replaced.includes(old))]);
        if (record.deleteMarker) this.#tellDeleted(record.key);
        for (const old of replaced) await this.#unlink(old);
        return version;
      } catch (error) {
        await staged.discard();
        throw error;
      }
    });
  }

  /** Deletes one version for good; the caller holds the key's turn. */
  async remove(version: Version): Promise<void> {
    const before = this.versions.get(version.key) ?? [];
    const left = before.filter((other) => other !== version);
    if (left.length > 0) this.versions.set(version.key, left);
    else this.versions.delete(version.key);
    if (before[0] === version) this.#tellDeleted(version.key);
    await this.#unlink(version);
  }

  /** Keeps a changed lock beside its version; the caller holds the key's turn. */
  async lock(version: Version, lock: ObjectLock): Promise<void> {
    const staged = await this.#staging.file(async () => lock);
    await staged.publish(lockPath(version.path));
    version.lock = lock;
  }

  /** One change of a key at a time. */
  async inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(key) ?? Promise.resolve();
    const turn = before.then(work, work);
    this.#turns.set(key, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(key) === turn) this.#turns.delete(key);
    }
  }

  /**
   * "Conditional write behavior" of the S3 User Guide: the first write to finish wins and the others get 412;
   * a deletion that comes between the start and the end of a conditional write makes it 409; If-Match of nothing is 404.
   */
  #check(key: string, condition: WriteCondition, deleted: boolean): void {
    const current = this.current(key);
    if (condition.absent) {
      if (current !== undefined)
        throw new S3Failure("PreconditionFailed", undefined, { facts: { Condition: "If-None-Match" } });
      if (deleted) throw new S3Failure("ConditionalRequestConflict");
    }
    if (condition.etag !== undefined) {
      if (current === undefined) throw new S3Failure("NoSuchKey", undefined, { facts: { Key: key } });
      if (current.etag !== condition.etag)
        throw new S3Failure("PreconditionFailed", undefined, { facts: { Condition: "If-Match" } });
      if (deleted) throw new S3Failure("ConditionalRequestConflict");
    }
  }

  #tellDeleted(key: string): void {
    for (const watch of this.#watches.get(key) ?? []) watch.deleted = true;
  }

  async #unlink(version: Version): Promise<void> {
    await this.#staging.remove(version.path);
    await rm(lockPath(version.path), { force: true });
  }

  /** Reads every footer; a null version that was replaced but not yet removed when the process died is removed now. */
  async #index(): Promise<void> {
    const folder = join(this.#folder, "objects");
    const names = new Set(await readdir(folder));
    for (const name of [...names].sort()) {
      const digits = FILE.exec(name)?.[1];
      if (digits === undefined) continue;
      const path = join(folder, name);
      const { footer } = await readFooter<VersionRecord>(path);
      const locked = names.delete(name.replace(".object", ".lock"))
        ? (await readFooter<ObjectLock>(lockPath(path))).footer
        : footer.lock;
      const version: Version = { ...footer, lock: locked, sequence: Number.parseInt(digits, 16), path };
      this.#sequence = Math.max(this.#sequence, version.sequence);
      const older = this.versions.get(footer.key) ?? [];
      const replaced = older.filter(({ versionId }) => versionId === version.versionId);
      this.versions.set(footer.key, [version, ...older.filter((old) => !replaced.includes(old))]);
      for (const old of replaced) await this.#unlink(old);
      // The object was published and the process died before its parts were removed.
      if (footer.uploadId !== undefined && this.uploads.delete(footer.uploadId))
        await this.#staging.remove(this.uploadFolder(footer.uploadId));
    }
    for (const name of names) if (name.endsWith(".lock")) await rm(join(folder, name));
  }
}

function lockPath(path: string): string {
  return path.replace(/\.object$/, ".lock");
}
