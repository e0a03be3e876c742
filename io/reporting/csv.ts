/** A report as CSV after RFC 4180: UTF-8, a line of names, lines end with CR LF; nothing between commas is null, and "" is empty text. */
import { type Options, stringify } from "csv-stringify/sync";
import { quoteFormula } from "../../core/reporting/formula.ts";
import type { OpenFormat } from "./format.ts";

const OPTIONS: Options = {
  record_delimiter: "\r\n",
  cast: { string: (value) => (value === "" ? { value, quoted_empty: true } : value) },
};

export const openCsv: OpenFormat = ({ report, columns }) => {
  const quoted = columns.map(({ type }) => report.formulas === "quoted" && /^(text|json)$/.test(type));
  const names = columns.map(({ name }) => name);
  let begun = false;
  const header = () => {
    if (begun) return "";
    begun = true;
    return stringify([names.map(quoteFormula)], OPTIONS);
  };
  return {
    add: (rows) => {
      const texts = rows.map((row) =>
        row.map((value, at) => (value !== null && quoted[at] ? quoteFormula(value) : value)),
      );
      return [Buffer.from(header() + stringify(texts, OPTIONS))];
    },
    end: () => [Buffer.from(header())],
  };
};
