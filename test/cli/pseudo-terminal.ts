/** The command in a real terminal: a pseudo-terminal of the system's, and what a terminal emulator then shows. */
import { spawn } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import xterm from "@xterm/headless";

const MAIN = fileURLToPath(new URL("../../bin/rehearsal.js", import.meta.url));

/** Stands in the output where the terminal has another size from there on. */
const RESIZED = "\u0000resized\u0000";

/**
 * Python has what Node has not: a pseudo-terminal. It passes bytes on, and takes orders on standard input. Between a resize
 * and the signal that tells of it the command stands still: nothing is drawn for one size and seen in the other.
 */
const BRIDGE = `
import fcntl, os, pty, select, signal, struct, sys, termios
columns, rows, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
size = lambda c, r: struct.pack("HHHH", r, c, 0, 0)
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, size(columns, rows))
    os.execv(command[0], command)
orders, open_ = b"", [terminal, 0]
while True:
    ready, _, _ = select.select(open_, [], [])
    if terminal in ready:
        try:
            said = os.read(terminal, 65536)
        except OSError:
            said = b""
        if said == b"":
            break
        os.write(1, said)
    if 0 in ready:
        got = os.read(0, 65536)
        if got == b"":
            break
        orders += got
        while b"\\n" in orders:
            line, orders = orders.split(b"\\n", 1)
            word, *rest = line.split()
            if word == b"resize":
                os.kill(pid, signal.SIGSTOP)
                while select.select([terminal], [], [], 0.02)[0]:
                    os.write(1, os.read(terminal, 65536))
                os.write(1, b"\\0resized\\0")
                fcntl.ioctl(terminal, termios.TIOCSWINSZ, size(int(rest[0]), int(rest[1])))
                os.kill(pid, signal.SIGCONT)
            else:
                os.write(terminal, bytes.fromhex(rest[0].decode()))
os.close(terminal)
status = os.waitpid(pid, 0)[1]
sys.exit(os.waitstatus_to_exitcode(status))
`;

/** Milliseconds that a screen is waited for. */
const PATIENCE = 20_000;

export interface PseudoTerminal {
  /** The lines that are to be seen now, history included, without those that are empty at the end. */
  screen(): string[];
  /** The same without history. */
  visible(): string[];
  /** Everything that was written. */
  written(): string;
  /** Resolves when the screen is so. */
  until(holds: (text: string) => boolean): Promise<void>;
  resize(columns: number, rows: number): void;
  type(keys: string): void;
  /** Takes the terminal away, as a window that is closed. */
  close(): void;
  /** The command's exit code. */
  ended: Promise<number | null>;
  /** False while the cursor is hidden. */
  cursorSeen(): boolean;
}

/** Runs the command in a terminal of that size. */
export function runInTerminal(
  words: string[],
  options: { columns: number; rows: number; variables: Record<string, string> },
): PseudoTerminal {
  const { columns, rows, variables } = options;
  const emulator = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
  const child = spawn(
    "python3",
    ["-c", BRIDGE, String(columns), String(rows), process.execPath, MAIN, ...words],
    { env: { PATH: process.env.PATH, HOME: process.env.HOME, TERM: "xterm-256color", ...variables } },
  );
  let written = "";
  let waiting: (() => void)[] = [];
  const sizes: [columns: number, rows: number][] = [];
  const show = (text: string) =>
    emulator.write(text, () => {
      for (const look of waiting.splice(0)) look();
    });
  const decoder = new TextDecoder();
  child.stdout.on("data", (piece: Buffer) => {
    const [before = "", ...behind] = decoder.decode(piece, { stream: true }).split(RESIZED);
    written += before + behind.join("");
    show(before);
    for (const text of behind) {
      const size = sizes.shift();
      // What was written before is shown in the old size first.
      emulator.write("", () => size && emulator.resize(...size));
      show(text);
    }
  });
  let complaints = "";
  child.stderr.on("data", (piece: Buffer) => {
    complaints += piece.toString();
  });
  const screen = () => {
    const { active } = emulator.buffer;
    const lines = Array.from(
      { length: active.length },
      (_, index) => active.getLine(index)?.translateToString(true) ?? "",
    );
    while (lines.at(-1) === "") lines.pop();
    return lines;
  };
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      if (complaints !== "") reject(new Error(complaints));
      // What is still on its way into the emulator is drawn first.
      else emulator.write("", () => resolve(code));
    });
  });
  return {
    screen,
    visible: () => screen().slice(emulator.buffer.active.baseY),
    written: () => written,
    until: async (holds) => {
      const stands = (how: string) => new Error(`${how}, and stands as\n${screen().join("\n")}`);
      const late = pause(PATIENCE, undefined, { ref: false }).then(() => {
        throw stands(`it was not so within ${PATIENCE} ms`);
      });
      const over = ended.then((code) => {
        throw stands(`it ended with ${code}`);
      });
      while (!holds(screen().join("\n"))) {
        const more = new Promise<void>((resolve) => {
          waiting = [...waiting, resolve];
        });
        await Promise.race([more, late, over]);
      }
      // Nobody waits for these any more.
      late.catch(() => undefined);
      over.catch(() => undefined);
    },
    resize: (toColumns, toRows) => {
      sizes.push([toColumns, toRows]);
      child.stdin.write(`resize ${toColumns} ${toRows}\n`);
    },
    type: (keys) => child.stdin.write(`type ${Buffer.from(keys).toString("hex")}\n`),
    close: () => child.stdin.end(),
    ended,
    cursorSeen: () => written.lastIndexOf("\u001b[?25h") >= written.lastIndexOf("\u001b[?25l"),
  };
}
