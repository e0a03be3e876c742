/**
 * pg_dump compiled to WebAssembly, out of the package @electric-sql/pglite-tools.
 *
 * The package's own function forces --inserts and edits the output, so the emscripten factory inside it is used instead.
 * It is not exported: the module's own file is read from the package and evaluated with one more export.
 * A bundle therefore has to ship the package's folder (it stays external); nothing of it is copied into this tree.
 */
import { readFile } from "node:fs/promises";

/** What is used of an emscripten module (https://emscripten.org/docs/api_reference/module.html). */
export interface PgDumpModule {
  ENV: Record<string, string>;
  HEAPU8: Uint8Array;
  FS: {
    writeFile(path: string, text: string): void;
    readFile(path: string): Uint8Array;
    chmod(path: string, mode: number): void;
  };
  onRuntimeInitialized: () => void;
  addFunction(callback: (pointer: number, length: number) => number, signature: "iii"): number;
  /** The package's patch of libpq: these two take the place of recv and send. */
  _pgl_set_rw_cbs(read: number, write: number): void;
  callMain(args: string[]): number;
}

interface PgDumpOverrides {
  thisProgram: string;
  noExitRuntime: false;
  wasmBinary: Uint8Array;
  locateFile(file: string): string;
  print(line: string): void;
  printErr(line: string): void;
  onExit(status: number): void;
  preRun: ((module: PgDumpModule) => void)[];
}

type PgDumpFactory = (overrides: Omit<PgDumpOverrides, "wasmBinary" | "locateFile">) => Promise<PgDumpModule>;

const FACTORY =
  /\bvar ([\w$]+)=\(\(\)=>\{var _scriptName=import\.meta\.url;return async function\(moduleArg=/;

/** Loads the factory; throws when the package no longer looks as it did, which its pinned version excludes. */
export async function loadPgDump(): Promise<PgDumpFactory> {
  const door = import.meta.resolve("@electric-sql/pglite-tools/pg_dump");
  const chunk = /from\s*"(\.\/chunk-[\w-]+\.js)"/.exec(await readFile(new URL(door), "utf8"))?.[1];
  if (chunk === undefined) throw new Error("@electric-sql/pglite-tools has no chunk with pg_dump");
  const source = await readFile(new URL(chunk, door), "utf8");
  const factory = FACTORY.exec(source)?.[1];
  if (factory === undefined) throw new Error("@electric-sql/pglite-tools has no emscripten factory");
  const wasmBinary = await readFile(new URL("./pg_dump.wasm", door));
  // A data: URL has no folder beside it to look in, which is why the binary is handed over.
  const module = `data:text/javascript;base64,${Buffer.from(`${source}\nexport { ${factory} as factory };`).toString("base64")}`;
  const loaded = (await import(module)) as {
    factory(overrides: PgDumpOverrides): Promise<PgDumpModule>;
  };
  return (overrides) => loaded.factory({ ...overrides, wasmBinary, locateFile: (file) => file });
}
