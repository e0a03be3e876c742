/** docs/faults.md: which faults were provoked, where the proof stands, and how each kill ended. */
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** A line of test/workflows/kill-promotion.tsv, which the kill tests hold to what they see. */
interface KillOutcome {
  step: string;
  point: string;
  course: string;
  status: string;
}

/** Markdown; the kill table from what the tests saw, the index of rows from the tests' own names. */
export async function faultsPage(): Promise<string> {
  const seen = await killOutcomes();
  const rows = await rowsOfTests();
  return `# Faults provoked

The first table is what \`test/workflows/kill-*.test.ts\` saw; they fail when they see anything else.

## kill -9 of the whole service

At every milestone the process is killed, started again on what it left, and the promotion is followed to its end; one
that ends promoted dies once in every step, one that is refused or rolled back at every other milestone. A promotion
that ends rolled back or refused leaves production's shape and content equal to before, to the last bit.

| step | milestone | ends without the kill | ended |
|---|---|---|---|
${seen.map((kill) => `| ${kill.step} | ${kill.point} | ${kill.course} | ${kill.status} |`).join("\n")}

## Rows of the fault table, and the tests that hold them

| row | test |
|---:|---|
| 1, 39 | the kills above (\`test/workflows/kill-*.test.ts\`) |
${rows.fault.map(line).join("\n")}

## Rows of the abuse table, and the tests that hold them

| row | test |
|---:|---|
${rows.abuse.map(line).join("\n")}
`;
}

async function killOutcomes(): Promise<KillOutcome[]> {
  const text = await readFile(join(ROOT, "test/workflows/kill-promotion.tsv"), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => {
      const [step = "", point = "", course = "", status = ""] = line.split("\t");
      return { step, point, course, status };
    });
}

interface NamedRow {
  number: number;
  name: string;
  file: string;
}

const line = ({ number, name, file }: NamedRow) => `| ${number} | ${name} (\`${file}\`) |`;

/** Tests whose names begin with a row: `fault 17: …`, `abuse 8: …`; a name with placeholders stands as it is written. */
async function rowsOfTests(): Promise<Record<"fault" | "abuse", NamedRow[]>> {
  const rows: Record<"fault" | "abuse", NamedRow[]> = { fault: [], abuse: [] };
  const files: string[] = [];
  for await (const file of glob("test/**/*.test.ts", { cwd: ROOT })) files.push(file);
  for (const file of files.sort()) {
    const text = await readFile(join(ROOT, file), "utf8");
    for (const [, kind, numbers = "", name = ""] of text.matchAll(
      /["`](fault|abuse) ([\d, and]+): ([^"`\n]+)["`]/g,
    ))
      for (const number of numbers.match(/\d+/g) ?? [])
        rows[kind as "fault" | "abuse"].push({
          number: Number(number),
          name: name.replaceAll("|", "\\|"),
          file,
        });
  }
  for (const list of Object.values(rows))
    list.sort((a, b) => a.number - b.number || (a.file < b.file ? -1 : a.file > b.file ? 1 : 0));
  return rows;
}
