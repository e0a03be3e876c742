/** Walking Postgres's parse tree, which is plain JSON: nodes are objects whose one capitalised key is the node's kind. */

/** Any object of the tree, a wrapped node or the fields of one. */
export type Tree = { readonly [field: string]: unknown };

/** What a visitor is told of: the kind of a wrapped node, or undefined for the fields of one stored inline. */
type Visit = (fields: Tree, kind: string | undefined, parent: string | undefined) => void;

/** Visits every object below (and at) `value`, parents first. Iterative, because trees of long expressions are deep. */
export function walk(value: unknown, visit: Visit): void {
  // Two lists and no object for each step: every statement of a release is walked several times.
  const open: unknown[] = [value];
  const parents: (string | undefined)[] = [undefined];
  while (open.length > 0) {
    const here = open.pop();
    const parent = parents.pop();
    if (Array.isArray(here)) {
      for (let index = here.length - 1; index >= 0; index--) {
        open.push(here[index]);
        parents.push(parent);
      }
      continue;
    }
    if (!isTree(here)) continue;
    const kind = kindOf(here);
    const fields = kind === undefined ? here : (here[kind] as Tree);
    visit(fields, kind, parent);
    const names = Object.keys(fields);
    for (let index = names.length - 1; index >= 0; index--) {
      const child = fields[names[index] ?? ""];
      if (typeof child !== "object") continue;
      open.push(child);
      parents.push(kind ?? parent);
    }
  }
}

/** The kind and fields of a wrapped node, or undefined when the object is not one. */
export function unwrap(value: unknown): { kind: string; fields: Tree } | undefined {
  const kind = isTree(value) ? kindOf(value) : undefined;
  return kind === undefined ? undefined : { kind, fields: (value as Tree)[kind] as Tree };
}

/** The kind of a wrapped node: the one key it has, which is capitalised and leads to an object. */
function kindOf(value: Tree): string | undefined {
  let kind: string | undefined;
  for (const key in value) {
    if (kind !== undefined) return undefined;
    kind = key;
  }
  return kind !== undefined && /^[A-Z]/.test(kind) && isTree(value[kind]) ? kind : undefined;
}

/** The fields of a wrapped node of that kind, or undefined. */
export function fieldsOf(value: unknown, kind: string): Tree | undefined {
  return isTree(value) && kindOf(value) === kind ? (value[kind] as Tree) : undefined;
}

/** The strings of a name written as a list: `a.b` is `["a", "b"]`; what is not a string is left out. */
export function nameParts(value: unknown): string[] {
  const items = Array.isArray(value) ? value : (fieldsOf(value, "List")?.items ?? [value]);
  return asList(items).flatMap((item) => {
    const text = fieldsOf(item, "String")?.sval;
    return typeof text === "string" ? [text] : [];
  });
}

/** The text of a string constant, or undefined. */
export function stringConstant(value: unknown): string | undefined {
  const constant = fieldsOf(value, "A_Const");
  const text = isTree(constant?.sval) ? (constant.sval.sval ?? "") : undefined;
  return typeof text === "string" ? text : undefined;
}

/** The value as a list; anything else is an empty one. */
export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value as text; anything else is undefined. */
export function asText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The options of a statement (`WITH (…)`, `language sql`) by lower-case name. */
export function optionsOf(value: unknown): Map<string, unknown> {
  return new Map(
    asList(value).flatMap((item) => {
      const option = fieldsOf(item, "DefElem");
      const name = asText(option?.defname);
      return option === undefined || name === undefined ? [] : [[name.toLowerCase(), option.arg] as const];
    }),
  );
}

/** True when an option stands and is not switched off. */
export function isOn(options: Map<string, unknown>, name: string): boolean {
  if (!options.has(name)) return false;
  const value = options.get(name);
  if (value === undefined) return true;
  const text = fieldsOf(value, "String")?.sval;
  if (typeof text === "string") return !/^(off|false|no|0)$/i.test(text);
  const boolean = fieldsOf(value, "Boolean");
  if (boolean !== undefined) return boolean.boolval === true;
  const integer = fieldsOf(value, "Integer");
  return integer === undefined || Number(integer.ival ?? 0) !== 0;
}
