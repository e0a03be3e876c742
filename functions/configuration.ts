/** Configuration captured with a backup: read where the policy says, sealed before it is written, never told. */
import { createHmac } from "node:crypto";
import { type ConfigurationRecord, configurationRecordSchema } from "../core/configuration.ts";
import { RehearsalError } from "../core/errors.ts";
import type { Policy } from "../core/policy.ts";
import { readConfigurationItem } from "../io/configuration-source.ts";
import type { NewEvent } from "../io/ledger/events.ts";
import type { ObjectStore } from "../io/object-store.ts";
import { newKey, seal, unseal } from "../io/sealed.ts";
import type { Secrets } from "../io/secrets.ts";
import { writeArtifact } from "./artifacts.ts";
import { requiredVariable, secrets } from "./clients.ts";

const FORMAT = "rehearsal-configuration/1";

/** Items of one capture: they are told in one event of the log. */
const MOST = 500;

/** What is under a seal besides the bytes: so a sealed object is good for its backup and its item only. */
const about = (backup: string, item = "") => `${FORMAT}\n${backup}\n${item}`;

/** Throws `ConfigurationUnreadable` for files, unless the service runs where the operator's files are. */
export function refuseFiles({ configuration }: Pick<Policy, "configuration">): void {
  const file = configuration.find((item) => item.startsWith("file:"));
  if (file !== undefined && process.env.REHEARSAL_FILES !== "here")
    throw new RehearsalError("ConfigurationUnreadable", {
      item: file,
      reason:
        "the service does not run on your machine; put the file into a bucket, or its content into a secret",
    });
}

/** Captures a policy's items under a backup's prefix. Nothing is done, and no key asked for, where there are none. */
export async function captureConfiguration(
  store: ObjectStore,
  policy: Pick<Policy, "configuration">,
  backup: { id: string; prefix: string },
): Promise<{ events: NewEvent[]; outcome: { configuration?: number } }> {
  if (policy.configuration.length === 0) return { events: [], outcome: {} };
  refuseFiles(policy);
  const wrapping = await readWrappingKey();
  const dataKey = newKey();
  const digest = digestKey(wrapping);
  const items: ConfigurationRecord["items"] = [];
  for (const wanted of policy.configuration)
    for await (const { item, bytes } of readConfigurationItem(wanted, secrets)) {
      if (items.length === MOST)
        throw new RehearsalError("ConfigurationUnreadable", {
          item: wanted,
          reason: `with it there are more than ${MOST}`,
        });
      const object = `${backup.prefix}configuration/${String(items.length + 1).padStart(4, "0")}.sealed`;
      await store.put(object, seal(dataKey, about(backup.id, item), bytes));
      const hmac = createHmac("sha256", digest).update(bytes).digest("hex");
      items.push({ item, object, size: bytes.length, hmac });
    }
  const record: ConfigurationRecord = {
    format: FORMAT,
    backup: backup.id,
    wrappingKey: nameOfKey(wrapping),
    dataKey: seal(wrapping, about(backup.id), dataKey).toString("base64"),
    items,
  };
  const { key, sha256 } = await writeArtifact(store, `${backup.prefix}configuration.json`, record);
  const captured = items.map(({ item, object }) => ({ item, object }));
  return {
    events: [{ type: "configuration.captured", data: { backup: backup.id, record: key, sha256, captured } }],
    outcome: { configuration: items.length },
  };
}

/**
 * What a backup captured, in the policy's order, for an operator who restores it; `wrapping` is the secret's value. Throws
 * `SealBroken` when the key is another or one bit of a sealed object has changed.
 */
export async function* openConfiguration(
  store: ObjectStore,
  wrapping: string,
  recordKey: string,
): AsyncGenerator<{ item: string; bytes: Uint8Array }> {
  const key = parseWrappingKey(wrapping);
  const broken = (object: string, reason: string) => new RehearsalError("SealBroken", { object, reason });
  const text = Buffer.from(await store.get(recordKey)).toString();
  const { backup, wrappingKey, dataKey, items } = configurationRecordSchema.parse(JSON.parse(text));
  if (wrappingKey !== nameOfKey(key))
    throw broken(recordKey, `it was sealed under the key ${wrappingKey}, and this is ${nameOfKey(key)}`);
  const unsealed = unseal(key, about(backup), Buffer.from(dataKey, "base64"));
  if (unsealed === undefined) throw broken(recordKey, "its data key is damaged");
  for (const { item, object } of items) {
    const bytes = unseal(unsealed, about(backup, item), await store.get(object));
    if (bytes === undefined) throw broken(object, `it is not what was captured of "${item}"`);
    yield { item, bytes };
  }
}

/** Made once: another one could not open what was sealed under the first. */
export async function ensureWrappingKey(secret: string, kept: Secrets = secrets): Promise<void> {
  const known = await kept.readSecret(secret).catch((error: unknown) => {
    if (error instanceof RehearsalError && error.code === "SecretMissing") return undefined;
    throw error;
  });
  if (known === undefined) await kept.writeSecret(secret, newKey().toString("base64"));
}

async function readWrappingKey(): Promise<Buffer> {
  return parseWrappingKey(await secrets.readSecret(requiredVariable("REHEARSAL_CONFIGURATION_SECRET")));
}

function parseWrappingKey(value: string): Buffer {
  const key = Buffer.from(value, "base64");
  if (key.length !== 32) throw new Error("the wrapping key's secret must hold 32 bytes in base64");
  return key;
}

const nameOfKey = (key: Uint8Array) =>
  createHmac("sha256", key).update(`${FORMAT} name`).digest("hex").slice(0, 16);

const digestKey = (key: Uint8Array) => createHmac("sha256", key).update(`${FORMAT} digest`).digest();
