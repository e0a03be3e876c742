/** A standby in what its server sees of one: it streams the log, and tells that it has replayed what the test wants told. */
import pg from "pg";
import type { DatabaseAddress } from "../core/database-url.ts";

export interface LaggingStandby {
  /** From now on it tells that it has replayed all that there is. */
  catchUp(): void;
  close(): Promise<void>;
}

/** Streams from now on, and stays where it began until it is told to catch up. */
export async function startStandby(server: DatabaseAddress): Promise<LaggingStandby> {
  // The streaming protocol, which the driver's types do not know.
  const options = { ...server, ssl: false, replication: "true" };
  const client = new pg.Client(options as pg.ClientConfig);
  client.on("error", () => undefined);
  await client.connect();
  const identified = await client.query<{ xlogpos: string }>("IDENTIFY_SYSTEM");
  const began = lsnOf(identified.rows[0]?.xlogpos ?? "0/0");
  let caughtUp = false;
  const { connection } = client as unknown as {
    connection: pg.Connection & { sendCopyFromChunk(chunk: Buffer): void };
  };
  connection.on("copyData", (message: { chunk: Buffer }) => {
    const [kind] = message.chunk;
    // XLogData tells the server's end in its second field, Keepalive in its first.
    if (kind === 0x77) tell(message.chunk.readBigUInt64BE(9));
    if (kind === 0x6b) tell(message.chunk.readBigUInt64BE(1));
  });
  const tell = (end: bigint) => connection.sendCopyFromChunk(statusUpdate(caughtUp ? end : began, end));
  const streaming = client
    .query(`START_REPLICATION PHYSICAL ${lsnText(began)}`)
    .catch((error: unknown) => error);
  return {
    catchUp: () => {
      caughtUp = true;
      // Any large position is taken: nothing is replayed that was not sent.
      tell(began + 2n ** 40n);
    },
    close: async () => {
      connection.stream.destroy();
      await streaming;
    },
  };
}

/** Standby status update: written, flushed, applied, the standby's clock, and that no answer is needed. */
function statusUpdate(applied: bigint, written: bigint): Buffer {
  const message = Buffer.alloc(34);
  message.write("r");
  message.writeBigUInt64BE(written, 1);
  message.writeBigUInt64BE(written, 9);
  message.writeBigUInt64BE(applied, 17);
  return message;
}

function lsnOf(text: string): bigint {
  const [high = "0", low = "0"] = text.split("/");
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

function lsnText(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffffffffn).toString(16)}`;
}
