/** The command in the test's own process: for what is about its words and answers, and not about being a process. */
import { tmpdir } from "node:os";
import { run } from "../../cli/run.ts";
import type { Terminal } from "../../cli/terminal.ts";
import type { Result } from "./command.ts";

/** Runs it to its end, where nobody looks: with these variables, and in no folder that it would find anything in, unless one is named. */
export async function runHere(
  words: string[],
  variables: Record<string, string>,
  folder = tmpdir(),
): Promise<Result> {
  let [out, err] = ["", ""];
  const as = (_: unknown, text: string) => text;
  const terminal: Terminal = {
    ...{ watched: false, unicode: true, interactive: false, tintOut: as, tintErr: as },
    out: (line) => {
      out += `${line}\n`;
    },
    width: undefined,
    write: async (piece) => {
      out += piece;
    },
    err: (line) => {
      err += `${line}\n`;
    },
    live: () => undefined,
    screen: async () => undefined,
    whenInterrupted: () => () => undefined,
    read: async () => "",
  };
  const exit = await run(words, { terminal, variables, folder });
  return { exit, out, err };
}
