/** Where a store's files lie: a folder or a part of a bucket, behind the few things that the store's algorithm asks of either. */

/** A file as it was read. */
export interface Placed {
  bytes: Buffer;
  /** Another one for other bytes. */
  tag: string;
}

/**
 * Paths are relative, with slashes, and stay inside: `StorePathUnsafe` for others, and for what leads elsewhere by a link.
 * What the place itself cannot do is `StorePlaceFailed`, or what the object store says.
 */
export interface Place {
  /** For people: the folder's path, or `s3://bucket/prefix/`. */
  readonly where: string;
  /** True where `append` is; elsewhere a file is written anew as a whole. */
  readonly appends: boolean;
  read(path: string): Promise<Placed | undefined>;
  /** As `read`, but for what is known already. */
  readIf(path: string, tag: string): Promise<Placed | "same" | undefined>;
  /** Of a file of any size; nothing where there is none. */
  stream(path: string): AsyncIterable<Uint8Array>;
  /**
   * Writes the whole file at once, durably, when it still is what it was (`undefined`: when there is none), and gives its
   * new tag; `conflict` when it is not. When an answer was lost, a conflict may be one with oneself.
   */
  write(path: string, bytes: Uint8Array, expected: string | undefined): Promise<string | "conflict">;
  /** Writes a file of any size, whole or not at all, whatever was there. */
  writeStream(path: string, source: AsyncIterable<Uint8Array>): Promise<void>;
  /** Cuts the file of `size` bytes at `at`, adds the bytes there and waits for the disk; `conflict` when its size is another. Only inside `exclusively`. */
  append(path: string, bytes: Uint8Array, at: number, size: number): Promise<"conflict" | undefined>;
  /** Done, too, when nothing is there. */
  remove(path: string): Promise<void>;
  /** All paths that begin so, in the order of their bytes, but for the place's own lock and drafts. */
  list(prefix: string): AsyncIterable<{ path: string; size: number }>;
  /**
   * Runs the work while no other process can write, where the place can see to that (a folder can); `held` writes without
   * asking again. Throws `StoreBusy` when others hold it too long.
   */
  exclusively<T>(work: (held: Place) => Promise<T>): Promise<T>;
  /** Lets go of what is kept open. */
  close(): Promise<void>;
}

/** The store's own names at the top, which no model's file can have. */
export const HEAD = "head.json";
export const CACHE = "cache/";
