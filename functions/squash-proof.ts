/** Proofs of squashes, kept in the bucket under exactly what they prove: without one no database takes a squash for what it has had. */
import { RehearsalError } from "../core/errors.ts";
import type { AppliedMigration } from "../core/pending.ts";
import type { Project } from "../core/project.ts";
import { acceptSquashes, pendingSquashes, squashDigest } from "../core/squash.ts";
import type { ObjectStore } from "../io/object-store.ts";
import { readArtifact, writeArtifact } from "./artifacts.ts";

export interface SquashProof {
  format: "rehearsal-squash/1";
  /** The digest under which it is kept. */
  digest: string;
  squash: { path: string; sha256: string };
  squashes: { path: string; sha256: string }[];
  /** Of the shape that both made. */
  fingerprint: string;
  task: string;
}

const keyOf = (digest: string) => `squashes/${digest}.json`;

/** Keeps a proof; one that is there already proves the same. */
export async function keepProof(store: ObjectStore, proof: SquashProof): Promise<void> {
  if ((await findProof(store, proof.digest)) === undefined)
    await writeArtifact(store, keyOf(proof.digest), proof);
}

/**
 * Throws `SquashUnproved` where a squash would count as applied, or would run on what is there already, and was never proved
 * to be what it stands for; and `SquashTooEarly` where it would run behind migrations that are applied.
 */
export async function assertSquashesProved(
  store: ObjectStore,
  environment: string,
  { migrations }: Pick<Project, "migrations">,
  applied: readonly AppliedMigration[],
  populated: boolean,
): Promise<void> {
  const pending = pendingSquashes(migrations, applied);
  const [early] = pending;
  if (early !== undefined && applied.length > 0)
    throw new RehearsalError("SquashTooEarly", {
      environment,
      path: early.path,
      squashes: (early.squashes ?? []).map(({ path }) => path).join(", "),
    });
  const trusted = [...acceptSquashes(migrations, applied).taken, ...(populated ? pending : [])];
  for (const squash of trusted) {
    const proof = await findProof(store, squashDigest(migrations, squash));
    if (proof === undefined) throw new RehearsalError("SquashUnproved", { environment, path: squash.path });
  }
}

async function findProof(store: ObjectStore, digest: string): Promise<SquashProof | undefined> {
  try {
    return await readArtifact<SquashProof>(store, keyOf(digest), "rehearsal-squash/1");
  } catch (error) {
    if (error instanceof RehearsalError && error.code === "ObjectMissing") return undefined;
    throw error;
  }
}
