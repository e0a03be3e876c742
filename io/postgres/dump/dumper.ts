/** What a pg_dump is to whoever owns the connection it speaks through, be it a thread or a program. */

export interface DumperInput {
  /** Without the database and where the output goes. */
  args: string[];
  database: string;
  /** What the server told at the start (ParameterStatus). */
  parameters: Readonly<Record<string, string>>;
  /** Answer what reads data here, with nothing; the COPY statements are gathered. */
  withoutData: boolean;
  /** To the server. */
  send(bytes: Uint8Array): void;
  /** It wants more of the server's bytes, after `take` has said that it had enough. */
  resume(): void;
}

export interface Dumper {
  /** Rejects only when there is no result. */
  ended: Promise<DumpResult>;
  /** Bytes of the server; false when it wants no more for now. */
  take(bytes: Buffer): boolean;
  /** There will be no more. */
  closed(): void;
  /** Ends it, if it has not ended. */
  stop(): Promise<void>;
}

export type StartDumper = (input: DumperInput) => Dumper | Promise<Dumper>;

export interface DumpResult {
  /** Its exit code. */
  status: number;
  /** What pg_dump wrote; empty when it failed. */
  output: Uint8Array;
  /** The statements by which it would have read the data. */
  copies: string[];
  /** Its words on stderr. */
  said: string;
  /** The fields of the last error the server answered with. */
  refusal: Record<string, string> | undefined;
}

/** libpq's keyword form, so that a database named like a connection string stays a name. */
export function connectionString(words: Record<string, string>): string {
  return Object.entries(words)
    .map(([word, value]) => `${word}='${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`)
    .join(" ");
}
