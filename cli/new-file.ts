/** A file that a command makes where none was: what somebody has is never written over. */
import { writeFile } from "node:fs/promises";
import { RehearsalError } from "../core/errors.ts";

/** Throws `OutputExists` where one is, and `InputInvalid` where none can be. */
export async function writeNew(path: string, text: string): Promise<void> {
  await writeFile(path, text, { flag: "wx" }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EEXIST") throw new RehearsalError("OutputExists", { path });
    throw new RehearsalError(
      "InputInvalid",
      { what: "--out", problems: `${path}: ${error.message}` },
      { cause: error },
    );
  });
}
