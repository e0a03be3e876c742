/** Report: what went of each record, what stayed and why, as files; and how the prune ended. */
import { canonicalJson, type Json } from "../../core/canonical-json.ts";
import { RehearsalError, toErrorRecord } from "../../core/errors.ts";
import { endOfPrune, type RecordStatus } from "../../core/prunes.ts";
import { pruneMarkdown } from "../../core/report-prune.ts";
import { appendEvent } from "../../io/ledger/events.ts";
import { listRecords, type PruneRecord, totalsOf } from "../../io/ledger/prune-records.ts";
import { endPrune, readPrune } from "../../io/ledger/prunes.ts";
import type { Session } from "../../io/postgres/session.ts";
import { readArtifact } from "../artifacts.ts";
import type { RecordFile } from "./candidates.ts";
import { endBadly } from "./close.ts";
import { asWhole, type PruneInput, type WholeContext } from "./context.ts";
import { countHalfDone } from "./totals.ts";

/** Records that are asked of the ledger at once. */
const PAGE = 200;

/** Records that the text for people tells of. */
const TOLD = 200;

export async function report(ledger: Session, input: PruneInput): Promise<Json> {
  const reported = await asWhole(ledger, input, async (context) => {
    const { prune, attempt, store } = context;
    const prefix = `prunes/${prune.id}/report-${attempt.attempt}`;
    const { sha256 } = await store.putStream(`${prefix}.json`, bytesOf(context), {
      contentType: "application/json",
    });
    const counts = await totalsOf(ledger, prune.id);
    const some = await listRecords(ledger, prune.id, { limit: TOLD });
    await store.put(`${prefix}.md`, Buffer.from(pruneMarkdown(prune, counts, some)), {
      contentType: "text/markdown; charset=utf-8",
    });
    context.passed("written");
    return context.asNewest(() => endWith(ledger, prune.id, { key: `${prefix}.json`, sha256 }));
  });
  if (reported !== undefined) return reported;
  const { status, error } = await readPrune(ledger, input.prune);
  return error === null ? { ended: status } : { ended: "failed", message: error.message };
}

async function endWith(ledger: Session, id: string, written: { key: string; sha256: string }): Promise<Json> {
  const prune = await readPrune(ledger, id);
  const counts = await totalsOf(ledger, id);
  const halfDone = countHalfDone(counts);
  const status = endOfPrune(new Set(Object.keys(counts.records) as RecordStatus[]));
  if (halfDone > 0 || status === "failed")
    return endBadly(ledger, prune, await reasonOf(ledger, id, halfDone), written);
  await endPrune(ledger, id, { status, counts, report: written });
  await appendEvent(ledger, {
    type: `prune.${status}`,
    environment: prune.environment,
    data: {
      ...{ prune: id, policy: prune.policy, counts: { ...counts }, report: written },
      ...(prune.facts.more === true && { more: true }),
    },
    announce: true,
  });
  return { ended: status };
}

/** The first record's that says why. */
async function reasonOf(ledger: Session, prune: string, halfDone: number) {
  const [row] = await ledger.query<Pick<PruneRecord, "error">>(
    `select error from ledger.prune_records where prune = $1 and error is not null
        and status in ('failed', 'rows-deleted', 'media-deleted') order by updated_at limit 1`,
    [prune],
  );
  return row?.error ?? toErrorRecord(new RehearsalError("BatchUnfinished", { prune, left: halfDone }));
}

/** The whole report as JSON, a record at a time. */
async function* bytesOf({ ledger, prune, store }: WholeContext): AsyncGenerator<Uint8Array> {
  const { id, environment, policy, release, digest, mode, modeReason, trigger, restores, requestedBy } =
    prune;
  const head = { id, environment, policy, release, digest, mode, modeReason, trigger, restores, requestedBy };
  const counts = await totalsOf(ledger, id);
  const all = { format: "rehearsal-prune-report/1", ...head, counts: { ...counts } };
  yield Buffer.from(`${canonicalJson(all).slice(0, -1)},"records":[`);
  let after: string | undefined;
  let first = true;
  for (;;) {
    const page = await listRecords(ledger, id, { limit: PAGE, ...(after !== undefined && { after }) });
    for (const one of page) {
      after = one.record;
      const file = one.candidates?.file;
      const whole =
        file && (await readArtifact<RecordFile>(store, file.key, "rehearsal-prune-record/1", file.sha256));
      const { record, status, error, deleted, bundle, restoredBy } = one;
      const told = {
        ...{ record, status, deleted, bundle, restoredBy },
        ...(error !== null && { error: { code: error.code, message: error.message } }),
        ...(whole && { going: whole.going, objects: whole.objects, kept: whole.kept, shared: whole.shared }),
      };
      yield Buffer.from(`${first ? "" : ","}${canonicalJson(told as unknown as Json)}`);
      first = false;
    }
    if (page.length < PAGE) break;
  }
  yield Buffer.from("]}\n");
}
