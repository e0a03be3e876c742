/** Report: the rows of a release's report, out of one snapshot, in all of its formats at once, written into the bucket for whoever asked to fetch them there. */
import type { Json } from "../../core/canonical-json.ts";
import { sha256 } from "../../core/digest.ts";
import type { ReportFormat } from "../../core/reporting/definition.ts";
import type { Report } from "../../core/reporting/reports.ts";
import { columnsOf, readReport } from "../../io/postgres/report-rows.ts";
import { openSession } from "../../io/postgres/session.ts";
import { CONTENT_TYPES, type FormatWriter, openFormat } from "../../io/reporting/format.ts";
import { openSink, type Sink } from "../../io/reporting/sink.ts";
import { type ExportedFile, exportKey, exportPrefix, writeReportManifest } from "../exports.ts";
import { refuseFenced } from "../fenced.ts";
import { readReportOf } from "../reporting.ts";
import { openEnvironment, type TaskContext, type TaskWork } from "../task.ts";

export const reportTask: TaskWork<"report"> = async (context) => {
  const { task, attempt, ledger, store, passed, progress } = context;
  const { release, report: name } = task.input;
  const { report, pruned } = await readReportOf(store, release, name);
  const of = task.environment ?? "";
  await refuseFenced(ledger, of);
  const { environment, address } = await openEnvironment(ledger, of, context.application);
  // What an earlier attempt has left would lie there until the report expires.
  await store.erase(exportPrefix(task.id));
  const session = await openSession(address, {
    ...{ application: context.application, readOnly: true },
    patienceSeconds: environment.policy.patience,
  });
  const outputs = await openOutputs(context, report);
  const done = { rows: 0, bytes: 0 };
  try {
    const { searchPath } = environment.policy;
    const read = await readReport(session, report, { pruned, searchPath }, async (rows) => {
      for (const { writer, sink } of outputs) {
        const pieces = writer.add(rows);
        for (const piece of pieces) done.bytes += piece.length;
        await sink.write(pieces);
      }
      done.rows += rows.length;
      progress({ done: { ...done }, now: name });
    });
    const files: (ExportedFile & { format: ReportFormat })[] = [];
    for (const { format, fileName, writer, sink } of outputs) {
      await sink.write(writer.end());
      const { size, sha256 } = await sink.end();
      files.push({ name: fileName, format, size, sha256 });
    }
    passed("written");
    const { columns, order, description, sha256: definition, statement } = report;
    await writeReportManifest(store, task.id, attempt.attempt, {
      ...{ report: name, description, environment: of, release, definition },
      statement: sha256(statement),
      ...{ snapshotAt: read.snapshotAt, rows: read.rows, order },
      columns: Object.entries(columns).map(([name, column]) => ({ name, ...column })),
      files,
    });
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    return {
      outcome: { report: name, release, ...read, files: files.length, bytes } as unknown as Json,
    };
  } catch (error) {
    for (const { sink } of outputs) await sink.abandon(error);
    throw error;
  } finally {
    await session.close();
  }
};

interface Output {
  format: ReportFormat;
  fileName: string;
  writer: FormatWriter;
  sink: Sink;
}

/** A file and its upload for each format; the uploads begin with the first bytes. */
async function openOutputs(
  { task, attempt, store }: TaskContext<"report">,
  report: Report,
): Promise<Output[]> {
  const columns = columnsOf(report);
  const writers = await Promise.all(
    report.formats.map(async (format) => ({ format, writer: await openFormat(format, { report, columns }) })),
  );
  return writers.map(({ format, writer }) => {
    const fileName = `${report.name}.${format}`;
    const key = exportKey(task.id, attempt.attempt, fileName);
    const sink = openSink((source) => store.putStream(key, source, { contentType: CONTENT_TYPES[format] }));
    return { format, fileName, writer, sink };
  });
}
