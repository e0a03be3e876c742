/** Files to be imported, wherever they lie: listed in one order, so that an import which stopped goes on behind its last record. */

export interface SourceFile {
  /** From the source's top, parts with a slash between them. */
  path: string;
  /** Bytes. */
  size: number;
}

/** What lies there and is no file to be read: why not, in words. */
export interface SourceOddity {
  path: string;
  odd: string;
}

export interface FileSource {
  /** In the order of the bytes of their paths; from behind `after` when given. */
  list(after?: string): AsyncGenerator<SourceFile | SourceOddity>;
  /** The bytes of a file that was listed; no more than `size` when it grew meanwhile is an error, as is less. */
  read(file: SourceFile): AsyncIterable<Uint8Array>;
  close(): void;
}
