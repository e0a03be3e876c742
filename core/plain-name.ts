/** Names of objects as people write them in a file: `public.files`, quoted only where SQL needs it. */
import { quoteName } from "./names.ts";

/** One part: quoted, or plain as Postgres folds it. */
const PART = /"((?:[^"]|"")+)"|([^\s".]+)/y;

/** `public."Files".doc_no` as its parts, plain ones in lower case; undefined when it is no name. */
export function readName(text: string): string[] | undefined {
  const parts: string[] = [];
  for (let at = 0; ; at++) {
    PART.lastIndex = at;
    const found = PART.exec(text);
    if (found === null) return undefined;
    parts.push(found[1]?.replaceAll('""', '"') ?? (found[2] ?? "").toLowerCase());
    at = PART.lastIndex;
    if (at === text.length) return parts;
    if (text[at] !== ".") return undefined;
  }
}

/** The parts as a name that `readName` reads back. */
export function writeName(parts: readonly string[]): string {
  return parts.map((part) => (/^[a-z_][a-z0-9_$]*$/.test(part) ? part : quoteName(part))).join(".");
}

/** True when both may name the same object: one may leave out the schema. */
export function mayBeSame(one: readonly string[], other: readonly string[]): boolean {
  const [short, long] = one.length <= other.length ? [one, other] : [other, one];
  return short.length > 0 && short.every((part, index) => part === long[long.length - short.length + index]);
}
