/** Runs one command line: parses it, does the work, shows the outcome or the refusal, and gives the exit code. */
import { type Command, CommanderError } from "commander";
import { nearest } from "../core/did-you-mean.ts";
import { RehearsalError } from "../core/errors.ts";
import { openClient } from "./client.ts";
import type { Act, Context, Outcome, Work } from "./command.ts";
import { COMPLETE, complete } from "./completion.ts";
import { findConnection, type Variables } from "./connection.ts";
import { isKind, knownNames } from "./known-names.ts";
import { buildProgram, everyCommand } from "./program.ts";
import { exitOf, type Refusal, refusalOf } from "./refusal.ts";
import type { Terminal } from "./terminal.ts";
import { plain } from "./text.ts";

interface Surroundings {
  terminal: Terminal;
  variables: Variables;
  folder: string;
}

export async function run(words: readonly string[], surroundings: Surroundings): Promise<number> {
  const { terminal } = surroundings;
  let exit = 0;
  const act: Act =
    <Args extends unknown[]>(work: Work<Args>) =>
    async (...args: [...Args, Command]) => {
      const given = args.slice(0, -1) as unknown as Args;
      const context = contextOf(surroundings, (args.at(-1) as Command).optsWithGlobals().json === true);
      const outcome = await work(context, ...given);
      show(terminal, outcome, context.json);
      exit = outcome.exit ?? 0;
    };
  const program = buildProgram(act, { out: (text) => terminal.out(text.trimEnd()) });
  if (words[0] === COMPLETE) return completeWords(program, words.slice(1), surroundings);
  try {
    await program.parseAsync([...words], { from: "user" });
    return exit;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
    // The words may be what is wrong, so --json is looked for without understanding the rest.
    const json = words.includes("--json");
    if (thrown instanceof CommanderError && thrown.code === "commander.help" && !json) {
      terminal.err(commandOf(program, words).helpInformation().trimEnd());
      return 2;
    }
    const refusal = await withGuess(
      refusalOf(thrown instanceof CommanderError ? misuse(thrown, program, words) : thrown),
      contextOf(surroundings, json),
    );
    showRefusal(terminal, refusal, json);
    return exitOf(refusal);
  }
}

/** Milliseconds that a shell waits for names. */
const COMPLETION_TIME = 1_500;

async function completeWords(program: Command, words: readonly string[], surroundings: Surroundings) {
  const { folder, variables } = surroundings;
  // What is still under way then is broken off, so that the process ends by itself: ended while the parser's code is being
  // compiled, it may never be gone.
  const late = AbortSignal.timeout(COMPLETION_TIME);
  const client = async () => openClient(await findConnection(folder, variables), late);
  const found = await complete(program, words[0] === "--" ? words.slice(1) : words, (kind) =>
    knownNames(client, kind),
  );
  for (const word of found) surroundings.terminal.out(word);
  return 0;
}

/** A refusal of something that is not there, with the name that was probably meant. */
async function withGuess(refusal: Refusal, context: Context): Promise<Refusal> {
  const { what, name } = refusal.facts;
  if (refusal.code !== "NotFound" || typeof what !== "string" || typeof name !== "string" || !isKind(what))
    return refusal;
  const known = await knownNames(context.client, what);
  const guess = known.find((one) => name.length >= 4 && one.startsWith(name)) ?? nearest(name, known);
  return guess === undefined ? refusal : { ...refusal, hint: `did you mean "${guess}"? ${refusal.hint}` };
}

function contextOf(surroundings: Surroundings, json: boolean): Context {
  const { folder, variables } = surroundings;
  let connection: ReturnType<typeof findConnection> | undefined;
  const found = () => {
    connection ??= findConnection(folder, variables);
    return connection;
  };
  return {
    ...surroundings,
    json,
    client: async () => openClient(await found()),
    service: async () => (await found()).url,
  };
}

function show(terminal: Terminal, { value, text }: Outcome, json: boolean): void {
  if (json) terminal.out(JSON.stringify(value, null, 2));
  else if (text !== "") terminal.out(text);
}

function showRefusal(terminal: Terminal, refusal: Refusal, json: boolean): void {
  if (json) {
    terminal.out(JSON.stringify({ error: refusal }, null, 2));
    return;
  }
  terminal.err(`${terminal.tintErr("red", "error:")} ${plain(refusal.message)}`);
  terminal.err(`${terminal.tintErr("bold", "hint:")}  ${plain(refusal.hint)}`);
  terminal.err(terminal.tintErr("dim", `code:  ${refusal.code}`));
}

/** What the parser objects to, as a refusal with a guess at what was meant. */
function misuse(error: CommanderError, program: Command, words: readonly string[]): RehearsalError {
  const command = commandOf(program, words);
  const name = [...pathTo(command)].join(" ");
  if (error.code === "commander.help")
    return usage(`"${name}" needs one of: ${command.commands.map((one) => one.name()).join(", ")}`, name, "");
  const [problem = ""] = error.message.replace(/^error: /, "").split("\n");
  const unknown = /^unknown (?:command|option) '([^']*)'/.exec(problem)?.[1] ?? "";
  const [, chosen = "", allowed] =
    /(?:argument|value) '([^']*)' is invalid.* Allowed choices are (.*)\.$/.exec(problem) ?? [];
  const known = unknown.startsWith("-")
    ? command.options.flatMap((option) => option.long ?? [])
    : everyCommand(command).map((one) => one.name());
  const guess =
    allowed !== undefined
      ? chosenOf(chosen, allowed.split(", "))
      : unknown === ""
        ? undefined
        : nearest(unknown, known);
  return usage(problem, name, guess ?? "");
}

/** Words that begin alike are meant alike: `development` of dev. */
function chosenOf(word: string, choices: readonly string[]): string | undefined {
  const given = word.toLowerCase();
  return (
    choices.find((one) => given !== "" && (given.startsWith(one) || one.startsWith(given))) ??
    nearest(given, choices)
  );
}

function usage(problem: string, command: string, guess: string): RehearsalError {
  return new RehearsalError("UsageInvalid", { problem, command, guess });
}

/** The command that the words lead to, as far as they do. */
function commandOf(program: Command, words: readonly string[]): Command {
  let at = program;
  for (const word of words) at = at.commands.find((command) => command.name() === word) ?? at;
  return at;
}

function pathTo(command: Command): string[] {
  return [...(command.parent === null ? [] : pathTo(command.parent)), command.name()];
}
