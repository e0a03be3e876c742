/** docs/rules/: a page for each rule of the safety analysis, and the list of them. */
import type { Claim, Rule } from "../core/lint/rule.ts";
import { RULES } from "../core/lint/rules.ts";
import { table } from "./markdown.ts";

/** The file of each page from the root of the tree, and its text. */
export function rulePages(): { file: string; generate(): string }[] {
  return [
    { file: "docs/rules/README.md", generate: rulesList },
    ...RULES.map((rule) => ({ file: `docs/rules/${rule.id}.md`, generate: () => rulePage(rule) })),
  ];
}

const MADE = "Made from `core/lint/rules/` by `node docs/generate.ts`; do not edit.";

function rulesList(): string {
  const rows = RULES.map(({ id, severity, title, claim, blocks }) => [
    id,
    severity,
    title,
    "none" in claim ? "" : claimText(claim),
    blocks === "nothing" ? "" : blocks,
  ]);
  const [head = "", line = "", ...body] = table(["Rule", "Severity", "Finds", "Takes", "Blocks"], rows).split(
    "\n",
  );
  const linked = body.map((row, index) => {
    const id = RULES[index]?.id ?? "";
    return row.replace(/^\| [^|]+ \|/, `| [${id}](${id}.md) |`);
  });
  return `# Rules of the safety analysis

${MADE}

\`rehearsal lint\` looks at the files of a project, and so does every promotion before it begins, by the sizes that production has. An **error** may destroy data or stop production's work; a **warning** is about what is left behind or not said. What an error does to a promotion is the policy's: \`lint: refuse\` or \`lint: warn\`.

Each rule decides on Postgres's own parse tree, and knows what the statements before made: a table that the same release makes is locked by nobody. A table known to be tiny (8 MiB with its indexes) turns what only blocks into a warning. What a rule says of locks and rewrites is measured: \`test/lint/measured.test.ts\` runs its examples on Postgres 16, 17 and 18.

A finding is let through by a comment directly above its statement, with the reason, which plan and report repeat:

\`\`\`sql
-- rehearsal: allow drop-table: moved to the archive in release 11, read by nobody since
drop table if exists orders;
\`\`\`

A finding whose point is what is lost (${RULES.filter(({ loss }) => loss === true)
    .map(({ id }) => `\`${id}\``)
    .join(
      ", ",
    )}) is let through by a data plan too that names its statement: the plan says why, and is approved with the rest. A draft lets nothing through. What a statement locks or rewrites no plan allows.

${[head, line, ...linked].join("\n")}
`;
}

function rulePage({
  id,
  severity,
  title,
  why,
  mend,
  claim,
  blocks,
  scales,
  loss,
  setup,
  bad,
  good,
}: Rule): string {
  return `# ${id}

${title}.

- severity: ${severity}${scales === true && severity === "error" ? "; a warning where the tables are known to be tiny" : ""}
- takes: ${"none" in claim ? `nothing that is measured: ${claim.none}` : `${claimText(claim)}, measured on \`${claim.table}\` below`}
- blocks: ${BLOCKS[blocks]}

${why}

The mend: ${mend}.

## Found

${sql(bad)}

## Not found

${sql(good)}
${setup === "" ? "" : `\nBoth on:\n\n${sql(setup)}\n`}
## To let it through

${
  UNALLOWABLE.has(id)
    ? "It cannot be: Rehearsal does not run such a file."
    : id === "allowance"
      ? "It cannot be: change the comment."
      : `Directly above the statement, with the reason:\n\n${sql(`-- rehearsal: allow ${id}: why it is safe here`)}${loss === true ? "\n\nOr by a data plan that names the statement." : ""}`
}

${MADE}
`;
}

const BLOCKS = {
  reads: "readers and writers",
  writes: "writers",
  nothing: "nobody",
};

const UNALLOWABLE = new Set([
  "transaction-control",
  "refused-statement",
  "concurrently-without-no-transaction",
]);

function claimText({ lock, scans, rewrites }: Claim): string {
  return [
    lock,
    ...(scans ? ["reads every row"] : []),
    ...(rewrites ? ["writes the table's file anew"] : []),
  ].join(", ");
}

function sql(text: string): string {
  return `\`\`\`sql\n${text}\n\`\`\``;
}
