/** Import of files: what a release's mapping says of a folder or an intake becomes rows and objects of an environment. */
import type { Json } from "../../core/canonical-json.ts";
import { RehearsalError } from "../../core/errors.ts";
import { layoutOf } from "../../core/import/layout.ts";
import { describeSource } from "../../core/import/source.ts";
import { appendEvent } from "../../io/ledger/events.ts";
import { addTaskFacts } from "../../io/ledger/tasks.ts";
import { openObjectStore } from "../../io/object-store.ts";
import { releaseClaims } from "../../io/postgres/import/claims.ts";
import { withImporter } from "../../io/postgres/import/open.ts";
import { assertIdentity, readIdentity } from "../../io/postgres/target-schema.ts";
import { commitTurn } from "../commit-turn.ts";
import { refuseLocked } from "../fenced.ts";
import { importFiles } from "../import-files.ts";
import { openImportSource } from "../import-source.ts";
import { findImport } from "../imports.ts";
import { eraseUpload } from "../intake.ts";
import { endSessionsOfOlder } from "../older-attempts.ts";
import { openEnvironment, sessionsOf, type TaskWork } from "../task.ts";

export const importFilesTask: TaskWork<"import-files"> = async (context) => {
  const { task, attempt, ledger, store, application } = context;
  const { release, import: name, source: from, dryRun } = task.input;
  const { environment, address, openMaintenance } = await openEnvironment(
    ledger,
    task.environment ?? "",
    application,
  );
  const mapping = await findImport(store, release, name, "files");
  const {
    storage,
    lockTimeout,
    statementTimeout,
    searchPath,
    patience: patienceSeconds,
  } = environment.policy;
  const layout = layoutOf(mapping);
  if (storage === undefined && layout.some(({ rows }) => rows.media !== undefined))
    throw new RehearsalError("ImportMappingUnfit", {
      import: name,
      problems: `it keeps media, and the policy of "${environment.name}" names no storage`,
    });
  const source = await openImportSource(environment, from);
  const objects = storage && openObjectStore({ bucket: storage.bucket, elsewhere: true });
  const maintenance = await openMaintenance();
  try {
    await endSessionsOfOlder(maintenance, sessionsOf(task), attempt.attempt);
  } finally {
    await maintenance.close();
  }
  try {
    return await withImporter(
      address,
      {
        ...{
          application,
          patienceSeconds,
          lockTimeout,
          statementTimeout,
          searchPath,
          mapping,
          layout,
          dryRun,
        },
        ...{ task: task.id, attempt: attempt.attempt },
        assertMeant: async (session) => {
          assertIdentity(await readIdentity(session), environment);
        },
      },
      async (importer, session) => {
        const done = await importFiles(context, {
          ...{ mapping, source, importer },
          media: objects && storage && { store: objects, root: storage.root },
          assertFree: () => refuseLocked(ledger, environment.name),
          turn: commitTurn(ledger, environment.name),
          keep: (position) => context.asNewest(() => addTaskFacts(ledger, task.id, { position })),
        });
        if ("more" in done) return { more: true, outcome: { more: true } };
        await releaseClaims(session, task.id);
        // What was refused is imported again by a new upload, when it is mended.
        if (!dryRun) await eraseUpload(store, environment.name, from);
        const { records, rows, disagreements } = done.summary;
        return {
          outcome: { ...done.summary, files: done.files } as unknown as Json,
          also: (ledger) =>
            appendEvent(ledger, {
              type: "files.imported",
              environment: environment.name,
              data: {
                ...{ task: task.id, import: name, release, from: describeSource(from), dryRun },
                ...{ records, rows: rows as unknown as Json, disagreements, by: task.requestedBy },
              },
            }).then(() => undefined),
        };
      },
    );
  } finally {
    source.close();
    objects?.close();
  }
};
