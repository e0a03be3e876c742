import { mkdir, mkdtemp, rename, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openFolderSource } from "../../../io/import/folder-source.ts";
import type { SourceFile } from "../../../io/import/source.ts";
import { refusalOf } from "../../refusal.ts";
import { removeTree } from "./tree.ts";

test("abuse 5: a folder that becomes a link after it was listed is not read through", async () => {
  const folder = await mkdtemp(join(tmpdir(), "folder-source-"));
  try {
    for (const name of ["top", "elsewhere"]) {
      await mkdir(join(folder, name, "a"), { recursive: true });
      await writeFile(join(folder, name, "a/record.json"), name.padEnd(9));
    }
    const source = await openFolderSource(join(folder, "top"));
    const found: SourceFile[] = [];
    for await (const one of source.list()) if (!("odd" in one)) found.push(one);
    const read = async () => {
      let text = "";
      for (const file of found)
        for await (const piece of source.read(file)) text += Buffer.from(piece).toString();
      return text;
    };
    expect(await read()).toBe("top      ");
    await rename(join(folder, "top/a"), join(folder, "top/b"));
    await symlink(join(folder, "elsewhere/a"), join(folder, "top/a"));
    const refused = await refusalOf(read);
    expect(refused.code).toBe("ImportSourceChanged");
    expect(refused.hint).not.toBe("");
  } finally {
    await removeTree(folder);
  }
});
