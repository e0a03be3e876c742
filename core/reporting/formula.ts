/** Text that a spreadsheet would take for a formula when it opens CSV, and the apostrophe that keeps it from that. */

/** What begins one, with the wide forms that some programs take for the same, behind apostrophes that are already there. */
const FORMULA = /^'*[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20]/;

/** With an apostrophe before it, where it would be computed. One that has apostrophes there gets one more, so that whoever takes one away has what it was. */
export function quoteFormula(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text;
}

/** The text before `quoteFormula`. */
export function unquoteFormula(text: string): string {
  return text.startsWith("'") && FORMULA.test(text.slice(1)) ? text.slice(1) : text;
}
