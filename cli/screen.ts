/** A part of the terminal that is drawn anew in place, again and again, until it is left standing as it was drawn last. */
import type { WriteStream } from "node:tty";
import { createLogUpdate } from "log-update";
import { displayWidth } from "./display-width.ts";

export interface Size {
  columns: number;
  rows: number;
}

/** What is to be seen: lines no wider than the size allows. `tick` counts the drawings, for what moves. */
type View = (size: Size, tick: number) => readonly string[];

export interface Screen {
  /** Draws this from now on, a few times a second. */
  show(view: View): void;
  /** Has a line said above it. */
  above(say: () => void): void;
  /** A line below it, until another; none when empty. */
  below(line: string): void;
  /** Draws a last time and gives the terminal back: the cursor is seen, and what comes next stands below. */
  end(): void;
}

/** Milliseconds between two drawings. */
const EVERY = 100;

const ESCAPE = "\u001b[";

/** Draws on a terminal. */
export function openScreen(stream: WriteStream): Screen {
  const update = createLogUpdate(stream);
  let view: View = () => [];
  let [tick, note] = [0, ""];
  let drawn: { lines: readonly string[]; columns: number } = { lines: [], columns: 0 };
  let over = false;

  const size = (): Size => ({ columns: stream.columns || 80, rows: stream.rows || 24 });
  // Node asks the terminal only when the signal has come round; what is drawn before that would be for the old size.
  const refresh = () => (stream as { _refreshSize?: () => void })._refreshSize?.();
  const draw = () => {
    const now = size();
    // The last column stays free: terminals differ in what they do once it is filled.
    const lines = [...view({ columns: now.columns - 1, rows: now.rows - 1 }, tick++), note].filter(
      (line, index, all) => line !== "" || index < all.length - 1,
    );
    stream.write(eraseFolded(drawn, now.columns));
    // What has left a terminal that became lower cannot be reached to be changed: all of it is drawn.
    if (now.rows <= drawn.lines.length) update.clear();
    update(lines.join("\n"));
    drawn = { lines, columns: now.columns };
  };
  const redraw = () => {
    refresh();
    draw();
  };
  const timer = setInterval(redraw, EVERY);
  stream.on("resize", draw);
  return {
    show: (next) => {
      view = next;
      redraw();
    },
    above: (say) => {
      refresh();
      stream.write(eraseFolded(drawn, size().columns));
      update.clear();
      drawn = { lines: [], columns: 0 };
      say();
      draw();
    },
    below: (line) => {
      note = line;
    },
    end: () => {
      if (over) return;
      over = true;
      clearInterval(timer);
      stream.off("resize", draw);
      note = "";
      refresh();
      // Terminals show Ctrl-C as it is typed.
      stream.write(`\r${ESCAPE}2K`);
      draw();
      update.done();
    },
  };
}

/** A terminal that became narrower has folded lines into several; those that came thereby are erased, from below, and the drawing erases the others. */
function eraseFolded({ lines, columns }: { lines: readonly string[]; columns: number }, now: number): string {
  if (now >= columns) return "";
  const folds = lines.reduce(
    (sum, line) => sum + Math.max(0, Math.ceil(displayWidth(unstyled(line)) / now) - 1),
    0,
  );
  return `${ESCAPE}2K${ESCAPE}1A`.repeat(folds);
}

function unstyled(line: string): string {
  return line.replaceAll(new RegExp(`${"\u001b"}\\[[0-9;]*m`, "g"), "");
}
