/** The report of an import: lines of JSON, in files of the task that are written as it goes on, so that none of it is kept in memory. */
import type { ReportLine } from "../core/import/report.ts";
import type { KeptFile } from "../io/ledger/tasks.ts";
import { putTaskFile } from "./task-files.ts";

/** Bytes of one file. */
const PART = 4 * 1024 ** 2;

/** Lines of a report; what is more is counted. Nobody reads more, and a source that is wrong in everything should not fill a bucket. */
const MOST = 100_000;

interface KeptReport {
  parts: KeptFile[];
  lines: number;
  untold: number;
}

type Where = Parameters<typeof putTaskFile>[0];

export class ImportReport {
  readonly #context: Where;
  readonly #kept: KeptReport;
  #text = "";

  /** Goes on behind what an earlier attempt has kept. */
  constructor(context: Where, kept: KeptReport | undefined) {
    this.#context = context;
    this.#kept = kept ?? { parts: [], lines: 0, untold: 0 };
  }

  async tell(line: ReportLine): Promise<void> {
    if (this.#kept.lines === MOST) {
      this.#kept.untold++;
      return;
    }
    this.#kept.lines++;
    this.#text += `${JSON.stringify(line)}\n`;
    if (this.#text.length >= PART) await this.#write();
  }

  /** Writes what is told, and returns what a later attempt needs to go on. */
  async keep(): Promise<KeptReport> {
    if (this.#text !== "") await this.#write();
    return { ...this.#kept, parts: [...this.#kept.parts] };
  }

  async #write(): Promise<void> {
    const name = `report-${String(this.#kept.parts.length + 1).padStart(4, "0")}.ndjson`;
    const text = this.#text;
    this.#text = "";
    this.#kept.parts.push(await putTaskFile(this.#context, name, text));
  }
}
