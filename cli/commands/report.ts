/** `rehearsal report`: what the rehearsal measured. */
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command, Option } from "commander";
import type { Declare } from "../command.ts";

interface Options {
  format: "md" | "html" | "json";
  output?: string;
}

export const reportCommand: Declare = (act) =>
  new Command("report")
    .description("Show the newest rehearsal's report")
    .argument("<promotion>")
    .addOption(new Option("--format <format>", "how").choices(["md", "html", "json"]).default("md"))
    .option("--output <file>", "write it there")
    .action(
      act(async (context, id: string, options: Options) => {
        const format = context.json && options.output === undefined ? "json" : options.format;
        const client = await context.client();
        const text = await client.text(`/promotions/${encodeURIComponent(id)}/report?format=${format}`);
        if (options.output === undefined)
          return { value: format === "json" ? JSON.parse(text) : text, text: text.trimEnd() };
        const file = resolve(context.folder, options.output);
        await writeFile(file, text);
        return { value: { promotion: id, format, file }, text: file };
      }),
    );
