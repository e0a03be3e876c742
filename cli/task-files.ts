/** The small files that a task has left, fetched and held against their hashes. */
import { createHash } from "node:crypto";
import { RehearsalError } from "../core/errors.ts";
import { exportedFiles } from "./answers.ts";
import type { Context } from "./command.ts";

/** Their texts by name. Throws `NotFound` for a task without files, `ExportDamaged` when what comes is not what was written. */
export async function fetchTaskFiles(context: Context, task: string): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for await (const { name, text } of eachTaskFile(context, task)) texts.set(name, text);
  return texts;
}

/** One after the other, in the order of their names; one at a time is in memory. */
export async function* eachTaskFile(
  context: Context,
  task: string,
): AsyncGenerator<{ name: string; text: string }> {
  const client = await context.client();
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: string = cursor === "" ? "" : `?${new URLSearchParams({ cursor })}`;
    const { files, next } = await client.get(
      `/tasks/${encodeURIComponent(task)}/files${page}`,
      exportedFiles,
    );
    for (const { name, sha256, url } of files) {
      const pieces: Uint8Array[] = [];
      for await (const piece of client.download(url)) pieces.push(piece);
      const bytes = Buffer.concat(pieces);
      if (createHash("sha256").update(bytes).digest("hex") !== sha256)
        throw new RehearsalError("ExportDamaged", { file: name, reason: "its sha256 differs" });
      yield { name, text: bytes.toString() };
    }
    cursor = next;
  }
}
