/** Completion: what may stand where the cursor is, by the very definitions that parse the words, and by the names that the service knows. */
import type { Command, Option } from "commander";
import { isKind, type Kind } from "./known-names.ts";

/** The word before the words to be completed: what the shells call. */
export const COMPLETE = "__complete";

type LookUp = (kind: Kind) => Promise<string[]>;

/** What the last of the words may become, sorted as it is told; empty where files or anything else may stand. */
export async function complete(
  program: Command,
  words: readonly string[],
  lookUp: LookUp,
): Promise<string[]> {
  const { before, current } = taken(words);
  const { command, given, pending } = walk(program, before);
  const candidates = await (pending === undefined
    ? wordsOf(command, given, current, lookUp)
    : valuesOf(pending, lookUp));
  // A shell splits and expands what it is told.
  return candidates.filter((word) => word.startsWith(current) && /^[\w.:@/+-]+$/.test(word));
}

/** The last word is the one at the cursor. Bash makes three words of `--format=json`. */
function taken(words: readonly string[]): { before: string[]; current: string } {
  const whole = words.flatMap((word) =>
    word === "=" ? [] : word.startsWith("--") ? word.split("=", 2) : [word],
  );
  const current = words.at(-1) === "=" ? "" : (whole.pop() ?? "");
  return { before: whole, current };
}

/** As far as the words lead: the command, how many of its arguments are given, and the option whose value comes next. */
function walk(program: Command, words: readonly string[]) {
  let [command, given] = [program, 0];
  let pending: Option | undefined;
  for (const word of words) {
    if (pending !== undefined) {
      pending = undefined;
      continue;
    }
    if (word.startsWith("-")) {
      const option = command.options.find(({ long, short }) => long === word || short === word);
      pending = option?.required ? option : undefined;
      continue;
    }
    const below = given === 0 ? command.commands.find((one) => one.name() === word) : undefined;
    if (below === undefined) given++;
    else command = below;
  }
  return { command, given, pending };
}

async function wordsOf(command: Command, given: number, current: string, lookUp: LookUp): Promise<string[]> {
  if (current.startsWith("-")) return [...command.options.flatMap(({ long }) => long ?? []), "--help"];
  const names = given === 0 ? command.commands.map((one) => one.name()) : [];
  const own = command.registeredArguments;
  const argument = own[given] ?? (own.at(-1)?.variadic ? own.at(-1) : undefined);
  if (argument === undefined) return names;
  if (argument.argChoices) return [...names, ...argument.argChoices];
  return [...names, ...(await named(kindsOf(command, argument.name()), lookUp))];
}

async function valuesOf(option: Option, lookUp: LookUp): Promise<string[]> {
  if (option.argChoices) return option.argChoices;
  // `--environment <name>`: what it is for says the option, else the word for its value.
  const value = /<([\w-]+)>/.exec(option.flags)?.[1] ?? "";
  const of = [option.long?.replace(/^--/, "") ?? "", value].find(isKind);
  return of === undefined ? [] : lookUp(of);
}

/** What an argument names, by its word. */
function kindsOf(command: Command, word: string): Kind[] {
  if (isKind(word)) return [word];
  if (word === "id") return ["promotion", "task", "prune"];
  if (word === "what") return ["environment", "promotion"];
  return word === "name" && command.parent?.name() === "env" && command.name() !== "add"
    ? ["environment"]
    : [];
}

async function named(kinds: Kind[], lookUp: LookUp): Promise<string[]> {
  return (await Promise.all(kinds.map(lookUp))).flat();
}
