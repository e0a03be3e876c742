/** docs/performance.md: one section for each bench, each written by its own run. */
import { readFile, writeFile } from "node:fs/promises";
import { arch, cpus, platform, release, totalmem } from "node:os";
import { join } from "node:path";

const PAGE = join(import.meta.dirname, "../docs/performance.md");
const HEAD = `# Performance

Each section is written by its bench and not edited by hand. Seconds are wall time and depend on the machine; ratios were measured in one run, the peers and ours in turns, and are what to look at.
`;

/** Writes a section anew, or adds it; the others stay. */
export async function writeSection(title: string, text: string): Promise<void> {
  const [, ...sections] = (await readFile(PAGE, "utf8")).split(/^## /m);
  const others = sections
    .filter((section) => !section.startsWith(`${title}\n`))
    .map((section) => section.trim());
  const written = [...others, `${title}\n\n${text.trim()}`].sort();
  await writeFile(PAGE, `${HEAD}\n${written.map((section) => `## ${section}\n`).join("\n")}`);
}

/** The machine, in a few words. */
export function describeMachine(): string {
  const [cpu] = cpus();
  return `${cpus().length} × ${cpu?.model.trim() ?? "unknown processor"}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()} ${release()} ${arch()}, Node ${process.versions.node}`;
}
