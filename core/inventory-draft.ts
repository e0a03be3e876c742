/** The draft of an `inventory.yaml`: all that can be read of an environment, with a mark where a person has to say something. */
import { stringify } from "yaml";
import type { Holdings } from "./holdings.ts";
import { guessTable } from "./inventory-guess.ts";
import { tableKey } from "./inventory-names.ts";
import { TO_SAY } from "./inventory-schema.ts";

/** Where the schema lies, for editors that speak to the YAML language server; from a project that has the command installed. */
const SCHEMA = "node_modules/rehearsal/docs/schemas/inventory.schema.json";

const HEAD = `# yaml-language-server: $schema=${SCHEMA}
#
# What of this project holds data. A release that adds a table or a column says here what it holds, or is refused.
# ${TO_SAY} marks what only a person can say. Classifications are guessed from names: read each of them.
#   public, internal, confidential, personal, secret; a column that names none has its table's.
`;

export function draftInventory(holdings: Holdings, configuration: readonly string[]): string {
  const { tables, storage } = holdings;
  const parts = {
    owner: TO_SAY,
    tables: Object.fromEntries(tables.map((table) => [tableKey(table), guessTable(table)])),
    storage: [...(storage?.prefixes ?? []), ...(storage?.strays ?? [])].map(({ prefix }) => ({
      prefix,
      purpose: TO_SAY,
    })),
    configuration: configuration.map((item) => ({
      name: item.slice(item.search(/[^/:]+$/)),
      capture: item.replaceAll(`/${holdings.environment}/`, "/{environment}/"),
      purpose: TO_SAY,
    })),
  };
  const written = Object.entries(parts).map(([name, value]) =>
    stringify({ [name]: value }, { nullStr: "", lineWidth: 0 }).replaceAll(/[ \t]+$/gm, ""),
  );
  return [HEAD, ...written].join("\n");
}
