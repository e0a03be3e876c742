/** `rehearsal report`: what the rehearsal measured, and once production is migrated, how that went beside it. */
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command, Option } from "commander";
import * as z from "zod";
import type { Declare } from "../command.ts";

interface Options {
  format: "md" | "html" | "json";
  output?: string;
}

export const reportCommand: Declare = (act) =>
  new Command("report")
    .description("Show the newest rehearsal's report, and how production went beside it")
    .argument("<promotion>")
    .addOption(new Option("--format <format>", "how").choices(["md", "html", "json"]).default("md"))
    .option("--output <file>", "write it there")
    .action(
      act(async (context, id: string, options: Options) => {
        const format = context.json && options.output === undefined ? "json" : options.format;
        const client = await context.client();
        const path = `/promotions/${encodeURIComponent(id)}`;
        const text = await client.text(`${path}/report?format=${format}`);
        if (options.output === undefined) {
          if (format !== "json") return { value: text, text: text.trimEnd() };
          const { comparison } = await client.get(`${path}/comparison`, compared);
          const value = { ...report.parse(JSON.parse(text)), ...(comparison !== null && { comparison }) };
          return { value, text: text.trimEnd() };
        }
        const file = resolve(context.folder, options.output);
        await writeFile(file, text);
        return { value: { promotion: id, format, file }, text: file };
      }),
    );

const report = z.looseObject({});
const compared = z.object({ comparison: z.looseObject({}).nullable() });
