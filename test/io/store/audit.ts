/** Reads a store's files by the format alone, without the engine, and holds them to the head: every row where its pattern says, every sum as told. */
import { sha256 } from "../../../core/digest.ts";
import { contentsOf } from "../../../core/store/content.ts";
import type { StoreDefinition } from "../../../core/store/definition.ts";
import { rowDigest, Summed } from "../../../core/store/digest.ts";
import { parseDocument, parseLines } from "../../../core/store/files.ts";
import { keyRow, keyText } from "../../../core/store/keys.ts";
import { pathOf } from "../../../core/store/paths.ts";
import type { Row } from "../../../core/store/store.ts";
import { readHead } from "../../../io/store/head.ts";
import { CACHE, HEAD, type Place } from "../../../io/store/place.ts";

/** The rows by model; throws what is not as it should be. The store is settled. */
export async function audited(place: Place, definition: StoreDefinition): Promise<Map<string, Row[]>> {
  const head = (await readHead(place))?.head;
  const rows = new Map(definition.models.map(({ name }) => [name, new Map<string, Row>()]));
  const model = (name: string) => {
    const found = definition.models.find((one) => one.name === name);
    if (found === undefined) throw new Error(`there is no model ${name}`);
    return found;
  };
  const add = (name: string, row: Row, path: string) => {
    const text = keyText(model(name), row);
    if (pathOf(model(name), row) !== path) throw new Error(`${name} ${text} lies in ${path}`);
    if (rows.get(name)?.has(text) === true) throw new Error(`${name} ${text} is there twice`);
    rows.get(name)?.set(text, row);
  };
  for await (const { path } of place.list("")) {
    if (path === HEAD || path.startsWith(CACHE)) continue;
    const { bytes } = (await place.read(path)) ?? { bytes: Buffer.alloc(0) };
    if (path.endsWith(".json")) {
      for (const [name, list] of parseDocument(path, bytes).models)
        for (const row of list) add(name, row, path);
    } else if (path.endsWith(".jsonl")) {
      const { lines, torn } = parseLines(path, bytes);
      if (torn) throw new Error(`${path} is torn`);
      const last = new Map<string, { name: string; row: Row | undefined }>();
      for (const { line } of lines) {
        const row = "put" in line ? line.put : undefined;
        const key = "put" in line ? line.put : keyRow(model(line.model), line.delete);
        last.set(JSON.stringify([line.model, keyText(model(line.model), key)]), { name: line.model, row });
      }
      for (const { name, row } of last.values()) if (row !== undefined) add(name, row, path);
    } else if (!path.endsWith(sha256(bytes))) throw new Error(`${path} has other bytes than its name says`);
  }
  for (const { name, ...one } of definition.models) {
    const summed = new Summed();
    for (const row of rows.get(name)?.values() ?? []) {
      summed.add(rowDigest({ name, ...one }, row));
      for (const { path } of contentsOf({ name, ...one }, row))
        if ((await place.read(path)) === undefined) throw new Error(`${path} is not there`);
    }
    const told = JSON.stringify(head?.models[name]);
    if (told !== JSON.stringify(summed.sum()))
      throw new Error(`${name} has ${JSON.stringify(summed.sum())}, and the head says ${told}`);
  }
  return new Map([...rows].map(([name, of]) => [name, [...of.values()]]));
}
