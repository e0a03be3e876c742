/** Reads an item of configuration from where it is kept: Secrets Manager, Parameter Store, a bucket, or this machine's files. */
import { fits, parseConfigurationItem } from "../core/configuration.ts";
import { RehearsalError } from "../core/errors.ts";
import { openObjectStore } from "./object-store.ts";
import { readParameters } from "./parameters.ts";
import type { Secrets } from "./secrets.ts";

/** Bytes that one item may have: configuration, not data. */
const LARGEST = 1024 ** 2;

/** What the item stands for, each with its own name; throws `ConfigurationUnreadable`, for one that stands for nothing as well. */
export async function* readConfigurationItem(
  item: string,
  secrets: Secrets,
): AsyncGenerator<{ item: string; bytes: Uint8Array }> {
  const refuse = (reason: string, cause?: unknown) =>
    new RehearsalError("ConfigurationUnreadable", { item, reason }, { cause });
  let none = true;
  try {
    for await (const found of readAll(item, secrets)) {
      if (found.bytes.length > LARGEST) throw refuse(`"${found.item}" has more than ${LARGEST} bytes`);
      none = false;
      yield found;
    }
  } catch (error) {
    if (error instanceof RehearsalError && (error.retryable || error.code === "ConfigurationUnreadable"))
      throw error;
    throw refuse(error instanceof Error ? error.message : String(error), error);
  }
  if (none) throw refuse("there is nothing of that name");
}

async function* readAll(item: string, secrets: Secrets): AsyncGenerator<{ item: string; bytes: Uint8Array }> {
  const source = parseConfigurationItem(item);
  if (source.kind === "secret") {
    yield { item, bytes: Buffer.from(await secrets.readSecret(source.name)) };
    return;
  }
  if (source.kind === "parameter") {
    for await (const { name, value } of readParameters(source.name))
      yield { item: `parameter:${name}`, bytes: Buffer.from(value) };
    return;
  }
  if (source.kind === "file") {
    const { readdir, readFile, stat } = await import("node:fs/promises");
    const { folder, name } = source;
    const names = name.includes("*")
      ? (await readdir(folder)).filter((one) => fits(name, one)).sort()
      : [name];
    for (const one of names) {
      const found = await stat(folder + one);
      if (found.isFile())
        yield {
          item: `file:${folder}${one}`,
          bytes: await bounded(found.size, () => readFile(folder + one)),
        };
    }
    return;
  }
  const store = openObjectStore({ bucket: source.bucket });
  try {
    const prefix = source.key.endsWith("*") ? source.key.slice(0, -1) : undefined;
    if (prefix === undefined) {
      const { size } = await store.head(source.key);
      yield { item, bytes: await bounded(size, () => store.get(source.key)) };
      return;
    }
    for await (const { key, size } of store.list(prefix))
      yield { item: `s3://${source.bucket}/${key}`, bytes: await bounded(size, () => store.get(key)) };
  } finally {
    store.close();
  }
}

/** What is too large is refused by its size, and not read for it. */
async function bounded(size: number, read: () => Promise<Uint8Array>): Promise<Uint8Array> {
  return size > LARGEST ? new Uint8Array(LARGEST + 1) : read();
}
