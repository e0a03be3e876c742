/** Who is exporting to a place: two exports at once would mix two instants. A closed head without rows stands for the store that is to be. */
import * as z from "zod";
import { RehearsalError } from "../../../core/errors.ts";
import type { StoreDefinition } from "../../../core/store/definition.ts";
import { type Head, headBytes, newHead, parseHead } from "../head.ts";
import { HEAD, type Place } from "../place.ts";

export interface Claim {
  /** Throws `StoreExportOvertaken` when another export has begun here since. */
  assertMine(): Promise<void>;
  /** Puts the store's own head in the claim's stead: from then on it is a store. Throws as `assertMine` does. */
  finish(head: Head): Promise<void>;
}

/** In the head's notes while an export runs, and after one that died. */
const NOTE = "exporting";

const exporting = z.strictObject({ id: z.string(), run: z.string() });

/** Takes an empty place, or one where an export has died, which is emptied. Throws `StorePlaceTaken`. */
export async function claimPlace(
  place: Place,
  definition: StoreDefinition,
  claimed: { id: string; run: string },
): Promise<Claim> {
  const found = await place.read(HEAD);
  if (found === undefined) await assertEmpty(place);
  else if (!exporting.safeParse(parseHead(found.bytes).notes[NOTE]).success)
    throw new RehearsalError("StorePlaceTaken", { place: place.where, path: HEAD });
  const bytes = headBytes(newHead(definition, "closed", { notes: { [NOTE]: claimed } }));
  const tag = await exchange(place, bytes, found?.tag);
  for await (const { path } of place.list("")) if (path !== HEAD) await place.remove(path);
  return {
    assertMine: async () => {
      if ((await place.readIf(HEAD, tag)) !== "same")
        throw new RehearsalError("StoreExportOvertaken", { place: place.where });
    },
    finish: async (head) => {
      await exchange(place, headBytes(head), tag);
    },
  };
}

/** Writes the head; a conflict may be one with oneself, when an answer was lost. */
async function exchange(place: Place, bytes: Buffer, expected: string | undefined): Promise<string> {
  const tag = await place.write(HEAD, bytes, expected);
  if (tag !== "conflict") return tag;
  const found = await place.read(HEAD);
  if (found?.bytes.equals(bytes)) return found.tag;
  throw new RehearsalError("StoreExportOvertaken", { place: place.where });
}

async function assertEmpty(place: Place): Promise<void> {
  for await (const { path } of place.list(""))
    throw new RehearsalError("StorePlaceTaken", { place: place.where, path });
}
