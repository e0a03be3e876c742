/** Checks: queries of a project that must return no rows. */

export interface Check {
  name: string;
  path: string;
  sql: string;
}

export interface BrokenCheck {
  path: string;
  rows: number;
  /** The first row, as JSON text. */
  sample: string;
}
