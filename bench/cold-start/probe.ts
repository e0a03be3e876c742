/** One cold start: a fresh process that imports a bundle and answers one event, as Lambda's runtime would have it do. */
import { execFile } from "node:child_process";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";

export interface ColdStart {
  status: number;
  /** Milliseconds for the import of the bundle. */
  imported: number;
  /** Milliseconds from there to the answer. */
  answered: number;
  /** Bytes of the modules that were read until then; told only when they are counted, which takes time. */
  bytes: number;
}

const run = promisify(execFile);

/** JavaScript, and not a file: stripping types would go on in threads beside what is measured. */
const PROBE = `
  const [, file, text, counts] = process.argv;
  const event = JSON.parse(text);
  let bytes = 0;
  if (counts === "count") {
    const { registerHooks } = await import("node:module");
    registerHooks({ load: (url, context, next) => {
      const loaded = next(url, context);
      if (url.startsWith("file:")) bytes += Buffer.byteLength(loaded.source);
      return loaded;
    } });
  }
  const began = performance.now();
  const { handler } = await import(file);
  const imported = performance.now();
  const answer = await handler(event, { getRemainingTimeInMillis: () => 29_000 });
  const answered = performance.now();
  process.stdout.write("\\n" + JSON.stringify({
    status: answer.statusCode, imported: imported - began, answered: answered - imported, bytes,
  }));
`;

/** Without Node's compile cache, which no Lambda has; the files are in the machine's memory, as they may not be there. */
export async function coldStart(
  main: string,
  event: object,
  { count = false }: { count?: boolean } = {},
): Promise<ColdStart> {
  const { stdout } = await run(
    process.execPath,
    [
      "--input-type=module",
      "-e",
      PROBE,
      pathToFileURL(main).href,
      JSON.stringify(event),
      ...(count ? ["count"] : []),
    ],
    { env: { PATH: process.env.PATH, AWS_REGION: "us-east-1" } },
  );
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as ColdStart;
}
