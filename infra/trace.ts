/** `node infra/trace.ts NAME [maps] < log`: the places in a bundle's stack traces, told as places in the sources. */
import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";

const ROOT = join(import.meta.dirname, "..");

/** A place as V8 writes it, whatever folder the bundle lies in: `file:///var/task/chunk-A1B2C3D4.mjs:12:345`. */
const PLACE = /(?:file:\/\/)?(?:\/[\w.@-]+)*\/([\w.-]+\.mjs):(\d+):(\d+)/g;

/** `log` with each place that one of the maps knows put as `path:line:column` of the tree; the rest stays as it is. */
export function traced(log: string, mapOf: (file: string) => SourceMap | undefined): string {
  return log.replaceAll(PLACE, (place, file: string, line: string, column: string) => {
    const origin = mapOf(file)?.findOrigin(Number(line), Number(column));
    return origin !== undefined && "fileName" in origin
      ? `${origin.fileName}:${origin.lineNumber}:${origin.columnNumber}`
      : place;
  });
}

/** The maps of one bundle's build, read when a trace first names their file. */
export function mapsIn(folder: string): (file: string) => SourceMap | undefined {
  const read = new Map<string, SourceMap | undefined>();
  return (file) => {
    if (!read.has(file)) read.set(file, mapAt(join(folder, `${file}.map`)));
    return read.get(file);
  };
}

function mapAt(path: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    // A trace goes through files of Node's own and of other builds as well, which have none here.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

if (import.meta.main) {
  const [name = "", maps = join(ROOT, "dist/maps")] = process.argv.slice(2);
  process.stdout.write(traced(await text(process.stdin), mapsIn(resolve(maps, name))));
}
