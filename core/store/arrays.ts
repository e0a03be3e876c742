/** Arrays as Postgres writes them in text, when they are of one dimension that begins at 1. */

/** The elements' texts; undefined for an array of any other shape. Expects what the server wrote. */
export function readArray(text: string): (string | null)[] | undefined {
  // Bounds stand in front of it, further dimensions inside.
  if (!text.startsWith("{") || text.startsWith("{{")) return undefined;
  if (text === "{}") return [];
  const elements: (string | null)[] = [];
  for (let at = 1; at < text.length; at++) {
    if (text[at] !== '"') {
      const end = endOf(text, at);
      const element = text.slice(at, end);
      elements.push(element === "NULL" ? null : element);
      at = end;
      continue;
    }
    let element = "";
    let from = ++at;
    for (; text[at] !== '"'; at++) {
      if (text[at] !== "\\") continue;
      element += text.slice(from, at);
      from = ++at;
    }
    elements.push(element + text.slice(from, at));
    // Past the comma or the brace.
    at++;
  }
  return elements;
}

/** The array as the server writes it. */
export function writeArray(elements: readonly (string | null)[]): string {
  let text = "{";
  for (const element of elements) {
    if (text.length > 1) text += ",";
    if (element === null) text += "NULL";
    else text += QUOTED.test(element) ? `"${element.replace(/["\\]/g, "\\$&")}"` : element;
  }
  return `${text}}`;
}

/** What is quoted: nothing, NULL, and what would mean something else. */
const QUOTED = /^$|^null$|[{},"\\ \t\n\r\v\f]/i;

function endOf(text: string, from: number): number {
  const comma = text.indexOf(",", from);
  return comma === -1 ? text.length - 1 : comma;
}
