/** `rehearsal inventory`: what of a project holds data, held against what an environment holds. */
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { RehearsalError } from "../../core/errors.ts";
import { holdings } from "../../core/holdings.ts";
import { INVENTORY_PATH, type Inventory, parseInventory } from "../../core/inventory.ts";
import { checkInventory } from "../../core/inventory-check.ts";
import { draftInventory } from "../../core/inventory-draft.ts";
import { inventoryLines } from "../../core/inventory-lines.ts";
import { inventoryPage } from "../../core/inventory-page.ts";
import { CONFIG_PATH, parseConfig } from "../../core/project-config.ts";
import { environment, inventoryPolicy } from "../answers.ts";
import type { Act, Context, Declare } from "../command.ts";
import { writeNew } from "../new-file.ts";
import { plain } from "../text.ts";

export const inventoryCommand: Declare = (act) =>
  new Command("inventory")
    .description("What of the project holds data, and what an environment holds")
    .addCommand(initCommand(act))
    .addCommand(checkCommand(act))
    .addCommand(renderCommand(act));

const initCommand = (act: Act) =>
  new Command("init")
    .description("Draft inventory.yaml from what an environment holds; nothing is written over")
    .argument("<environment>")
    .option("--out <file>", "where; inventory.yaml of this folder when left out")
    .action(
      act(async (context, name: string, options: { out?: string }) => {
        const path = resolve(context.folder, options.out ?? INVENTORY_PATH);
        const { held, policy } = await ask(context, name, []);
        await writeNew(path, draftInventory(held, policy.configuration));
        const text = `${plain(path)}: ${held.tables.length} tables drafted\nnext: say what is marked TODO, then rehearsal inventory check ${name}`;
        return { value: { path, tables: held.tables.length }, text };
      }),
    );

const checkCommand = (act: Act) =>
  new Command("check")
    .description("Hold inventory.yaml against an environment; exit code 3 when they do not agree")
    .argument("<environment>")
    .action(
      act(async (context, name: string, _: object) => {
        const { check } = await compare(context, name);
        const { problems, remarks } = check;
        const lines = inventoryLines(problems.flatMap(({ changes }) => changes));
        const told = [
          ...remarks.map((remark) => `note: ${remark}`),
          ...(problems.length === 0
            ? [`${INVENTORY_PATH} says what "${name}" holds`]
            : [
                ...problems.map(({ says }) => `- ${says}`),
                "",
                `${INVENTORY_PATH}, + is missing and - is too many:`,
                "",
                lines,
              ]),
        ];
        return {
          value: { environment: name, problems: problems.map(({ says }) => says), remarks, lines },
          text: plain(told.join("\n")),
          exit: problems.length > 0 ? 3 : 0,
        };
      }),
    );

const renderCommand = (act: Act) =>
  new Command("render")
    .description("Write the inventory as a page for people, with what an environment holds now")
    .argument("<environment>")
    .option("--out <file>", "a file, which is written anew; standard output when left out")
    .action(
      act(async (context, name: string, options: { out?: string }) => {
        const { inventory, held, found, check } = await compare(context, name);
        const project = parseConfig(await readPart(context, CONFIG_PATH)).project;
        const page = inventoryPage(project, inventory, held, found, check);
        if (options.out === undefined) return { value: { page }, text: plain(page.trimEnd()) };
        const path = resolve(context.folder, options.out);
        await writeFile(path, page);
        return { value: { path }, text: plain(path) };
      }),
    );

/** The project's inventory, what the environment holds, and where they do not agree. */
async function compare(context: Context, name: string) {
  const inventory: Inventory = parseInventory(await readPart(context, INVENTORY_PATH));
  const prefixes = inventory.storage.map(({ prefix }) => prefix);
  const { held, found, policy } = await ask(context, name, prefixes);
  const check = checkInventory(inventory, held, { ...found, configuration: policy.configuration });
  const { decision, rollback, inventory: asked } = policy;
  return { inventory, held, found: { ...found, policy: { decision, rollback, inventory: asked } }, check };
}

async function ask(context: Context, name: string, prefixes: string[]) {
  const client = await context.client();
  const path = `/environments/${encodeURIComponent(name)}`;
  const found = await client.get(path, environment);
  context.terminal.err(`reading what "${name}" holds`);
  const held = await client.post(`${path}/holdings`, { prefixes }, holdings);
  return { found, held, policy: inventoryPolicy.parse(found.policy) };
}

async function readPart({ folder }: Context, path: string): Promise<Uint8Array> {
  return readFile(join(folder, path)).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ENOENT" ? new RehearsalError("ProjectMissing", { folder, missing: path }) : error;
  });
}
