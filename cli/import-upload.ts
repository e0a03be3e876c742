/** Uploads what is to be imported: by addresses that the service signs, several at once, and nothing twice. */
import { createHash } from "node:crypto";
import { createReadStream, openAsBlob, type Stats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";
import { RehearsalError } from "../core/errors.ts";
import type { ImportSourceName } from "../core/import/source.ts";
import { UPLOAD_BATCH, UPLOAD_FILE_BYTES, type UploadFile, uploadId } from "../core/import/upload.ts";
import { isLoopback } from "../core/loopback.ts";
import { orMissing } from "../core/missing.ts";
import type { Context } from "./command.ts";
import { reasonOf } from "./fetch-reason.ts";
import { bytes } from "./text.ts";

/** Files on their way at once. */
const AT_ONCE = 8;

/** Bytes that one batch of addresses is for: each is good for a quarter of an hour. */
const BATCH_BYTES = 1024 ** 3;

/** How often a file is sent when the bucket does not answer, and the pause before the second time. */
const TRIES = 4;
const FIRST_PAUSE = 500;

/** What is imported is read where it lies when the service is beside it, and uploaded when not; `intake/NAME` is the environment's. */
export async function importSource(
  context: Context,
  source: string,
  { environment, upload }: { environment: string; upload?: boolean },
): Promise<ImportSourceName> {
  const path = resolve(context.folder, source);
  const intake = /^intake\/([^/]+)\/?$/.exec(source)?.[1];
  if (intake !== undefined && (await factsOf(path, source)) === undefined) return { intake };
  if (upload !== true && (await isServiceHere(context))) return { folder: path };
  return { upload: await uploadSource(context, environment, path) };
}

/** A file as it lies on this machine. */
interface LocalFile extends UploadFile {
  at: string;
}

/**
 * Uploads all of a folder, or one file with those that begin as it does; returns the upload's id. What is there already is not
 * sent again, so one that broke off goes on. Throws `ImportSourceMissing`, `ImportFileRefused` for links, `ImportSourceChanged`.
 */
async function uploadSource(context: Context, environment: string, path: string): Promise<string> {
  const files: LocalFile[] = [];
  for await (const found of await filesAt(path)) {
    context.terminal.live(`reading ${found.path}`);
    files.push({ ...found, sha256: await sha256Of(found.at) });
  }
  if (files.length === 0) throw new RehearsalError("ImportSourceMissing", { source: path });
  const id = uploadId(files);
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const stopped = context.terminal.whenInterrupted(
    "what is uploaded stays for a week; the same command goes on from there",
  );
  let done = 0;
  const tell = (file: LocalFile) => {
    done += file.size;
    context.terminal.live(`uploading ${bytes(done)} of ${bytes(total)}, ${file.path}`);
  };
  try {
    for (const batch of batchesOf(files)) await uploadBatch(context, environment, id, batch, tell);
  } finally {
    stopped();
    context.terminal.live("");
  }
  return id;
}

const asked = z.object({
  files: z.array(
    z.discriminatedUnion("known", [
      z.object({ path: z.string(), known: z.literal(true) }),
      z.object({
        path: z.string(),
        known: z.literal(false),
        upload: z.object({ url: z.string(), headers: z.record(z.string(), z.string()) }),
      }),
    ]),
  ),
});

async function uploadBatch(
  context: Context,
  environment: string,
  id: string,
  batch: readonly LocalFile[],
  tell: (file: LocalFile) => void,
): Promise<void> {
  const client = await context.client();
  const body = { files: batch.map(({ path, size, sha256 }) => ({ path, size, sha256 })) };
  const path = `/environments/${encodeURIComponent(environment)}/uploads/${id}`;
  // Nothing is begun by it, so asking twice does no harm.
  const { files } = await client.post(path, body, asked, { "idempotency-key": id });
  const waiting = batch.map((file, at) => ({ file, answer: files[at] }));
  const send = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { file, answer } = next;
      if (answer === undefined) throw new Error(`the service did not say where to put ${file.path}`);
      if (!answer.known) await put(file, answer.upload);
      tell(file);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, send));
}

/** Sends one file; the bucket holds it to the hash and the length that were asked for. */
async function put(
  file: LocalFile,
  { url, headers }: { url: string; headers: Record<string, string> },
): Promise<void> {
  const changed = (reason: string) => new RehearsalError("ImportSourceChanged", { path: file.path, reason });
  for (let tries = 1; ; tries++) {
    const body = await openAsBlob(file.at);
    if (body.size !== file.size)
      throw changed(`it has ${body.size} bytes, and had ${file.size} when it was listed`);
    const sent = await fetch(url, { method: "PUT", headers, body }).then(
      async (response) => ({ status: response.status, text: await response.text() }),
      (error: unknown) => ({ status: 0, text: reasonOf(error) }),
    );
    if (sent.status >= 200 && sent.status < 300) return;
    if (/BadDigest|ChecksumMismatch|checksum/i.test(sent.text))
      throw changed("its bytes are not those that were read before");
    if (
      tries === TRIES ||
      (sent.status >= 400 && sent.status < 500 && sent.status !== 408 && sent.status !== 429)
    )
      throw new RehearsalError("ServiceUnreachable", {
        url: new URL(url).origin,
        reason: sent.status === 0 ? sent.text : `it answered ${sent.status} to the upload of ${file.path}`,
      });
    await pause(FIRST_PAUSE * 2 ** (tries - 1));
  }
}

function* batchesOf(files: readonly LocalFile[]): Generator<LocalFile[]> {
  let batch: LocalFile[] = [];
  let size = 0;
  for (const file of files) {
    if (batch.length === UPLOAD_BATCH || (batch.length > 0 && size + file.size > BATCH_BYTES)) {
      yield batch;
      [batch, size] = [[], 0];
    }
    batch.push(file);
    size += file.size;
  }
  if (batch.length > 0) yield batch;
}

type FoundFile = Omit<LocalFile, "sha256">;

/** A folder's files, or a database's with what lies beside it. */
async function filesAt(path: string): Promise<AsyncIterable<FoundFile> | FoundFile[]> {
  const facts = await factsOf(path, basename(path));
  if (facts === undefined) throw new RehearsalError("ImportSourceMissing", { source: path });
  if (facts.isDirectory()) return below(path, "");
  const beside = await Promise.all(
    ["", "-wal", "-journal"].map((part) => fileAt(path + part, basename(path) + part)),
  );
  return beside.filter((file) => file !== undefined);
}

async function* below(folder: string, prefix: string): AsyncGenerator<FoundFile> {
  const names = (await readdir(folder, { encoding: "buffer" })).sort(Buffer.compare).map(String);
  for (const name of names) {
    const [at, path] = [join(folder, name), prefix + name];
    if ((await factsOf(at, path))?.isDirectory()) yield* below(at, `${path}/`);
    else {
      const file = await fileAt(at, path);
      if (file === undefined)
        throw new RehearsalError("ImportFileRefused", {
          path,
          reason: "the bytes of its name are not UTF-8",
        });
      yield file;
    }
  }
}

/** Undefined where nothing is. */
async function fileAt(at: string, path: string): Promise<FoundFile | undefined> {
  const facts = await factsOf(at, path);
  if (facts === undefined) return undefined;
  const refuse = (reason: string) => new RehearsalError("ImportFileRefused", { path, reason });
  if (facts.isSymbolicLink()) throw refuse("it is a symbolic link, and would be what it points at");
  if (!facts.isFile()) throw refuse("it is neither a file nor a folder");
  if (facts.size > UPLOAD_FILE_BYTES) throw refuse(`it is larger than ${bytes(UPLOAD_FILE_BYTES)}`);
  return { at, path, size: facts.size };
}

/** Undefined where nothing is; what may not be looked at is refused, for it may be there. */
async function factsOf(at: string, path: string): Promise<Stats | undefined> {
  try {
    return await lstat(at).catch(orMissing);
  } catch (error) {
    throw new RehearsalError("ImportFileRefused", { path, reason: (error as Error).message });
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece);
  return hash.digest("hex");
}

/** True where the service runs on this machine, and so may read a folder itself. */
async function isServiceHere(context: Context): Promise<boolean> {
  return isLoopback(new URL(await context.service()).hostname);
}
