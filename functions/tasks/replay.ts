/** Replay: a release from nothing in a database of its own, for what comes of it: the schema's lock, its page, and the shape itself. */
import type { Json } from "../../core/canonical-json.ts";
import { schemaLock, schemaLockText } from "../../core/schema-lock.ts";
import { schemaMarks } from "../../core/schema-marks.ts";
import { schemaPage } from "../../core/schema-page.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { readRelease } from "../release.ts";
import { withReplay } from "../replay.ts";
import { keepShape } from "../shapes.ts";
import type { TaskWork } from "../task.ts";
import { writeTaskFiles } from "../task-files.ts";
import { whereTaskReplays } from "../task-replay.ts";

export const replayTask: TaskWork<"replay"> = async (context) => {
  const { task, store, progress } = context;
  const { release } = task.input;
  const project = await readRelease(store, release);
  const onFile = (path: string) => progress({ done: { bytes: 0, rows: 0 }, now: path });
  const shape = await whereTaskReplays(context, (place) => withReplay(place, project, { onFile }, readShape));
  context.passed("replayed");
  const lock = schemaLock(shape, schemaMarks(project.inventory));
  const files = await writeTaskFiles(context, {
    "schema.lock.json": schemaLockText(lock),
    "schema.md": schemaPage(lock),
  });
  return {
    outcome: {
      release,
      shape: await keepShape(store, shape),
      fingerprint: lock.fingerprint,
      migrations: project.migrations.length,
      tables: Object.keys(lock.tables).length,
      files: files as unknown as Json,
    },
  };
};
