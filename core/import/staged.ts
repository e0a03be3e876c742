/** A record as it goes to the database: texts, places of parents, and the keys that are its own. */
import { sha256 } from "../digest.ts";
import { foldedName } from "./file-name.ts";
import type { SetLayout } from "./layout.ts";
import { keyWithHash } from "./media.ts";
import type { PlannedRow } from "./record-content.ts";

export interface StagedRecord {
  /** From the source's top, with a slash at its end. */
  folder: string;
  /** For each set its rows, with their texts and the places of their parents in this record. */
  rows: { texts: (string | null)[]; parents: (number | null)[] }[][];
  /** What nobody else's record may have: its folder's name, under no set's, and the keys of its own rows. */
  claims: { of: string; key: string }[];
}

/** What a file that was read is. */
export interface MediaRead {
  sha256: string;
  bytes: number;
}

/** Puts what is known of the files into the rows; `read` tells it of each row's. */
export function stageRecord(
  layout: readonly SetLayout[],
  folder: string,
  rows: readonly PlannedRow[][],
  read: (row: PlannedRow) => MediaRead | undefined,
): StagedRecord {
  const claims = [{ of: "", key: claimed(foldedName(folder)) }];
  const staged = layout.map((set, index) =>
    (rows[index] ?? []).map((row) => {
      const { media, parents } = row;
      const texts = set.texts.map(({ value }, place) => {
        if (value.form !== "media") return row.texts[place] ?? null;
        const found = media && read(row);
        if (media === undefined || found === undefined) throw new Error("a row's file was not read");
        const { sha256, bytes } = found;
        return {
          sha256,
          bytes: String(bytes),
          contentType: media.contentType,
          key: keyWithHash(media.key, sha256),
        }[value.media];
      });
      if (set.claims) {
        const key = set.texts.flatMap((one, place) => (one.key ? [texts[place] ?? null] : []));
        claims.push({ of: set.name, key: claimed(key.length === 1 ? (key[0] ?? "") : JSON.stringify(key)) });
      }
      return { texts, parents };
    }),
  );
  return { folder, rows: staged, claims };
}

/** Short enough for an index. */
function claimed(key: string): string {
  return Buffer.byteLength(key) > 500 ? `sha256:${sha256(key)}` : key;
}
