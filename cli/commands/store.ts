/** `rehearsal store`: an environment's data as files, made of its database, kept beside it, and put in its place, and back. */
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command } from "commander";
import { RehearsalError } from "../../core/errors.ts";
import type { StoreDefinition } from "../../core/store/definition.ts";
import { modelsSource } from "../../core/store/models-source.ts";
import { STORE_PATH } from "../../core/store/store-file.ts";
import type { Act, Declare } from "../command.ts";
import { columns, plain } from "../text.ts";
import { prepareRelease } from "./release.ts";
import {
  abandonCommand,
  cutoverCommand,
  dumpCommand,
  exportCommand,
  giveUpCommand,
  importCommand,
  statusCommand,
  syncCommand,
  verifyCommand,
} from "./store-moves.ts";

export const storeCommand: Declare = (act) =>
  new Command("store")
    .description("Stores: an environment's data as files, kept beside its database or put in its place")
    .addCommand(checkCommand(act))
    .addCommand(modelsCommand(act))
    .addCommand(dumpCommand(act))
    .addCommand(exportCommand(act))
    .addCommand(syncCommand(act))
    .addCommand(verifyCommand(act))
    .addCommand(cutoverCommand(act))
    .addCommand(abandonCommand(act))
    .addCommand(importCommand(act))
    .addCommand(statusCommand(act))
    .addCommand(giveUpCommand(act));

const checkCommand = (act: Act) =>
  new Command("check")
    .description("Hold this folder's store.yaml against schema.lock.json, and tell what a store does not do")
    .action(
      act(async ({ folder }, _: object) => {
        const { name, models } = await definitionHere(folder);
        const told = models.map(({ name: model, schema, table, file, key, notCarried }) => ({
          ...{ model, table: `${schema}.${table}`, file, key, notCarried },
        }));
        const lines = told.map(({ model, table, file, key }) => [model, table, file, key.join(", ")]);
        const without = told.flatMap(({ model, notCarried }) =>
          notCarried.map((one) => `  ${plain(model)}: ${plain(one)}`),
        );
        return {
          value: { project: name, models: told },
          text: [
            columns([["MODEL", "TABLE", "FILE", "KEY"], ...lines]),
            ...(without.length === 0 ? [] : ["", "what a store does not do:", ...without]),
          ].join("\n"),
        };
      }),
    );

const modelsCommand = (act: Act) =>
  new Command("models")
    .description("Write the TypeScript module of this folder's models, which the application imports")
    .option("--out <path>", "the file; standard output when left out")
    .action(
      act(async ({ folder }, { out }: { out?: string }) => {
        const { models, definition } = await definitionHere(folder);
        const source = modelsSource(definition);
        const path = out === undefined ? null : resolve(folder, out);
        if (path !== null)
          await writeFile(path, source).catch((error: Error) => {
            throw new RehearsalError(
              "InputInvalid",
              { what: "--out", problems: `${path}: ${error.message}` },
              { cause: error },
            );
          });
        return {
          value: { path, models: models.length, source },
          text: path === null ? source.trimEnd() : `${path}: ${models.length} models`,
        };
      }),
    );

async function definitionHere(
  folder: string,
): Promise<{ name: string; models: StoreDefinition["models"]; definition: StoreDefinition }> {
  const { project } = await prepareRelease(folder);
  if (project.store === undefined)
    throw new RehearsalError("ProjectMissing", { folder, missing: STORE_PATH });
  return { name: project.name, models: project.store.models, definition: project.store };
}
