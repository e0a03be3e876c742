/** The inventory for people: one page of Markdown with what an environment holds now, to be read and not to be written. */
import { number } from "./counts.ts";
import type { HeldTable, Holdings } from "./holdings.ts";
import { INVENTORY_PATH, type Inventory, type InventoryTable, isProtected, placeIn } from "./inventory.ts";
import type { InventoryCheck } from "./inventory-check.ts";
import { tableKey } from "./inventory-names.ts";
import { CLASSIFICATIONS, type Classification } from "./inventory-schema.ts";
import { quoteQualified } from "./names.ts";

interface PagedEnvironment {
  name: string;
  role: string;
  state: string;
  policy: { decision: string; rollback: string; inventory: string };
  lastVerifiedBackup: { id: string; takenAt: string } | null;
}

export function inventoryPage(
  project: string,
  inventory: Inventory,
  holdings: Holdings,
  environment: PagedEnvironment,
  check: InventoryCheck,
): string {
  const { name, role, state } = environment;
  return `${[
    `# Data inventory of ${text(project)}`,
    "",
    `Written by \`rehearsal inventory render ${name}\` from ${INVENTORY_PATH} and from what ${code(name)} (${role}, ${state}) holds. Do not edit: change ${INVENTORY_PATH}, and write it anew.`,
    "",
    ...departures(check),
    ...invariants(environment),
    ...tableSection(inventory, holdings),
    ...columnSection(inventory),
    ...storageSection(inventory, holdings),
    ...configurationSection(inventory, environment),
    ...changeSection(inventory),
    ...rollbackSection(environment),
  ]
    .join("\n")
    .trimEnd()}\n`;
}

function departures({ problems }: InventoryCheck): string[] {
  if (problems.length === 0) return [];
  return [
    `> **It is not whole.** ${problems.length} ${problems.length === 1 ? "thing departs" : "things depart"} from what is there; \`rehearsal inventory check\` prints the lines:`,
    ...problems.map(({ says }) => `> - ${text(says)}`),
    "",
  ];
}

function invariants({ policy }: PagedEnvironment): string[] {
  return [
    "## What always holds",
    "",
    "- No data of a development database reaches this one: seeds run on dev alone, and a backup of dev is restored into dev.",
    "- What a release does beyond adding needs a data plan, and is tried on a restored copy before this database is touched.",
    "- Every promotion begins with a backup and with a copy that was proved equal; a rollback is ready before the first change.",
    `- ${policy.decision === "approval" ? "A person approves what the rehearsal found" : "A rehearsal that goes well is promoted without a person's word"}.`,
    policy.inventory === "required"
      ? "- A release without this inventory is refused."
      : "- A release whose tables or columns this inventory does not know is refused.",
    "",
  ];
}

function tableSection(inventory: Inventory, { tables }: Holdings): string[] {
  if (inventory.tables === undefined) return [];
  const held = new Map(tables.map((table) => [quoteQualified(table.schema, table.name), table]));
  return [
    "## Tables",
    "",
    "| table | holds | owner | classification | rows | size |",
    "|---|---|---|---|---:|---:|",
    ...inventory.tables.map((table) =>
      tableRow(inventory, table, held.get(quoteQualified(table.schema, table.name))),
    ),
    "",
    ...retention(inventory.tables),
  ];
}

function tableRow(inventory: Inventory, table: InventoryTable, held: HeldTable | undefined): string {
  const { purpose, owner } = table;
  return row([
    code(tableKey(table)),
    text(purpose),
    text(owner),
    classified(inventory, table),
    held === undefined ? "not there" : `${held.exact ? "" : "about "}${number(held.rows)}`,
    held === undefined ? "" : size(held.bytes),
  ]);
}

/** Its own classification, and those protected ones that only columns of it have. */
function classified(inventory: Inventory, table: InventoryTable): string {
  const { classification, columns } = table;
  if (!isProtected(inventory, table)) return classification;
  const others = CLASSIFICATIONS.filter(
    (one) =>
      one !== classification &&
      inventory.protected.has(one) &&
      columns.some((column) => column.classification === one),
  );
  const own = inventory.protected.has(classification) ? `**${classification}**` : classification;
  return others.length === 0 ? own : `${own}, with **${others.join("**, **")}** columns`;
}

function retention(tables: readonly InventoryTable[]): string[] {
  const kept = tables.flatMap(({ key, retention: rule }) => {
    const told = [rule?.keep && `kept ${rule.keep}`, rule?.archive && `archived ${rule.archive}`].filter(
      Boolean,
    );
    return told.length === 0 ? [] : [`- ${code(key)}: ${text(told.join("; "))}`];
  });
  return kept.length === 0 ? [] : ["How long rows are kept:", "", ...kept, ""];
}

/** Only columns that are to be kept closer than their table, and those of which there is more to say. */
function columnSection(inventory: Inventory): string[] {
  const rank = (one: Classification) => CLASSIFICATIONS.indexOf(one);
  const lines = (inventory.tables ?? []).flatMap((table) =>
    table.columns
      .filter(
        (one) =>
          rank(one.classification) > rank(table.classification) || one.encrypted || one.json || one.note,
      )
      .map((one) =>
        row([
          code(`${table.key}.${one.name}`),
          one.classification,
          one.encrypted === undefined ? "" : one.encrypted === true ? "yes" : text(one.encrypted),
          one.json ? "yes" : "",
          text(one.note ?? ""),
        ]),
      ),
  );
  if (lines.length === 0) return [];
  return [
    "## Columns of which there is more to say",
    "",
    "| column | classification | encrypted | JSON | |",
    "|---|---|---|---|---|",
    ...lines,
    "",
  ];
}

function storageSection(inventory: Inventory, { storage }: Holdings): string[] {
  if (inventory.storage.length === 0) return [];
  const held = new Map(storage?.prefixes.map((one) => [one.prefix, one]));
  const about = storage?.whole === false ? "at least " : "";
  return [
    "## Storage",
    "",
    storage === null
      ? "The environment's policy names no bucket, so nothing under these prefixes is guarded."
      : `In the bucket ${code(storage.bucket)}${storage.root ? `, under ${code(storage.root)}` : ""}; a rollback puts back what a release overwrites or deletes there.`,
    "",
    "| prefix | holds | kept | objects | size |",
    "|---|---|---|---:|---:|",
    ...inventory.storage.map(({ prefix, purpose, keep, note }) => {
      const found = held.get(prefix);
      return row([
        code(prefix),
        text([purpose, note].filter(Boolean).join("; ")),
        text(keep ?? ""),
        found === undefined ? "" : about + number(found.objects),
        found === undefined ? "" : about + size(found.bytes),
      ]);
    }),
    "",
  ];
}

function configurationSection(inventory: Inventory, environment: PagedEnvironment): string[] {
  const { roleFile, stateFile } = inventory.state;
  const lines = [
    ...(inventory.configuration ?? []).map(({ name, capture, recorded, purpose, note }) => {
      const how =
        capture === "manual"
          ? `by hand; the copy lies at ${text(recorded ?? "")}`
          : code(placeIn(capture, environment));
      return row([code(name), text([purpose, note].filter(Boolean).join("; ")), how]);
    }),
    ...[
      { file: roleFile, says: "dev or prod; must be the environment's role", how: "read by each promotion" },
      {
        file: stateFile,
        says: "writeable, provisional or canonical; follows each promotion",
        how: "kept by each promotion",
      },
    ].flatMap(({ file, says, how }) =>
      file === undefined
        ? []
        : [
            row([
              code(placeIn(file.at, environment)),
              text([file.purpose ?? says, file.note].filter(Boolean).join("; ")),
              how,
            ]),
          ],
    ),
  ];
  if (lines.length === 0) return [];
  return [
    "## Configuration and state",
    "",
    "| item | what it is | captured from |",
    "|---|---|---|",
    ...lines,
    "",
  ];
}

function changeSection(inventory: Inventory): string[] {
  const noted = (inventory.tables ?? []).filter(({ notesOnChange }) => notesOnChange !== undefined);
  return [
    "## When data changes",
    "",
    `Whoever adds, renames or retires a table, a column, a prefix or an item of configuration changes ${INVENTORY_PATH} in the same release; \`rehearsal inventory check ${"ENVIRONMENT"}\` prints the lines.`,
    "",
    ...(noted.length === 0
      ? []
      : [
          "A migration that changes one of these says so in the comment at its top:",
          "",
          ...noted.map(({ key, notesOnChange }) => `- ${code(key)}: ${text(notesOnChange ?? "")}`),
          "",
        ]),
  ];
}

function rollbackSection({ policy, lastVerifiedBackup }: PagedEnvironment): string[] {
  return [
    "## Going back",
    "",
    "- Before anything is promoted a backup is taken, restored and compared; the log of the promotion names it, and the shapes before and after.",
    policy.rollback === "swap"
      ? "- A rollback closes the database, puts the proved copy in its place by renaming, and starts the services again."
      : "- A rollback closes the database, restores a copy from the backup, proves it, puts it in its place, and starts the services again.",
    "- Configuration is captured with each backup, sealed; of what is captured by hand the log says where the copy lies.",
    lastVerifiedBackup === null
      ? "- No backup has been restored and verified yet."
      : `- The newest verified backup is ${code(lastVerifiedBackup.id)}, of ${lastVerifiedBackup.takenAt.slice(0, 10)}.`,
    "",
  ];
}

const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;

/** What a person wrote, in one line, with nothing in it that becomes markup. */
function text(written: string): string {
  return written
    .replaceAll(/\s+/g, " ")
    .replaceAll(/[\\`*_{}[\]<>#|]/g, "\\$&")
    .trim();
}

function code(written: string): string {
  const line = written.replaceAll(/\s+/g, " ").replaceAll("|", "\\|");
  return line.includes("`") ? `\`\` ${line} \`\`` : `\`${line}\``;
}

/** Bytes in powers of 1024. */
function size(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let [value, unit] = [count, 0];
  while (value >= 1024 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
