/** Why a record is refused: which of its files, where within, and what is wrong with it. */
import { ERRORS, type ErrorCode } from "../errors.ts";

/** The codes of the catalogue that refuse one record and nothing else. */
export type RefusalCode = Extract<
  ErrorCode,
  | "ImportNameRefused"
  | "ImportRecordIncomplete"
  | "ImportDocumentRefused"
  | "ImportValueRefused"
  | "ImportKeyTaken"
  | "ImportMediaRefused"
  | "ImportRowRefused"
>;

export interface Refusal {
  code: RefusalCode;
  /** The file, from the source's top; the folder where it is about more than one. */
  path: string;
  /** A place in the document: `$.rounds[2].number`, or `line 3, column 7`; empty where it is about the whole. */
  at: string;
  reason: string;
}

/** Thrown while a record is read; caught where the record's turn is over. */
export class RecordRefused extends Error {
  override readonly name = "RecordRefused";
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(`${refusal.path}: ${refusal.reason}`);
    this.refusal = refusal;
  }
}

/** The mend of a refusal, as the catalogue words it. */
export function hintOf(refusal: Refusal): string {
  const { hint } = ERRORS[refusal.code];
  return typeof hint === "string" ? hint : (hint as (facts: object) => string)(refusal);
}
