/** A document as PDF, in a font that is in the file: the same document makes the same bytes, and what the font cannot print is refused. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import PDFDocument from "pdfkit";
import type { LaidBlock, LaidDocument } from "../../core/reporting/laid-out.ts";

/** What the font lacks: a character, and the text it stands in. */
interface Unprintable {
  problem: string;
}

const MARGIN = 56;
const SIZES = { title: 18, heading: 13, text: 10, foot: 8 };
/** No document tells when it was made; its row in the database does. */
const WHEN = new Date(0);

/** The file's bytes, or why the document cannot be printed. */
export async function makePdf(laid: LaidDocument): Promise<Uint8Array | Unprintable> {
  const { regular, bold } = await loadFonts();
  const pdf = new PDFDocument({
    ...{ size: "A4", margin: MARGIN, bufferPages: true, lang: laid.language, displayTitle: true },
    // The standard fonts print nothing but Latin letters, and turn the others into something else.
    font: "",
    info: {
      Title: laid.title,
      Creator: "rehearsal",
      Producer: "rehearsal",
      CreationDate: WHEN,
      ModDate: WHEN,
    },
  });
  const pieces: Uint8Array[] = [];
  pdf.on("data", (piece: Uint8Array) => pieces.push(piece));
  const ended = new Promise<void>((resolve, reject) => pdf.on("end", resolve).on("error", reject));
  pdf.registerFont("regular", regular);
  pdf.registerFont("bold", bold);
  pdf.font("regular");
  const missing = findMissing(pdf, textsOf(laid));
  if (missing !== undefined) return missing;
  pdf.font("bold").fontSize(SIZES.title).text(laid.title).moveDown(0.5);
  for (const block of laid.blocks) draw(pdf, block);
  numberPages(pdf);
  pdf.end();
  await ended;
  return Buffer.concat(pieces);
}

type Pdf = InstanceType<typeof PDFDocument>;

function draw(pdf: Pdf, block: LaidBlock): void {
  if ("heading" in block)
    pdf.moveDown(0.5).font("bold").fontSize(SIZES.heading).text(block.heading).moveDown(0.3);
  else if ("paragraph" in block) pdf.font("regular").fontSize(SIZES.text).text(block.paragraph).moveDown(0.5);
  else if ("facts" in block) {
    for (const { label, value } of block.facts) {
      pdf.font("bold").fontSize(SIZES.text).text(`${label}: `, { continued: true });
      pdf.font("regular").text(value);
    }
    pdf.moveDown(0.5);
  } else if ("list" in block) {
    pdf.font("regular").fontSize(SIZES.text);
    for (const item of block.list) pdf.text(`• ${item}`, { indent: 0, paragraphGap: 2 });
    pdf.moveDown(0.5);
  } else {
    const { titles, rows } = block.table;
    pdf.font("regular").fontSize(SIZES.text);
    pdf.table({
      columnStyles: titles.map(() => "*" as const),
      defaultStyle: { padding: 3, border: 0.5, borderColor: "#888888" },
      data: [titles.map((text) => ({ text, font: { src: "bold", size: SIZES.text } })), ...rows],
    });
    pdf.moveDown(0.5);
  }
}

function numberPages(pdf: Pdf): void {
  const { start, count } = pdf.bufferedPageRange();
  for (let at = start; at < start + count; at++) {
    pdf.switchToPage(at);
    // Below the margin a text would begin a new page.
    pdf.page.margins.bottom = 0;
    pdf
      .font("regular")
      .fontSize(SIZES.foot)
      .text(`${at + 1} / ${count}`, MARGIN, pdf.page.height - MARGIN / 2, {
        ...{ align: "right", lineBreak: false, width: pdf.page.width - 2 * MARGIN },
      });
  }
}

function textsOf({ title, blocks }: LaidDocument): string[] {
  const texts = blocks.flatMap((block): string[] => {
    if ("heading" in block) return [block.heading];
    if ("paragraph" in block) return [block.paragraph];
    if ("facts" in block) return block.facts.flatMap(({ label, value }) => [label, value]);
    if ("list" in block) return block.list;
    return [...block.table.titles, ...block.table.rows.flat()];
  });
  return [title, ...texts];
}

/** pdfkit draws an empty box for what its font lacks, and tells nobody. */
function findMissing(pdf: Pdf, texts: readonly string[]): Unprintable | undefined {
  const { font } = (pdf as unknown as { _font: { font: LoadedFont } })._font;
  for (const text of texts)
    for (const character of text) {
      const code = character.codePointAt(0) ?? 0;
      if (character !== "\n" && !font.hasGlyphForCodePoint(code))
        return {
          problem: `the font has no U+${code.toString(16).toUpperCase().padStart(4, "0")} (${character}), as in ${JSON.stringify([...text].slice(0, 40).join(""))}`,
        };
    }
  return undefined;
}

/** fontkit's, inside pdfkit. */
interface LoadedFont {
  hasGlyphForCodePoint(code: number): boolean;
}

let fonts: Promise<{ regular: Buffer; bold: Buffer }> | undefined;

function loadFonts() {
  fonts ??= (async () => {
    const [regular, bold] = await Promise.all([
      readFile(
        fileURLToPath(import.meta.resolve("@expo-google-fonts/noto-sans/400Regular/NotoSans_400Regular.ttf")),
      ),
      readFile(
        fileURLToPath(import.meta.resolve("@expo-google-fonts/noto-sans/700Bold/NotoSans_700Bold.ttf")),
      ),
    ]);
    return { regular, bold };
  })();
  return fonts;
}
