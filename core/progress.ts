/** How far a long step is: what the page and the command show while it runs. */

interface Amount {
  bytes: number;
  rows: number;
}

export interface Progress {
  done: Amount;
  /** What is expected in all, when it is known. */
  total?: Amount;
  /** What is being worked on, for a person: a table's name, a migration's file. */
  now?: string;
  /** For a backfill in slices, its rests included. */
  rowsPerSecond?: number;
  secondsLeft?: number;
}

export type OnProgress = (progress: Progress) => void;
