/** All buckets of a folder: found at the start, made and removed by one rename each. */
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { Bucket, type BucketConfig } from "./bucket.ts";
import { S3Failure } from "./failure.ts";
import { Staging } from "./staging.ts";

export class Buckets {
  readonly staging: Staging;
  readonly #folder: string;
  readonly #buckets: Map<string, Bucket>;

  private constructor(folder: string, staging: Staging, buckets: Map<string, Bucket>) {
    this.#folder = folder;
    this.staging = staging;
    this.#buckets = buckets;
  }

  /** `durable` makes each write wait for the disk. */
  static async open(folder: string, durable: boolean): Promise<Buckets> {
    const home = join(folder, "buckets");
    await mkdir(home, { recursive: true, mode: 0o700 });
    const staging = await Staging.open(join(folder, "staging"), durable);
    const buckets = new Map<string, Bucket>();
    for (const name of (await readdir(home)).sort())
      buckets.set(name, await Bucket.open(join(home, name), staging));
    return new Buckets(home, staging, buckets);
  }

  list(): Bucket[] {
    return [...this.#buckets.values()].sort((a, b) => (a.config.name < b.config.name ? -1 : 1));
  }

  /** Throws NoSuchBucket. */
  get(name: string): Bucket {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) throw new S3Failure("NoSuchBucket", undefined, { facts: { BucketName: name } });
    return bucket;
  }

  has(name: string): boolean {
    return this.#buckets.has(name);
  }

  async create(config: BucketConfig): Promise<void> {
    checkBucketName(config.name);
    const bucket = await Bucket.create(join(this.#folder, config.name), this.staging, config);
    this.#buckets.set(config.name, bucket);
  }

  /** Throws BucketNotEmpty while any version, delete markers too, is left. */
  async remove(name: string): Promise<void> {
    if (this.get(name).versions.size > 0)
      throw new S3Failure("BucketNotEmpty", undefined, { facts: { BucketName: name } });
    this.#buckets.delete(name);
    await this.staging.remove(join(this.#folder, name));
  }
}

/** "Bucket naming rules" of the S3 User Guide; what passes is also a safe name for a folder. */
function checkBucketName(name: string): void {
  const wellFormed = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name);
  const address = /^\d+\.\d+\.\d+\.\d+$/.test(name);
  if (!wellFormed || address || name.includes("..") || name.startsWith("xn--") || name.endsWith("-s3alias"))
    throw new S3Failure("InvalidBucketName", undefined, { facts: { BucketName: name } });
}
