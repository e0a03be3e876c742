/** The backup of a promotion as it lies in the bucket, for tests that damage it: beside the service, with no proxy in between. */
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from "@aws-sdk/client-s3";
import { type BackupManifest, parseManifest } from "../../core/backup-manifest.ts";
import { rows } from "../postgres.ts";
import type { LocalService } from "./local-service.ts";

export class BackupOf {
  readonly manifest: BackupManifest;
  readonly manifestKey: string;
  readonly #bucket: string;
  readonly #s3: S3Client;

  private constructor(s3: S3Client, bucket: string, manifestKey: string, manifest: BackupManifest) {
    this.#s3 = s3;
    this.#bucket = bucket;
    this.manifestKey = manifestKey;
    this.manifest = manifest;
  }

  /** The promotion's recorded backup. */
  static async open(service: LocalService, promotion: string): Promise<BackupOf> {
    const [row] = await rows<{ key: string }>(
      service.control,
      "select manifest_key as key from ledger.backups where promotion = $1",
      [promotion],
    );
    if (row === undefined) throw new Error(`${promotion} has no backup`);
    const s3 = new S3Client({ endpoint: service.stack.endpoints.s3 });
    const bucket = service.variables.REHEARSAL_BUCKET ?? "";
    const found = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: row.key }));
    const bytes = await found.Body?.transformToByteArray();
    return new BackupOf(s3, bucket, row.key, parseManifest(bytes ?? new Uint8Array()));
  }

  /** Every object, the manifest last. */
  get keys(): string[] {
    const { toc, data, largeObjects } = this.manifest;
    return [...[toc, ...data, ...largeObjects].map(({ key }) => key), this.manifestKey];
  }

  async read(key: string): Promise<Uint8Array> {
    const found = await this.#s3.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }));
    return (await found.Body?.transformToByteArray()) ?? new Uint8Array();
  }

  /** Puts other bytes in the object's place, with checksums of their own: S3 finds nothing wrong with them. */
  async change(key: string, change: (bytes: Uint8Array) => Uint8Array): Promise<void> {
    const Body = change(await this.read(key));
    await this.#s3.send(new PutObjectCommand({ Bucket: this.#bucket, Key: key, Body }));
  }

  async remove(key: string): Promise<void> {
    await this.#s3.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: key }));
  }

  /** What an operator does whom the hint sends to the older versions: the newest one that holds bytes is put back in its place. */
  async bringBack(key: string): Promise<void> {
    const { Versions = [] } = await this.#s3.send(
      new ListObjectVersionsCommand({ Bucket: this.#bucket, Prefix: key }),
    );
    const [version] = Versions.filter(({ Key }) => Key === key);
    const CopySource = `${this.#bucket}/${encodeURIComponent(key)}?versionId=${version?.VersionId}`;
    await this.#s3.send(new CopyObjectCommand({ Bucket: this.#bucket, Key: key, CopySource }));
  }

  close(): void {
    this.#s3.destroy();
  }
}

/** The keys under a prefix, and how many uploads are begun and not ended. */
export async function leftInBucket(endpoint: string, bucket: string, prefix: string) {
  const s3 = new S3Client({ endpoint });
  try {
    const keys: string[] = [];
    for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket: bucket, Prefix: prefix }))
      keys.push(...(page.Contents ?? []).map(({ Key }) => Key ?? ""));
    const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    return {
      keys,
      uploads: Uploads.map(({ Key }) => Key ?? "").filter((key) => key.startsWith(prefix)),
    };
  } finally {
    s3.destroy();
  }
}
