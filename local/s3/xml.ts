/** The XML of S3's wire: documents out of nested lists, and bodies in through a schema. */
import { parseXML, XmlNode, XmlText } from "@aws-sdk/xml-builder";
import * as z from "zod";
import { S3Failure } from "./failure.ts";

const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

/** One element: its name, and its text or its members. An undefined content leaves the element out. */
export type Element = readonly [
  name: string,
  content: string | number | boolean | undefined | readonly Element[],
];

/** A whole document; only errors carry no name space. */
export function document(name: string, members: readonly Element[], namespace = true): string {
  const root = toNode([name, members]);
  if (namespace) root.addAttribute("xmlns", NAMESPACE);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${root.toString()}`;
}

function toNode([name, content]: Element): XmlNode {
  const node = new XmlNode(name);
  if (Array.isArray(content)) {
    for (const member of content as readonly Element[])
      if (member[1] !== undefined) node.addChildNode(toNode(member));
  } else node.addChildNode({ toString: () => text(String(content)) });
  return node;
}

/** S3 writes control characters as references, which XML 1.0 forbids and its clients read all the same. */
function text(value: string): string {
  let written = "";
  for (const character of new XmlText(value).toString()) {
    const code = character.charCodeAt(0);
    written += code < 0x20 && character !== "\t" ? `&#x${code.toString(16)};` : character;
  }
  return written;
}

/** Reads a body whose root is `root`; what the schema does not know is refused as MalformedXML. */
export function parseDocument<T>(xml: string, root: string, schema: z.ZodType<T>): T {
  let read: unknown;
  try {
    read = parseXML(xml);
  } catch (error) {
    throw new S3Failure("MalformedXML", error instanceof Error ? error.message : undefined);
  }
  const parsed = z.object({ [root]: schema }).safeParse(read);
  if (!parsed.success) throw new S3Failure("MalformedXML", z.prettifyError(parsed.error));
  return (parsed.data as Record<string, T>)[root] as T;
}

/** An object schema for an element: the name space may be there, nothing else unknown may. */
export function elementOf<S extends z.ZodRawShape>(members: S) {
  return z.strictObject({ xmlns: z.string().optional(), ...members });
}

/** An element that may be repeated: the parser gives one, several or none. */
export function repeated<S extends z.ZodType>(schema: S) {
  return z.preprocess(
    (read) => (read === undefined ? [] : Array.isArray(read) ? read : [read]),
    z.array(schema),
  );
}
