/** One commit: the head is exchanged for its successor, if it is still the one that all was read by; then the files get what changed. */
import { RehearsalError } from "../../core/errors.ts";
import type { ContentSum } from "../../core/store/digest.ts";
import { inParallel } from "../in-parallel.ts";
import { CHANGES, lastOf } from "./changes.ts";
import {
  type Changes,
  type Head,
  headBytes,
  type Notes,
  parseHead,
  type Recent,
  type State,
} from "./head.ts";
import { HEAD, type Place } from "./place.ts";
import { type Known, knownOf, type StoreMemory } from "./store-memory.ts";
import { storeMilestone } from "./store-milestone.ts";

/** What is to be, on top of a commit. */
export interface Plan {
  on: Known;
  changes: Changes;
  /** Files of contents, by path; equal ones may be there. */
  contents: ReadonlyMap<string, Uint8Array>;
  models: Readonly<Record<string, ContentSum>>;
  notes: Notes;
  state: State;
}

/** Commits of late that the head tells of, and the bytes of paths that it spends on them. */
const RECENT = 128;
const RECENT_BYTES = 16 * 1024;
/** How often the head is written when nobody answers. */
const TRIES = 3;

/**
 * `conflict` when somebody else has committed since; nothing has happened then. Once the head is exchanged it is done, whatever
 * becomes of this process: who reads puts the change on top of the files, and who commits next writes it into them. `held` is the
 * place under its lock, for whoever has it.
 */
export async function commit(
  memory: StoreMemory,
  plan: Plan,
  held: Place = memory.place,
): Promise<"done" | "conflict"> {
  const { on, changes, contents, models, notes, state } = plan;
  return held.exclusively(async (held) => {
    // In a bucket the exchange itself tells.
    if (held.appends && (await held.readIf(HEAD, on.tag)) !== "same") return "conflict";
    await settle(memory, held, on);
    await inParallel([...contents], async ([path, bytes]) => {
      // Named after its bytes: what is there already is the same.
      await held.write(path, bytes, undefined);
    });
    if (contents.size > 0) storeMilestone(held.where, "contents");
    const seq = on.head.seq + 1;
    const { last, object } = lastOf(seq, changes);
    if ("object" in last && object !== undefined) {
      await held.write(last.object, object, undefined);
      storeMilestone(held.where, "large");
    }
    const recent = recentOf({ seq, id: last.id, files: [...changes.keys()] }, on.head.recent);
    const head: Head = { ...on.head, seq, state, notes, models, last, recent };
    const tag = await exchange(held, on, head);
    if (tag === "conflict") {
      if ("object" in last) await held.remove(last.object);
      return tag;
    }
    const next = knownOf(memory.models, head, tag, changes);
    memory.committed(on, next);
    storeMilestone(held.where, "committed");
    try {
      await settle(memory, held, next);
      if (on.head.last !== null && "object" in on.head.last) await held.remove(on.head.last.object);
    } catch {
      // It is committed. The next commit settles it first, and tells whoever wants that why it cannot.
      memory.files.changed([{ seq, id: last.id, files: [...changes.keys()] }]);
    }
    return "done";
  });
}

/** Writes a commit's changes into the files, where they are not there yet. */
export async function settle(memory: StoreMemory, held: Place, { head, changes }: Known): Promise<void> {
  if (memory.settled >= head.seq) return;
  await inParallel([...changes], ([path, list]) => memory.files.settle(held, path, head.seq, list));
  memory.settled = Math.max(memory.settled, head.seq);
  storeMilestone(held.where, "settled");
}

/** Removes the objects of changes that no head can mean any more, which somebody died over. */
export async function sweepChanges(place: Place, { seq, last }: Head): Promise<void> {
  const kept = last !== null && "object" in last ? last.object : undefined;
  for await (const { path } of place.list(CHANGES))
    if (path !== kept && Number.parseInt(path.slice(CHANGES.length), 10) <= seq) await place.remove(path);
}

/** The new head's tag. An answer that was lost, or that tells of a conflict with this very write, is found out by reading. */
async function exchange(place: Place, on: Known, head: Head): Promise<string | "conflict"> {
  const bytes = headBytes(head);
  // One that was not answered may still arrive: then this is no conflict, whatever the later ones are told.
  let failure: unknown;
  for (let tries = 1; ; tries++) {
    try {
      const tag = await place.write(HEAD, bytes, on.tag);
      if (tag !== "conflict") return tag;
    } catch (error) {
      failure = error;
    }
    const found = await place.read(HEAD).catch((error: unknown) => {
      throw failure ?? error;
    });
    if (found === undefined) throw new RehearsalError("StoreMissing", { place: place.where });
    const there = parseHead(found.bytes);
    if (there.seq < head.seq) {
      if (failure !== undefined && tries >= TRIES) throw failure;
      if (failure === undefined && (found.tag !== on.tag || tries >= TRIES)) return "conflict";
      continue;
    }
    const same = there.recent.find(({ seq }) => seq === head.seq);
    if (same?.id === head.last?.id) {
      // Others may have gone on from it: then its tag finds nothing, and whoever uses it reads anew.
      return there.seq === head.seq ? found.tag : "";
    }
    if (same !== undefined) return "conflict";
    throw new RehearsalError("StoreCommitUnclear", { place: place.where, seq: head.seq });
  }
}

function recentOf(commit: Recent, before: readonly Recent[]): Recent[] {
  let bytes = 0;
  return [commit, ...before].slice(0, RECENT).map((one) => {
    bytes += one.files?.reduce((sum, path) => sum + path.length, 0) ?? 0;
    return bytes > RECENT_BYTES ? { ...one, files: null } : one;
  });
}
