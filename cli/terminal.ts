/** Where a command speaks to: results on standard output, everything on the way there on standard error. */
import { once } from "node:events";
import { styleText } from "node:util";
import { cut } from "./display-width.ts";
import type { Screen } from "./screen.ts";

export type Tint = "red" | "green" | "yellow" | "dim" | "bold";

export interface Terminal {
  /** A line of the result. */
  out(line: string): void;
  /** A piece of the result as it is; resolves once there is room for the next. */
  write(piece: string): Promise<void>;
  /** Columns of standard output; undefined where nobody looks at it. */
  readonly width: number | undefined;
  /** A line of progress or of a refusal. */
  err(line: string): void;
  /** One line that stands until the next: shown only where somebody looks, and wiped by any other. */
  live(line: string): void;
  /** A part of it that is drawn anew in place; undefined where nobody looks, or nothing can be: then lines have to do. One at a time. */
  screen(): Promise<Screen | undefined>;
  /** True when somebody looks at standard error, and what was written there can be written over. */
  readonly watched: boolean;
  /** False where it shows only ASCII. */
  readonly unicode: boolean;
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
  const { stdin, stdout, stderr, env } = process;
  // Pipelines may give a terminal, which only makes a log of it.
  const attended = stderr.isTTY === true && !isSet(env.CI);
  const watched = attended && env.TERM !== "dumb";
  // Whoever reads our output may stop early, as head does; there is nobody left to tell then.
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit();
  });
  let standing = false;
  let screen: Screen | undefined;
  const wipe = () => {
    if (standing) stderr.write("\r\u001b[2K");
    standing = false;
  };
  const write = (stream: NodeJS.WriteStream, line: string) => {
    wipe();
    const say = () => stream.write(`${line}\n`);
    if (screen === undefined) say();
    else screen.above(say);
  };
  const err = (line: string) => write(stderr, line);
  const endScreen = () => {
    screen?.end();
    screen = undefined;
  };
  return {
    watched,
    unicode: env.TERM !== "linux",
    interactive: attended && stdin.isTTY === true,
    width: stdout.isTTY === true ? stdout.columns || 80 : undefined,
    out: (line) => write(stdout, line),
    write: async (piece) => {
      wipe();
      if (!stdout.write(piece)) await once(stdout, "drain");
    },
    err,
    live: (line) => {
      if (!watched) return;
      const fits = cut(line, (stderr.columns || 80) - 1);
      if (screen !== undefined) {
        screen.below(fits);
        return;
      }
      wipe();
      stderr.write(fits);
      standing = line !== "";
    },
    screen: async () => {
      if (!watched) return undefined;
      const { openScreen } = await import("./screen.ts");
      wipe();
      const opened = openScreen(stderr);
      screen = opened;
      return { ...opened, end: endScreen };
    },
    tintOut: (tint, text) => styleText(tint, text, { stream: stdout }),
    tintErr: (tint, text) => styleText(tint, text, { stream: stderr }),
    whenInterrupted: (line) => {
      const end = () => {
        endScreen();
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

/** As pipelines and people set a variable that is a yes. */
function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "" && value !== "0" && value !== "false";
}
