/** Where a command speaks to: results on standard output, everything on the way there on standard error. */
import { styleText } from "node:util";

export type Tint = "red" | "green" | "yellow" | "dim" | "bold";

export interface Terminal {
  /** A line of the result. */
  out(line: string): void;
  /** A line of progress or of a refusal. */
  err(line: string): void;
  /** One line that stands until the next: shown only where somebody looks, and wiped by any other. */
  live(line: string): void;
  /** True when somebody looks at standard error. */
  readonly watched: boolean;
  /** True when somebody also could answer. */
  readonly interactive: boolean;
  tintOut(tint: Tint, text: string): string;
  tintErr(tint: Tint, text: string): string;
  /** Says a last line when the person interrupts, and ends; returns what takes that back. */
  whenInterrupted(line: string): () => void;
  /** All of standard input as text. */
  read(): Promise<string>;
}

/** This process's terminal. Colour only on a terminal, and never where NO_COLOR is set. */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr } = process;
  const watched = stderr.isTTY === true;
  // Whoever reads our output may stop early, as head does; there is nobody left to tell then.
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit();
  });
  let standing = false;
  const wipe = () => {
    if (standing) stderr.write("\r\u001b[2K");
    standing = false;
  };
  const err = (line: string) => {
    wipe();
    stderr.write(`${line}\n`);
  };
  return {
    watched,
    interactive: watched && stdin.isTTY === true,
    out: (line) => {
      wipe();
      stdout.write(`${line}\n`);
    },
    err,
    live: (line) => {
      if (!watched) return;
      wipe();
      stderr.write(line.slice(0, (stderr.columns || 80) - 1));
      standing = line !== "";
    },
    tintOut: (tint, text) => styleText(tint, text, { stream: stdout }),
    tintErr: (tint, text) => styleText(tint, text, { stream: stderr }),
    whenInterrupted: (line) => {
      const end = () => {
        err(line);
        // 128 and the signal's number, as shells count.
        process.exit(130);
      };
      process.once("SIGINT", end);
      return () => process.off("SIGINT", end);
    },
    read: async () => {
      const pieces: Buffer[] = [];
      for await (const piece of stdin) pieces.push(piece as Buffer);
      return Buffer.concat(pieces).toString("utf8");
    },
  };
}
