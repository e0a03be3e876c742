/** The objects of a backup, read in part: a consumer that fails must be able to tell. */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { readObject, writeObject } from "../../io/backup-objects.ts";
import { startBucket } from "../bucket.ts";

test("who stops reading an object in the middle is not kept waiting", async () => {
  const bucket = await startBucket();
  const digests = Array.from({ length: 20_000 }, (_, row) =>
    createHash("md5").update(String(row)).digest("hex"),
  );
  async function* text() {
    yield Buffer.from(`${digests.join("\n")}\n`);
  }
  const written = await writeObject(bucket.store, "object", text(), () => undefined);
  if (written === undefined) throw new Error("there is text");
  for (const stopAfter of [1, 2, 3])
    for (let round = 0; round < 10; round++) {
      let pieces = 0;
      for await (const _piece of readObject(bucket.store, { ...written, rows: digests.length }))
        if (++pieces === stopAfter) break;
      expect(pieces).toBe(stopAfter);
    }
  await bucket.stop();
}, 20_000);
