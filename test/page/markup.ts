/** HTML read strictly: what is not well formed, names an id that is not there, or carries style or script of its own is a problem. */

export interface Markup {
  problems: string[];
  elements: Element[];
  /** Everything that is read, without the tags. */
  text: string;
}

export interface Element {
  name: string;
  attributes: Record<string, string>;
  /** The text inside, of what is inside as well. */
  text: string;
  /** The form or other element around it, by index into `elements`; -1 at the top. */
  within: number;
}

const VOID = new Set(["meta", "link", "input", "br", "hr", "img"]);
const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
const NAMES_IDS = ["for", "aria-labelledby", "aria-describedby", "aria-controls"];

/** Reads a document that begins with its doctype. */
export function readMarkup(source: string): Markup {
  const problems: string[] = [];
  const elements: Element[] = [];
  const open: number[] = [];
  let text = "";
  let at = source.startsWith("<!doctype html>") ? "<!doctype html>".length : 0;
  if (at === 0) problems.push("there is no doctype");
  while (at < source.length) {
    const next = source.indexOf("<", at);
    const plain = source.slice(at, next < 0 ? source.length : next);
    if (plain.includes(">")) problems.push(`a stray ">" in ${JSON.stringify(plain.slice(0, 60))}`);
    text += decode(plain, problems);
    for (const index of open) (elements[index] ?? never()).text += decode(plain, []);
    if (next < 0) break;
    const tag = /^<(\/?)([a-z][a-z0-9]*)((?:\s+[a-zA-Z][\w:-]*(?:="[^"<]*")?)*)\s*(\/?)>/.exec(
      source.slice(next, next + 20_000),
    );
    if (tag === null) {
      problems.push(`no tag at ${JSON.stringify(source.slice(next, next + 60))}`);
      at = next + 1;
      continue;
    }
    const [whole, closing, name = "", attributes = "", selfClosed] = tag;
    at = next + whole.length;
    if (closing === "/") {
      const last = open.pop();
      const opened = last === undefined ? undefined : elements[last]?.name;
      if (opened !== name) problems.push(`</${name}> closes <${opened}>`);
      continue;
    }
    elements.push({
      name,
      attributes: attributesOf(attributes, problems),
      text: "",
      within: open.at(-1) ?? -1,
    });
    if (!VOID.has(name) && selfClosed !== "/") open.push(elements.length - 1);
  }
  for (const index of open) problems.push(`<${elements[index]?.name}> is never closed`);
  return { problems: [...problems, ...meaning(elements)], elements, text };
}

function attributesOf(written: string, problems: string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, name = "", value = ""] of written.matchAll(/([a-zA-Z][\w:-]*)(?:="([^"]*)")?/g)) {
    if (name in found) problems.push(`the attribute ${name} stands twice`);
    found[name] = decode(value, problems);
  }
  return found;
}

/** What a browser takes and the policy on content, or whoever hears the page, does not. */
function meaning(elements: readonly Element[]): string[] {
  const ids = elements.flatMap(({ attributes }) => attributes.id ?? []);
  const twice = ids.filter((id, index) => ids.indexOf(id) !== index);
  return [
    ...twice.map((id) => `the id ${id} stands twice`),
    ...elements.flatMap(({ name, attributes }) => [
      ...Object.keys(attributes).flatMap((one) =>
        one === "style" || one.startsWith("on") ? [`<${name}> carries ${one}`] : [],
      ),
      ...NAMES_IDS.flatMap((one) =>
        (attributes[one]?.split(" ") ?? [])
          .filter((id) => !ids.includes(id))
          .map((id) => `<${name} ${one}> names ${id}, which is not there`),
      ),
      ...(/^\s*(javascript|data|vbscript):/i.test(attributes.href ?? attributes.action ?? "") &&
      name !== "link"
        ? [`<${name}> leads to ${attributes.href}`]
        : []),
    ]),
  ];
}

function decode(text: string, problems: string[]): string {
  return text.replaceAll(/&([a-z0-9#]*);?/gi, (whole, name: string) => {
    const meant = ENTITIES[name];
    if (meant === undefined || !whole.endsWith(";")) problems.push(`no entity: ${whole}`);
    return meant ?? whole;
  });
}

function never(): never {
  throw new Error("an element that was opened is there");
}
