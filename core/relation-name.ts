/** Relations as the parse tree names them, written the one way people see them: `"app"."segments"`. */
import { quoteName } from "./names.ts";
import { asText, isTree, nameParts } from "./sql-tree.ts";

/** The quoted name of a RangeVar as it is written in the file: qualified only if the file qualifies it. */
export function relationName(range: unknown): string | undefined {
  if (!isTree(range)) return undefined;
  const name = asText(range.relname);
  if (name === undefined) return undefined;
  const schema = asText(range.schemaname);
  return schema === undefined ? quoteName(name) : `${quoteName(schema)}.${quoteName(name)}`;
}

/** The quoted form of a name written as a list of parts. */
export function quotedParts(value: unknown): string | undefined {
  const parts = nameParts(value);
  return parts.length === 0 ? undefined : parts.map(quoteName).join(".");
}
