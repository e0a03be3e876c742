/** The first features of a report's GeoJSON, for the map on its page: read until there are enough, not to the file's end. */
import { type Outline, outlineOf } from "../core/reporting/outline.ts";
import type { ObjectStore } from "../io/object-store.ts";

/** What a page draws at most, and reads for it. */
const FEATURES = 2_000;
const BYTES = 4 * 1024 ** 2;

/** Undefined where no feature that was read has a place. */
export async function readOutline(store: ObjectStore, key: string): Promise<Outline | undefined> {
  const decoder = new TextDecoder();
  const features: { geometry: unknown }[] = [];
  let text = "";
  let bytes = 0;
  for await (const piece of store.getStream(key)) {
    bytes += piece.length;
    text += decoder.decode(piece, { stream: true });
    // Each feature is a line of its own, as the writer of reports has it.
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines)
      if (line.startsWith('{"type":"Feature",')) features.push(JSON.parse(line.replace(/,$/, "")));
    if (features.length >= FEATURES || bytes >= BYTES) break;
  }
  return outlineOf(features.slice(0, FEATURES));
}
