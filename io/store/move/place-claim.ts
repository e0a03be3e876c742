/** Who is exporting to a place: two exports at once would mix two instants. */
import * as z from "zod";
import { RehearsalError } from "../../../core/errors.ts";
import { HEAD, type Place } from "../place.ts";

/** There while an export runs, and after one that died. */
const CLAIM = "cache/export.json";

const claimSchema = z.object({
  format: z.literal("rehearsal-store-export/1"),
  id: z.string(),
  run: z.string(),
});

export interface Claim {
  /** Throws `StoreExportOvertaken` when another export has begun here since. */
  assertMine(): Promise<void>;
  /** To be called once the head is there. */
  release(): Promise<void>;
}

/** Takes an empty place, or one where an export has died, which is emptied. Throws `StorePlaceTaken`. */
export async function claimPlace(place: Place, id: string, run: string): Promise<Claim> {
  const found = await place.read(CLAIM);
  if (found === undefined) await assertEmpty(place);
  else {
    const parsed = claimSchema.safeParse(readJson(found.bytes));
    if (!parsed.success) throw new RehearsalError("StorePlaceTaken", { place: place.where, path: CLAIM });
  }
  const bytes = Buffer.from(`${JSON.stringify({ format: "rehearsal-store-export/1", id, run })}\n`);
  const overtaken = () => new RehearsalError("StoreExportOvertaken", { place: place.where });
  const assertMine = async () => {
    if (!(await place.read(CLAIM))?.bytes.equals(bytes)) throw overtaken();
  };
  // An answer that was lost is a conflict with oneself.
  if ((await place.write(CLAIM, bytes, found?.tag)) === "conflict") await assertMine();
  for await (const { path } of place.list("")) {
    if (path === HEAD) throw new RehearsalError("StorePlaceTaken", { place: place.where, path });
    if (path !== CLAIM) await place.remove(path);
  }
  return { assertMine, release: () => place.remove(CLAIM) };
}

async function assertEmpty(place: Place): Promise<void> {
  for await (const { path } of place.list(""))
    throw new RehearsalError("StorePlaceTaken", { place: place.where, path });
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    // Somebody else's file, which is told by what it is not.
    return undefined;
  }
}
