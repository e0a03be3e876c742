/** Definitions as they read after a dump and restore, so that a database and its copy have one shape. */

/**
 * Postgres prints a few expressions in a way that it reads as something else, which it then prints unchanged ever
 * after. This rewrites the first print to the second:
 * - `(ARRAY['a'::x, 'b'::x])::y[]`, from `varchar_column IN ('a', 'b')`, to `ARRAY[('a'::x)::y, ('b'::x)::y]`;
 * - `((a OR b) OR c)`, from `x IN (y, z, f(y))`, to `(a OR b OR c)`; the same with AND, from NOT IN.
 * String literals, quoted names and dollar-quoted bodies are passed over.
 */
export function settle(definition: string): string {
  if (!/\(ARRAY\[|\) (?:OR|AND) /.test(definition)) return definition;
  const nodes = parse(definition);
  return nodes === undefined ? definition : print(rewrite(nodes));
}

/** A piece of code, something quoted that is left alone, or what stands between brackets. */
type Node = { code: string } | { quoted: string } | { open: "(" | "["; inner: Node[] };

/** Postgres prints a literal with a backslash as E'…' with the backslash doubled. */
const TOKEN =
  /(?<quoted>E'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(?<tag>\w*)\$.*?\$\k<tag>\$)|(?<open>[([])|(?<close>[)\]])|(?<code>(?:(?!E')[^'"$()[\]])+|.)/gsu;

/** The text as nodes; nothing when its brackets do not match. */
function parse(text: string): Node[] | undefined {
  const stack: Node[][] = [[]];
  for (const { groups } of text.matchAll(TOKEN)) {
    const here = stack.at(-1);
    if (here === undefined) return undefined;
    if (groups?.open === "(" || groups?.open === "[") {
      const inner: Node[] = [];
      here.push({ open: groups.open, inner });
      stack.push(inner);
    } else if (groups?.close !== undefined) stack.pop();
    else if (groups?.quoted !== undefined) here.push({ quoted: groups.quoted });
    else here.push({ code: groups?.code ?? "" });
  }
  return stack.length === 1 ? stack[0] : undefined;
}

function print(nodes: Node[]): string {
  return nodes
    .map((node) => {
      if ("code" in node) return node.code;
      if ("quoted" in node) return node.quoted;
      return node.open === "(" ? `(${print(node.inner)})` : `[${print(node.inner)}]`;
    })
    .join("");
}

/** Inner groups first, so that what an outer rule sees has settled. */
function rewrite(nodes: Node[]): Node[] {
  const settled = nodes.map((node) =>
    "inner" in node ? { open: node.open, inner: flatten(rewrite(node.inner)) } : node,
  );
  for (let at = 0; at < settled.length; at++) {
    const found = castArray(settled, at);
    // What was written is looked at once more: an element may be such an array itself.
    if (found) settled.splice(at, found.length, ...rewrite(found.replacement));
  }
  return settled;
}

/** `(a OR b) OR c` without the brackets of its first member, when that is joined by the same word. */
function flatten(inner: Node[]): Node[] {
  const [first, next] = inner;
  if (first === undefined || next === undefined || !("inner" in first) || !("code" in next)) return inner;
  const word = /^ (?:OR|AND) /.exec(next.code)?.[0];
  if (first.open !== "(" || word === undefined || isQuery(first.inner)) return inner;
  const joined = first.inner.some((node) => "code" in node && node.code.includes(word));
  return joined ? [...first.inner, ...inner.slice(1)] : inner;
}

function isQuery([first]: Node[]): boolean {
  return first !== undefined && "code" in first && /^\s*(?:SELECT|WITH|VALUES)\b/.test(first.code);
}

/** The cast of a whole array that begins at `at`, as an array of casts, and how many nodes it stands for. */
function castArray(nodes: Node[], at: number): { replacement: Node[]; length: number } | undefined {
  const array = nodes[at];
  if (array === undefined || !("inner" in array) || array.open !== "(" || array.inner.length !== 2) return;
  const [word, elements] = array.inner;
  if (word === undefined || !("code" in word) || word.code !== "ARRAY") return;
  if (elements === undefined || !("inner" in elements)) return;
  const type = arrayType(nodes.slice(at + 1));
  if (type === undefined) return;
  const casts = split(elements.inner).flatMap((element, place): Node[] => [
    ...(place === 0 ? [] : [{ code: ", " }]),
    { open: "(", inner: element },
    ...type,
  ]);
  return { replacement: [word, { open: "[", inner: casts }], length: type.length + 2 };
}

/** The nodes of `::type` before the `[]` that makes it an array: words, quoted names and a modifier in brackets. */
function arrayType(nodes: Node[]): Node[] | undefined {
  const first = nodes[0];
  if (first === undefined || !("code" in first) || !first.code.startsWith("::")) return;
  const end = nodes.findIndex((node) => "inner" in node && node.open === "[");
  if (end < 0 || nodes.slice(0, end).some((node) => "code" in node && !/^(?:::)?[\w$. ]*$/u.test(node.code)))
    return;
  return nodes.slice(0, end);
}

/** What stands between the commas, trimmed. */
function split(nodes: Node[]): Node[][] {
  const parts: Node[][] = [[]];
  for (const node of nodes) {
    const [same, ...others] = "code" in node ? node.code.split(/\s*,\s*/).map((code) => ({ code })) : [node];
    if (same !== undefined) parts.at(-1)?.push(same);
    for (const other of others) parts.push([other]);
  }
  return parts;
}
