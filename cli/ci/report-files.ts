/** The files that a pipeline keeps as its artifacts: the findings for whoever shows them, and the whole report. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RehearsalError } from "../../core/errors.ts";
import type { Finding } from "../../core/lint/lint.ts";
import type { RehearsalReport } from "../../core/report.ts";
import type { Context } from "../command.ts";
import { codeQuality } from "../lint/code-quality.ts";
import { sarifLog } from "../lint/sarif.ts";
import { ServiceRefusal } from "../refusal.ts";
import { rehearsalReport } from "./verdict.ts";

/** Returns the path of the SARIF file; throws `InputInvalid` where there can be no such folder. */
export async function writeFindings(folder: string, findings: readonly Finding[]): Promise<string> {
  await mkdir(folder, { recursive: true }).catch(({ message }: Error) => {
    throw new RehearsalError("InputInvalid", { what: "--output", problems: `${folder}: ${message}` });
  });
  const sarif = join(folder, "rehearsal.sarif");
  await writeFile(sarif, JSON.stringify(sarifLog(findings), null, 2));
  await writeFile(
    join(folder, "gl-code-quality-report.json"),
    JSON.stringify(codeQuality(findings), null, 2),
  );
  return sarif;
}

/** Fetches the report in every form and keeps it; null where the rehearsal wrote none. */
export async function keepReport(
  context: Context,
  folder: string,
  promotion: string,
): Promise<RehearsalReport | null> {
  const client = await context.client();
  const path = `/promotions/${encodeURIComponent(promotion)}/report`;
  try {
    const text = await client.text(`${path}?format=json`);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "report.json"), text);
    for (const format of ["md", "html"])
      await writeFile(join(folder, `report.${format}`), await client.text(`${path}?format=${format}`));
    return rehearsalReport.parse(JSON.parse(text));
  } catch (error) {
    if (error instanceof ServiceRefusal && error.refusal.code === "ReportMissing") return null;
    throw error;
  }
}
