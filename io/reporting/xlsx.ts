/** A report as XLSX, written sheet by sheet while the rows come. Text is text, whatever it begins with; a number that Excel would round is text too. */
import { RehearsalError } from "../../core/errors.ts";
import {
  microseconds,
  type NamedColumn,
  type ReportRow,
  type ReportValue,
} from "../../core/reporting/value.ts";
import type { OpenFormat } from "./format.ts";
import { openZip, ZIP_BYTES } from "./zip.ts";

/** Excel's own limits: of a sheet with its line of titles, and of a cell. */
const SHEET_ROWS = 1_048_576;
const CELL_CHARACTERS = 32_767;
/** A sheet's XML may come near what a zip can say of it. */
const SHEET_BYTES = ZIP_BYTES - 64 * 1024 ** 2;

/** Places in `styles.xml`. */
const STYLE = { date: 1, time: 2, title: 3 };

export const openXlsx: OpenFormat = ({ report, columns }) => {
  const zip = openZip();
  let sheets = 0;
  let inSheet = 0;
  let rows = 0;
  const endSheet = () => {
    if (sheets > 0) zip.write(utf8("</sheetData></worksheet>"));
  };
  const beginSheet = () => {
    endSheet();
    sheets++;
    zip.begin(`xl/worksheets/sheet${sheets}.xml`);
    zip.write(
      utf8(
        `${DECLARATION}<worksheet xmlns="${MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>${line(
          1,
          columns.map(({ name, title }) => textCell(title ?? name, STYLE.title)),
        )}`,
      ),
    );
    inSheet = 1;
  };

  const rowOf = (row: ReportRow): string => {
    rows++;
    if (inSheet >= SHEET_ROWS || zip.written() > SHEET_BYTES) beginSheet();
    inSheet++;
    const cells = columns.map((column, at) => {
      const value = row[at] ?? null;
      if (value !== null && value.length > CELL_CHARACTERS)
        throw new RehearsalError("ReportValueUnfit", {
          ...{ report: report.name, column: column.name, row: rows },
          problem: `has ${value.length} characters, where XLSX holds ${CELL_CHARACTERS}`,
        });
      return cellOf(column, value);
    });
    return line(inSheet, cells);
  };

  zip.begin("_rels/.rels");
  zip.write(utf8(rels([["officeDocument", "xl/workbook.xml"]])));
  zip.begin("xl/styles.xml");
  zip.write(utf8(STYLES));
  beginSheet();
  return {
    add: (batch) => {
      for (const row of batch) zip.write(utf8(rowOf(row)));
      return zip.take();
    },
    end: () => {
      endSheet();
      const numbers = Array.from({ length: sheets }, (_, at) => at + 1);
      zip.begin("xl/workbook.xml");
      zip.write(utf8(workbook(report.name, numbers)));
      zip.begin("xl/_rels/workbook.xml.rels");
      const targets = numbers.map((sheet): [string, string] => ["worksheet", `worksheets/sheet${sheet}.xml`]);
      zip.write(utf8(rels([...targets, ["styles", "styles.xml"]])));
      zip.begin("[Content_Types].xml");
      zip.write(utf8(contentTypes(numbers)));
      zip.end();
      return zip.take();
    },
  };
};

const utf8 = (text: string) => new TextEncoder().encode(text);

/** Cells without a value are left out; the others stand at their column. */
function line(number: number, cells: readonly string[]): string {
  const placed = cells.map((cell, at) =>
    cell === "" ? "" : cell.replace("<c", `<c r="${letters(at)}${number}"`),
  );
  return `<row r="${number}">${placed.join("")}</row>`;
}

/** A, B … Z, AA … */
function letters(at: number): string {
  return (at >= 26 ? letters(Math.floor(at / 26) - 1) : "") + String.fromCharCode(65 + (at % 26));
}

function cellOf({ type }: NamedColumn, value: ReportValue): string {
  if (value === null) return "";
  switch (type) {
    case "text":
    case "json":
      return textCell(value);
    case "boolean":
      return `<c t="b"><v>${value === "true" ? 1 : 0}</v></c>`;
    case "integer":
    case "decimal":
    case "double":
      return isExact(value) ? `<c><v>${value}</v></c>` : textCell(value);
    case "date":
      return dayCell(value, microseconds(`${value}T00:00:00Z`), STYLE.date);
    case "timestamp":
      return dayCell(value, microseconds(value), STYLE.time);
  }
}

/** Excel shows and keeps fifteen digits. */
function isExact(text: string): boolean {
  const digits = text
    .replace(/e.*$/i, "")
    .replace(/(\.\d*?)0+$/, "$1")
    .replace(/[-.]/g, "")
    .replace(/^0+/, "");
  return digits.length <= 15 && Math.abs(Number(text)) < 1e300;
}

const DAY_MICROSECONDS = 86_400_000_000n;
/** Excel's day 61 is 1900-03-01; before it, it counts a day that never was. */
const FIRST_DAY = microseconds("1900-03-01T00:00:00Z");
const DAY_ZERO = microseconds("1899-12-30T00:00:00Z");

/** A day and its part as Excel counts them; what it cannot, or not to the millisecond, is text. */
function dayCell(text: string, at: bigint, style: number): string {
  if (at < FIRST_DAY || at % 1_000n !== 0n) return textCell(text);
  const since = at - DAY_ZERO;
  const part = since % DAY_MICROSECONDS;
  // A microsecond or two too many: a float of the exact part may be below it, and readers cut what is behind the milliseconds.
  const digits = part === 0n ? 0n : (part * 10n ** PLACES) / DAY_MICROSECONDS + 2n;
  const fraction = digits === 0n ? "" : `.${String(digits).padStart(Number(PLACES), "0")}`;
  return `<c s="${style}"><v>${since / DAY_MICROSECONDS}${fraction}</v></c>`;
}

/** Digits of a day's part that are written. */
const PLACES = 11n;

function textCell(text: string, style?: number): string {
  const styled = style === undefined ? "" : ` s="${style}"`;
  return `<c${styled} t="inlineStr"><is><t xml:space="preserve">${escapeXml(text)}</t></is></c>`;
}

/** What XML cannot say, SpreadsheetML says as _xHHHH_, and so it does with what looks like that. */
function escapeXml(text: string): string {
  return text
    .replace(/_(?=x[0-9A-Fa-f]{4}_)/g, "_x005F_")
    .replace(/[^\P{Cc}\t\n]|[\uFFFE\uFFFF]/gu, (one) => `_x${hex(one)}_`)
    .replace(/[&<>"]/g, (one) => ENTITIES[one] ?? one);
}

const hex = (one: string) => one.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

const DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

function rels(targets: readonly (readonly [type: string, target: string])[]): string {
  const all = targets.map(
    ([type, target], at) => `<Relationship Id="rId${at + 1}" Type="${OFFICE}/${type}" Target="${target}"/>`,
  );
  return `${DECLARATION}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${all.join("")}</Relationships>`;
}

function workbook(name: string, numbers: readonly number[]): string {
  const sheets = numbers.map(
    (sheet) =>
      `<sheet name="${name.slice(0, 24)}${sheet === 1 ? "" : ` ${sheet}`}" sheetId="${sheet}" r:id="rId${sheet}"/>`,
  );
  return `${DECLARATION}<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets>${sheets.join("")}</sheets></workbook>`;
}

function contentTypes(numbers: readonly number[]): string {
  const type = "application/vnd.openxmlformats-officedocument.spreadsheetml";
  const sheets = numbers.map(
    (sheet) => `<Override PartName="/xl/worksheets/sheet${sheet}.xml" ContentType="${type}.worksheet+xml"/>`,
  );
  return `${DECLARATION}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="${type}.sheet.main+xml"/><Override PartName="/xl/styles.xml" ContentType="${type}.styles+xml"/>${sheets.join("")}</Types>`;
}

const STYLES = `${DECLARATION}<styleSheet xmlns="${MAIN}"><numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/><numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss.000"/></numFmts><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`;
