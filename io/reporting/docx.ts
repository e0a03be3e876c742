/** A document as DOCX: the same document makes the same bytes, for what a library writes of now and of itself is taken out again. */
import {
  Document,
  HeadingLevel,
  Packer,
  Paragraph,
  Table,
  TableCell,
  TableRow,
  TextRun,
  WidthType,
} from "docx";
import type { LaidBlock, LaidDocument } from "../../core/reporting/laid-out.ts";
import { openZip, readZip } from "./zip.ts";

/** Ids of numberings count on from document to document, so lists are paragraphs with a dot. */
const DOT = "•\u00A0";

export async function makeDocx(laid: LaidDocument): Promise<Uint8Array> {
  const made = await Packer.toBuffer(
    new Document({
      ...{ title: laid.title, creator: "rehearsal", lastModifiedBy: "rehearsal" },
      styles: { default: { document: { run: { language: { value: laid.language } } } } },
      sections: [
        {
          children: [
            new Paragraph({ heading: HeadingLevel.TITLE, children: runs(laid.title) }),
            ...laid.blocks.flatMap(drawn),
          ],
        },
      ],
    }),
  );
  return repacked(made);
}

function drawn(block: LaidBlock): (Paragraph | Table)[] {
  if ("heading" in block)
    return [new Paragraph({ heading: HeadingLevel.HEADING_1, children: runs(block.heading) })];
  if ("paragraph" in block) return [new Paragraph({ children: runs(block.paragraph) })];
  if ("facts" in block)
    return block.facts.map(
      ({ label, value }) => new Paragraph({ children: [...runs(`${label}: `, true), ...runs(value)] }),
    );
  if ("list" in block)
    return block.list.map(
      (item) => new Paragraph({ indent: { left: 360, hanging: 180 }, children: runs(`${DOT}${item}`) }),
    );
  const { titles, rows } = block.table;
  return [
    new Table({
      width: { size: 100, type: WidthType.PERCENTAGE },
      rows: [
        new TableRow({ tableHeader: true, children: titles.map((title) => cell(title, true)) }),
        ...rows.map((row) => new TableRow({ children: row.map((text) => cell(text, false)) })),
      ],
    }),
    new Paragraph({ children: [] }),
  ];
}

function cell(text: string, bold: boolean): TableCell {
  return new TableCell({ children: [new Paragraph({ children: runs(text, bold) })] });
}

/** A line each. */
function runs(text: string, bold = false): TextRun[] {
  return text.split("\n").map((line, at) => new TextRun({ text: line, bold, ...(at > 0 && { break: 1 }) }));
}

/** The same files in the order of their names, each as if written at the beginning of what a zip can say. */
function repacked(made: Uint8Array): Uint8Array {
  const files = readZip(made);
  const zip = openZip();
  for (const name of Object.keys(files).sort()) {
    const bytes = files[name] ?? new Uint8Array();
    zip.begin(name);
    zip.write(name === "docProps/core.xml" ? withoutTimes(bytes) : bytes);
  }
  zip.end();
  return Buffer.concat(zip.take());
}

function withoutTimes(core: Uint8Array): Uint8Array {
  const text = Buffer.from(core).toString();
  return Buffer.from(text.replace(/<dcterms:(created|modified)[^>]*>[^<]*<\/dcterms:\1>/g, ""));
}
