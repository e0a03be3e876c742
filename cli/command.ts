/** What every command is given and gives back: it computes an outcome, and how that is shown is decided in one place. */
import type { Command } from "commander";
import type { Client } from "./client.ts";
import type { Variables } from "./connection.ts";
import type { Terminal } from "./terminal.ts";

export interface Context {
  terminal: Terminal;
  variables: Variables;
  /** Where the person stands. */
  folder: string;
  /** True when one JSON document is all that goes to standard output. */
  json: boolean;
  /** The service; its connection is looked up when it is first asked for. */
  client(): Promise<Client>;
  /** Its address, without a slash at its end. */
  service(): Promise<string>;
}

export interface Outcome {
  /** For programs: written as one JSON document. */
  value: unknown;
  /** For people. */
  text: string;
  /** 0 when left out. */
  exit?: number;
}

export type Work<Args extends unknown[]> = (context: Context, ...args: Args) => Promise<Outcome>;

/** Makes a command's work into what the parser calls: with its arguments, its options, and itself. */
export type Act = <Args extends unknown[]>(
  work: Work<Args>,
) => (...args: [...Args, Command]) => Promise<void>;

/** A command's declaration: its words and options, bound to its work. */
export type Declare = (act: Act) => Command;
