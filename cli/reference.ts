/** The command's reference as Markdown, from the very definitions that parse its words. */
import type { Argument, Command, Option } from "commander";
import { buildProgram, EXITS, everyCommand, VARIABLES } from "./program.ts";

/** docs/cli.md. */
export function cliReference(): string {
  const program = buildProgram(() => async () => undefined, { out: () => undefined });
  const leaves = everyCommand(program).filter(isLeaf);
  return `${[
    "# The command `rehearsal`",
    "",
    "Written by `node docs/generate.ts` from the command's own definitions.",
    "",
    program.description(),
    "",
    'With `--json` one JSON document is all that goes to standard output: the result, or `{ "error": { code, message, hint, facts } }`.',
    "Progress, notes and refusals for people go to standard error. Colours are for terminals only, and off where `NO_COLOR` is set.",
    "",
    ...leaves.flatMap(section),
    "## Exit codes",
    "",
    ...EXITS.map(([code, meaning]) => `- \`${code}\`: ${meaning}`),
    "",
    "## Environment",
    "",
    ...VARIABLES.map(([name, meaning]) => `- \`${name}\`: ${meaning}`),
  ].join("\n")}\n`;
}

/** A command that does something itself. */
function isLeaf(command: Command): boolean {
  return command.options.some(({ long }) => long === "--json");
}

function section(command: Command): string[] {
  const path = pathOf(command);
  const words = command.registeredArguments.map(argumentWord);
  return [
    `## \`${path}\``,
    "",
    `${command.description()}.`,
    "",
    "```",
    [path, ...words, "[options]"].join(" "),
    "```",
    "",
    ...command.registeredArguments
      .filter(({ description }) => description !== "")
      .map((argument) => `- \`${argumentWord(argument)}\`: ${argument.description}`),
    ...command.options.map(optionLine),
    "",
  ];
}

function argumentWord(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

function optionLine({ flags, description, argChoices, defaultValue, mandatory }: Option): string {
  const told = [
    description,
    argChoices && `one of ${argChoices.join(", ")}`,
    mandatory ? "required" : "",
    defaultValue === undefined ? "" : `\`${defaultValue}\` when left out`,
  ];
  const text = told.filter(Boolean).join("; ");
  return `- \`${flags}\`${text === "" ? "" : `: ${text}`}`;
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}
