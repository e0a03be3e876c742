/** What is found again where it was last time: others have noted its address. */
import { readFile, writeFile } from "node:fs/promises";
import { startApiGateway } from "./api-gateway.ts";
import { type PostgresServer, startPostgres } from "./postgres.ts";

/** On the same port as last time, if it can be had: databases on it may be registered as environments, by their address. */
export async function startEmbedded(folder: string, durable = false): Promise<PostgresServer> {
  const file = `${folder}.port`;
  const last = Number(await readFile(file, "utf8").catch(() => ""));
  const started = await startPostgres({
    major: 18,
    dataFolder: folder,
    settings: durable ? {} : { fsync: "off", full_page_writes: "off" },
    ...(last > 0 && { port: last }),
  });
  await writeFile(file, String(started.address.port));
  return started;
}

/** As well on the same port: pages of the console that are open go on by themselves, and connection files stay good. */
export async function startGateway(
  folder: string,
  options: Parameters<typeof startApiGateway>[0],
): ReturnType<typeof startApiGateway> {
  const file = `${folder}.port`;
  const last = Number(await readFile(file, "utf8").catch(() => ""));
  const gateway = await startApiGateway({ ...options, port: last }).catch(
    (error: NodeJS.ErrnoException): ReturnType<typeof startApiGateway> => {
      if (error.code !== "EADDRINUSE") throw error;
      return startApiGateway(options);
    },
  );
  await writeFile(file, new URL(gateway.url).port);
  return gateway;
}
