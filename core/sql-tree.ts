/** Walking Postgres's parse tree, which is plain JSON: nodes are objects whose one capitalised key is the node's kind. */

/** Any object of the tree, a wrapped node or the fields of one. */
export type Tree = { readonly [field: string]: unknown };

/** What a visitor is told of: the kind of a wrapped node, or undefined for the fields of one stored inline. */
type Visit = (fields: Tree, kind: string | undefined, parent: string | undefined) => void;

/** Visits every object below (and at) `value`, parents first. Iterative, because trees of long expressions are deep. */
export function walk(value: unknown, visit: Visit): void {
  const open: { value: unknown; parent: string | undefined }[] = [{ value, parent: undefined }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value: here, parent } = next;
    if (Array.isArray(here)) {
      for (let index = here.length - 1; index >= 0; index--) open.push({ value: here[index], parent });
      continue;
    }
    if (!isTree(here)) continue;
    const node = unwrap(here);
    const fields = node?.fields ?? here;
    visit(fields, node?.kind, parent);
    for (const child of Object.values(fields).reverse())
      if (typeof child === "object") open.push({ value: child, parent: node?.kind ?? parent });
  }
}

/** The kind and fields of a wrapped node, or undefined when the object is not one. */
export function unwrap(value: unknown): { kind: string; fields: Tree } | undefined {
  if (!isTree(value)) return undefined;
  const [kind, ...others] = Object.keys(value);
  if (kind === undefined || others.length > 0 || !/^[A-Z]/.test(kind)) return undefined;
  const fields = value[kind];
  return isTree(fields) ? { kind, fields } : undefined;
}

/** The fields of a wrapped node of that kind, or undefined. */
export function fieldsOf(value: unknown, kind: string): Tree | undefined {
  const node = unwrap(value);
  return node?.kind === kind ? node.fields : undefined;
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
