/** Files of lines that are not held in memory: of each key its last line, in as many readings as there is room for. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { lineText } from "../../../../core/store/files.ts";
import { openFolderPlace } from "../../../../io/store/folder-place.ts";
import { readFile } from "../../../../io/store/move/file-rows.ts";
import type { Place } from "../../../../io/store/place.ts";
import { Dice } from "../../random-values.ts";
import { DEFINITION } from "../definition.ts";

let folder: string;
let place: Place;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "file-rows-"));
  place = await openFolderPlace(folder);
});
afterAll(async () => {
  await place.close();
  await rm(folder, { recursive: true });
});

test("a large file gives the rows that a small one does, whatever was put, put again and deleted in it", async () => {
  const dice = new Dice(7);
  const last = new Map<number, string>();
  let text = "";
  for (let seq = 1; seq <= 3_000; seq++) {
    const number = dice.below(700);
    if (dice.chance(0.3)) {
      last.delete(number);
      text += lineText({ seq, model: "Log", delete: [number] });
    } else {
      last.set(number, `what ${seq}`);
      text += lineText({ seq, model: "Log", put: { number, what: `what ${seq}` } });
    }
  }
  const path = "log.jsonl";
  await place.write(path, Buffer.from(`${text}{"seq":30`), undefined);
  // Its size tells how it is read, and the memory how often.
  for (const [size, memory] of [
    [1_000, 1_000],
    [2 ** 24, 2 ** 24],
    [2 ** 24, 2 ** 20],
  ]) {
    const { rows, oddities } = readFile(place, { path, size: size ?? 0 }, DEFINITION, memory);
    const found = new Map<number, string>();
    for await (const some of rows)
      for (const { model, row } of some) {
        expect(model.name).toBe("Log");
        expect(found.has(Number(row.number))).toBe(false);
        found.set(Number(row.number), String(row.what));
      }
    expect([...found].sort()).toEqual([...last].sort());
    expect(oddities).toEqual({ torn: true, rewritten: false, strangers: new Set() });
  }
});
