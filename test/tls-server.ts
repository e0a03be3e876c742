/** A Postgres server of its own that speaks TLS, with a certificate that can be changed while it runs. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import pg from "pg";
import { expect } from "vitest";
import { startPostgres } from "../local/postgres.ts";
import { newestServer, rows } from "./postgres.ts";

export interface Identity {
  certificate: string;
  key: string;
}

/** Keeps its files in the folder, which is there and stays. `settings` are the server's. */
export async function startTlsServer(
  folder: string,
  identity: Identity,
  settings: Record<string, string> = {},
) {
  const files = { ssl_cert_file: join(folder, "server.crt"), ssl_key_file: join(folder, "server.key") };
  const show = async ({ certificate, key }: Identity) => {
    await writeFile(files.ssl_key_file, key, { mode: 0o600 });
    await writeFile(files.ssl_cert_file, certificate);
  };
  await show(identity);
  const server = await startPostgres({
    ...{ major: newestServer().major, dataFolder: join(folder, "postgres"), temporary: true },
    settings: { ...settings, ...files, ssl: "on" },
  });
  return {
    ...server,
    /** Has the server show this certificate from now on. */
    present: async (other: Identity) => {
      await show(other);
      await rows(server.address, "select pg_reload_conf()");
      const wanted = Buffer.from(other.certificate.replaceAll(/-.*-/g, ""), "base64");
      await expect.poll(async () => (await shownBy(server.address)).equals(wanted)).toBe(true);
    },
  };
}

async function shownBy(address: object): Promise<Buffer> {
  const client = new pg.Client({ ...address, ssl: { rejectUnauthorized: false } });
  await client.connect();
  const { raw } = (client.connection.stream as TLSSocket).getPeerCertificate();
  await client.end();
  return raw;
}
