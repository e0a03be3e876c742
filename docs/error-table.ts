/** docs/errors.md: the catalogue of errors as a person looks one up. */
import { ERRORS } from "../core/errors.ts";
import { table } from "./markdown.ts";

/** What the table needs of an entry; the catalogue's own types say which facts each takes. */
export interface CatalogueEntry {
  message: (facts: never) => string;
  hint: string | ((facts: never) => string);
  status: number;
  exit: number;
  retryable?: true;
}

/** Every code with its fact, its mend and its numbers; a `{name}` stands where a value will. */
export function errorTable(catalogue: Record<string, CatalogueEntry> = ERRORS): string {
  const rows = Object.entries(catalogue).map(([code, { message, hint, status, exit, retryable }]) => [
    code,
    message(placeholders()),
    typeof hint === "string" ? hint : hint(placeholders()),
    status,
    exit,
    retryable ? "yes" : "",
  ]);
  return `# Errors

Every refusal has a code, a fact and a mend. Made from \`core/errors.ts\` by \`node docs/generate.ts\`; do not edit.

Exit codes: 1 failed and production safe, 2 usage, 3 drift or pending, 4 approval needed, 5 locked, 6 operator needed.
"Again" marks those after which the workflow tries the same step again by itself.

${table(["Code", "Fact", "Hint", "HTTP", "Exit", "Again"], rows)}
`;
}

/** Facts of which each, and whatever is done with it, reads as its own name in braces. */
function placeholders(): never {
  return new Proxy({}, { get: (_, name) => placeholder(`{${String(name)}}`) }) as never;
}

/** A message may cut, join or quote a fact: every property and every call gives the placeholder again. */
function placeholder(text: string): unknown {
  const itself: unknown = new Proxy(() => text, {
    get: (_, property) =>
      property === Symbol.toPrimitive || property === "toString" || property === "toJSON"
        ? () => text
        : itself,
    apply: () => itself,
  });
  return itself;
}
