/** Locks on objects: until their date nobody, whoever they are, removes them. */
import { isAwsError } from "./aws-failure.ts";
import type { LoadedClient, ObjectStore } from "./stored-object.ts";

/** Locks an object that is there until a date; one that is locked longer is left as it is, for no lock is shortened. */
export async function lockObject(
  { client, s3 }: LoadedClient,
  bucket: string,
  key: string,
  until: Date,
): Promise<void> {
  const of = { Bucket: bucket, Key: key };
  const held = await client.send(new s3.GetObjectRetentionCommand(of)).then(
    ({ Retention }) => Retention?.RetainUntilDate,
    (error: unknown) => {
      if (isAwsError(error, "NoSuchObjectLockConfiguration")) return undefined;
      throw error;
    },
  );
  if (held !== undefined && held >= until) return;
  await client.send(
    new s3.PutObjectRetentionCommand({ ...of, Retention: { Mode: "COMPLIANCE", RetainUntilDate: until } }),
  );
}

/** A view of a store in which everything that is put is locked until a date. The bucket must have Object Lock; reading and removing are the store's own. */
export function lockingStore(store: ObjectStore, lockUntil: Date): ObjectStore {
  return {
    ...store,
    put: (key, body, options) => store.put(key, body, { ...options, lockUntil }),
    putOnce: (key, body, options) => store.putOnce(key, body, { ...options, lockUntil }),
    putStream: (key, source, options) => store.putStream(key, source, { ...options, lockUntil }),
  };
}
