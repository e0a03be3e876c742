/** A zip file that comes out while it is written, and is the same bytes whenever and wherever that is. */
import { type UnzipFileInfo, unzipSync, Zip, ZipDeflate } from "fflate";

/** The first that a zip can say; of the local calendar, for that is what is written, whatever the zone. */
const WHEN = new Date(1980, 0, 1);

/** What a zip without its 64-bit extension can say of a file's length. */
export const ZIP_BYTES = 2 ** 32 - 1;

interface ZipWriter {
  /** Begins a file; the one before it ends. */
  begin(name: string): void;
  /** More of the file that was begun. */
  write(bytes: Uint8Array): void;
  /** Ends the last file and the zip. */
  end(): void;
  /** Bytes of the file that was begun, before they are compressed. */
  written(): number;
  /** What has come out since the last time. */
  take(): Uint8Array[];
}

export function openZip(): ZipWriter {
  let out: Uint8Array[] = [];
  let file: ZipDeflate | undefined;
  let size = 0;
  const zip = new Zip((error, bytes) => {
    if (error) throw error;
    out.push(bytes);
  });
  const close = () => {
    file?.push(new Uint8Array(), true);
    file = undefined;
  };
  return {
    begin: (name) => {
      close();
      file = new ZipDeflate(name, { level: 6 });
      file.mtime = WHEN;
      size = 0;
      zip.add(file);
    },
    write: (bytes) => {
      size += bytes.length;
      file?.push(bytes);
    },
    end: () => {
      close();
      zip.end();
    },
    written: () => size,
    take: () => {
      const taken = out;
      out = [];
      return taken;
    },
  };
}

/** The files of a zip, by name. Only for those that a library of ours has just made: it trusts their lengths. */
export function readZip(
  bytes: Uint8Array,
  wanted?: (file: UnzipFileInfo) => boolean,
): Record<string, Uint8Array> {
  return unzipSync(bytes, wanted === undefined ? undefined : { filter: wanted });
}
