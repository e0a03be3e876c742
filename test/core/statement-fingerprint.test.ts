/** A statement's fingerprint: one for all ways to write it, and another for whatever does something else. */
import { describe, expect, test } from "vitest";
import { digestOf } from "../../core/digest.ts";
import { parseMigration } from "../../core/migration.ts";

async function fingerprints(sql: string): Promise<string[]> {
  const { statements } = await parseMigration("migrations/0001_change.sql", Buffer.from(sql));
  return statements.map(({ fingerprint }) => fingerprint);
}

describe("a statement's fingerprint", () => {
  test("is the same whatever the formatting", async () => {
    const [one] = await fingerprints("update files set kind = 'input' where id in (1, 2);");
    const [other] = await fingerprints(
      "\n-- why\nUPDATE   Files\n  SET \"kind\" = 'input' /* so */ WHERE id IN (1,\n2)",
    );
    expect(one).toMatch(/^[0-9a-f]{16}$/);
    expect(other).toBe(one);
  });

  test("is of the parse tree as canonical JSON", async () => {
    const sql = "truncate files";
    const relation = { inh: true, relname: "files", relpersistence: "p" };
    const fields = { behavior: "DROP_RESTRICT", relations: [{ RangeVar: relation }] };
    expect(await fingerprints(sql)).toEqual([digestOf({ kind: "TruncateStmt", fields }).slice(0, 16)]);
  });

  test("is another for another value, name, order or statement", async () => {
    const all = await fingerprints(`update files set kind = 'input' where id = 1;
      update files set kind = 'input' where id = 2;
      update files set kind = 'other' where id = 1;
      update file set kind = 'input' where id = 1;
      update "Files" set kind = 'input' where id = 1;
      delete from files where id = 1;
      do $$ begin update files set kind = 'input' where id = 1; end $$;
      do $$ begin update files set kind = 'input' where id = 2; end $$;`);
    expect(new Set(all).size).toBe(all.length);
  });
});
