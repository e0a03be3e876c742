/** Squash: both sequences run from nothing, and are believed to be one only when they make the same shape and hold the same rows. */
import { compareBaselines, describeBaselineDifference } from "../../core/baseline.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { Migration } from "../../core/migration.ts";
import type { Project } from "../../core/project.ts";
import { describeDifference, diffShapes, fingerprint } from "../../core/shape.ts";
import { assertSquashOf, squashDigest } from "../../core/squash.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { readRelease } from "../release.ts";
import { type ReplayPlace, withReplay } from "../replay.ts";
import { keepProof, type SquashProof } from "../squash-proof.ts";
import type { TaskContext, TaskWork } from "../task.ts";
import { whereTaskReplays } from "../task-replay.ts";

export const squashTask: TaskWork<"squash"> = async (context) => {
  const { task, store } = context;
  const before = await readRelease(store, task.input.before);
  const after = await readRelease(store, task.input.after);
  const squashes = after.migrations.filter(
    (one) =>
      one.squashes !== undefined &&
      !before.migrations.some(({ path, sha256 }) => path === one.path && sha256 === one.sha256),
  );
  if (squashes.length === 0)
    throw new RehearsalError("SquashRefused", {
      reason: "the second release squashes nothing that the first one holds",
    });
  for (const squash of squashes) assertSquashOf(before.migrations, after.migrations, squash);
  const proofs = await whereTaskReplays(context, async (place) => {
    const proved: SquashProof[] = [];
    for (const squash of squashes) proved.push(await prove(context, place, before, after, squash));
    return proved;
  });
  // All or none: of several one may lean on another.
  for (const proof of proofs) await keepProof(store, proof);
  return {
    outcome: {
      before: task.input.before,
      after: task.input.after,
      squashes: proofs.map(({ squash, squashes: originals, digest }) => ({
        ...squash,
        digest,
        squashes: originals.length,
      })),
    },
  };
};

async function prove(
  { task, progress }: TaskContext<"squash">,
  place: ReplayPlace,
  before: Project,
  after: Project,
  squash: Migration,
): Promise<SquashProof> {
  const { version: through, path, sha256, squashes = [] } = squash;
  const onFile = (now: string) => progress({ done: { bytes: 0, rows: 0 }, now });
  const made = (project: Project) =>
    // Views are another matter: they are the same files in both.
    withReplay(place, { ...project, views: [] }, { through, onFile }, async (session) => ({
      shape: await readShape(session),
      baseline: await readBaseline(session),
    }));
  const [originals, squashed] = [await made(before), await made(after)];
  const differences = [
    ...diffShapes(originals.shape, squashed.shape).map(describeDifference),
    ...compareBaselines(originals.baseline, squashed.baseline).map(describeBaselineDifference),
  ];
  if (differences.length > 0)
    throw new RehearsalError("SquashDiffers", { path, differences: differences.slice(0, 5).join("; ") });
  return {
    format: "rehearsal-squash/1",
    digest: squashDigest(after.migrations, squash),
    squash: { path, sha256 },
    squashes,
    fingerprint: fingerprint(squashed.shape),
    task: task.id,
  };
}
