/** The very lines by which `inventory.yaml` has to change, each under the keys it stands under. */
import { stringify } from "yaml";

export interface InventoryChange {
  does: "add" | "remove";
  /** The keys above the entry, and its own; the last is left out for an entry of a list. */
  path: readonly string[];
  /** What stands there, or has to; null for a key alone. */
  value: unknown;
  /** True for an entry of a list. */
  listed?: true;
}

/** As a difference: `+` before a line that is missing, `-` before one that is too many, nothing before what they stand under. */
export function inventoryLines(changes: readonly InventoryChange[]): string {
  return below(changes, 0).join("\n");
}

function below(changes: readonly InventoryChange[], depth: number): string[] {
  const groups = Map.groupBy(changes, ({ path }) => path[depth]);
  return [...groups].flatMap(([key, group]) => {
    const ends = group.filter(({ path, listed }) => listed === undefined && path.length === depth + 1);
    const entries = group.filter(({ path, listed }) => listed && path.length === depth);
    const deeper = group.filter((change) => !ends.includes(change) && !entries.includes(change));
    const context =
      deeper.length === 0 || key === undefined
        ? []
        : [`  ${"  ".repeat(depth)}${yamlLines({ [key]: null })[0]}`, ...below(deeper, depth + 1)];
    return [
      ...entries.flatMap(({ does, value }) => marked(does, [value], depth)),
      ...ends.flatMap(({ does, value, path }) => marked(does, { [path[depth] ?? ""]: value }, depth)),
      ...context,
    ];
  });
}

function marked(does: InventoryChange["does"], value: unknown, depth: number): string[] {
  const sign = does === "add" ? "+" : "-";
  return yamlLines(value).map((line) => `${sign} ${"  ".repeat(depth)}${line}`);
}

/** Columns stand in one line each: `email: personal`, `token: { classification: secret }`. */
function yamlLines(value: unknown): string[] {
  return stringify(value, { nullStr: "", lineWidth: 0 })
    .trimEnd()
    .split("\n")
    .map((line) => line.trimEnd());
}
