/** Sqitch: `deploy/what.sql` in the order of sqitch.plan; a reworked change's earlier form is `deploy/what@tag.sql`. */
import { readSqlSource, type SqlSource } from "../sql-source.ts";
import { below, type Format, type FormatFile, type FoundMigration } from "./format.ts";
import { broken } from "./markers.ts";
import { type PlannedChange, readPlan } from "./sqitch-plan.ts";

export const sqitch: Format = {
  layout: {
    folder: ".",
    file: /^(?:sqitch\.(?:plan|conf)|(?:deploy|revert|verify)\/.+\.sql)$/s,
    entries: ["sqitch.plan", "sqitch.conf", "deploy", "revert", "verify"],
    deep: true,
    wanted: "sqitch.plan, sqitch.conf, and scripts in deploy/, revert/ and verify/",
  },
  outside: "has no BEGIN, and Sqitch runs each of its statements alone",
  read(files, folder) {
    const plan = files.find(({ path }) => path === below(folder, "sqitch.plan"));
    if (plan === undefined) return { migrations: [], repeatables: [], notes: [] };
    const source = readSqlSource(plan.path, plan.bytes);
    const changes = readPlan(source);
    const scripts = new Map(files.map((file) => [file.path, file]));
    const used = new Set<string>();
    const migrations = changes.map((change, index) => {
      const found = scriptOf(source, changes, index, folder, scripts);
      used.add(found.file.path);
      return readOne(change, found);
    });
    const deploy = below(folder, "deploy/");
    const notes = files
      .filter(({ path }) => path.startsWith(deploy) && !used.has(path))
      .map(({ path }) => `${path} is left out: sqitch.plan does not name it`);
    for (const { name, foreign } of changes)
      for (const need of foreign)
        notes.push(`${name} needs ${need} of another project, which is not looked for`);
    return { migrations, repeatables: [], notes };
  },
  next: { tool: "sqitch add" },
};

interface Script {
  file: FormatFile;
  /** The tag under which the script of a change that was reworked later is kept; empty for its last form. */
  tag: string;
}

/** A change that comes again further down keeps this form's script under one of the tags in between. */
function scriptOf(
  plan: SqlSource,
  changes: readonly PlannedChange[],
  index: number,
  folder: string,
  scripts: ReadonlyMap<string, FormatFile>,
): Script {
  const { name, line } = changes[index] as PlannedChange;
  const again = changes.findIndex((change, place) => place > index && change.name === name);
  const tags = again < 0 ? [""] : changes.slice(index, again).flatMap((change) => change.tags);
  const at = offsetOfLine(plan.sql, line);
  if (tags.length === 0)
    throw broken(
      "sqitch",
      plan,
      at,
      `"${name}" stands twice with no tag in between`,
      "tag before you rework a change",
    );
  for (const tag of tags) {
    const file = scripts.get(below(folder, `deploy/${name}${tag}.sql`));
    if (file !== undefined) return { file, tag };
  }
  const wanted = tags.map((tag) => below(folder, `deploy/${name}${tag}.sql`)).join(" or ");
  throw broken("sqitch", plan, at, `"${name}" has no script`, `bring ${wanted} back`);
}

function offsetOfLine(text: string, line: number): number {
  let at = 0;
  for (let left = line - 1; left > 0; left--) at = text.indexOf("\n", at) + 1;
  return at;
}

function readOne({ name }: PlannedChange, { file, tag }: Script): FoundMigration {
  return {
    key: `${name}${tag}`,
    name,
    source: readSqlSource(file.path, file.bytes),
    transaction: "autocommit",
  };
}
