/** What a pipeline is run for, whatever runs it: a change that is asked about, a release that is to be promoted, or neither. */

export interface Pipeline {
  event: PipelineEvent;
  /** The run's own page; null where it is not told. */
  run: string | null;
  /** What was checked out, by its hash. */
  commit: string | null;
  /** The same for every try to send what this run asks for, and no other's. */
  key: string;
}

export type PipelineEvent =
  | {
      kind: "change";
      /** `pull request 7`. */
      name: string;
      /** Why nothing may be asked of the service for it; null for a change from inside. */
      outside: string | null;
    }
  | { kind: "release"; branch: string }
  | { kind: "none"; why: string };

/** Where a pipeline's words go. */
export interface Desk {
  /** Lines that are read by whatever runs the pipeline; then everything else, of which nothing is obeyed. Once: later lines are none. */
  annotate(lines: string): void;
  /** The page of the run. */
  summarize(markdown: string): Promise<void>;
  /** For the steps behind this one. */
  tell(values: Record<string, string>): Promise<void>;
  /** Where the change is talked about; undefined where nobody may write. */
  board: Board | undefined;
}

/** The notes of one change, oldest first. */
export interface Board {
  notes(): AsyncIterable<Note>;
  create(body: string): Promise<void>;
  update(id: number, body: string): Promise<void>;
}

interface Note {
  id: number;
  body: string;
  /** True when the pipeline itself may have written it: somebody else's is never touched. */
  own: boolean;
}
