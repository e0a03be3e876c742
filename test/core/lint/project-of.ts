/** Files of SQL as the analysis gets them, without a project around them. */
import { readDirectives } from "../../../core/directives.ts";
import type { LintProject, LintSource } from "../../../core/lint/lint.ts";
import { parseSql } from "../../../core/sql-parser.ts";
import { describeStatement } from "../../../core/statement.ts";

export async function projectOf(files: {
  migrations?: readonly string[];
  views?: readonly string[];
  seeds?: readonly string[];
}): Promise<LintProject> {
  const read = async (folder: string, texts: readonly string[] = []) => {
    const sources: LintSource[] = [];
    for (const [index, sql] of texts.entries())
      sources.push(await sourceOf(`${folder}/000${index + 1}_example.sql`, sql));
    return sources;
  };
  return {
    migrations: await read("migrations", files.migrations),
    views: await read("views", files.views),
    seeds: await read("seeds", files.seeds),
  };
}

/** A file of the native format, without what refuses it. */
async function sourceOf(path: string, sql: string): Promise<LintSource> {
  const parsed = await parseSql({ path, sha256: "", sql });
  const { allowed, noTransaction, batch } = readDirectives({ path, sha256: "", sql }, parsed[0]?.start ?? 0);
  return {
    path,
    statements: parsed.map(describeStatement),
    allowed,
    transactional: !noTransaction && batch === undefined,
    ...(batch && { batch }),
  };
}
