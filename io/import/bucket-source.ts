/** What was uploaded below a prefix, as a source. */
import { RehearsalError } from "../../core/errors.ts";
import type { ObjectStore } from "../object-store.ts";
import type { FileSource } from "./source.ts";

/** Opens a prefix, which ends with a slash; throws `ImportSourceMissing` where nothing lies. */
export async function openBucketSource(store: ObjectStore, prefix: string): Promise<FileSource> {
  for await (const _ of store.list(prefix)) return opened(store, prefix);
  throw new RehearsalError("ImportSourceMissing", { source: `s3://${store.bucket}/${prefix}` });
}

function opened(store: ObjectStore, prefix: string): FileSource {
  return {
    async *list(after) {
      for await (const { key, size } of store.list(prefix, after && prefix + after)) {
        const path = key.slice(prefix.length);
        // What consoles make for a folder.
        if (path.endsWith("/") && size === 0) continue;
        yield { path, size };
      }
    },
    async *read({ path, size }) {
      let read = 0;
      for await (const piece of store.getStream(prefix + path)) {
        read += piece.length;
        yield piece;
      }
      if (read !== size)
        throw new RehearsalError("ImportSourceChanged", {
          path,
          reason: `it has ${read} bytes, and had ${size} when it was listed`,
        });
    },
    close: () => {},
  };
}
