/** Which paths a release is made of, and which it may never hold. */
import { RehearsalError } from "./errors.ts";

/** Files at the project's top that belong to a release. */
export const TOP_FILES = ["rehearsal.yaml", "inventory.yaml", "schema.lock.json", "schema.md"] as const;

export interface Folder {
  /** What may stand in it; `deep` folders hold anything at any depth. */
  file: RegExp;
  deep?: true;
  /** In words, for a refusal. */
  wanted: string;
}

/** Folders that belong to a release, and what each may hold. */
export const FOLDERS: Record<string, Folder> = {
  migrations: { file: /^\d[^/]*\.sql$/s, wanted: "migrations named NNNN_what_it_does.sql" },
  views: { file: /^[^/]+\.sql$/s, wanted: "views, each in NAME.sql" },
  seeds: { file: /^[^/]+\.sql$/s, wanted: "seeds, each in NAME.sql" },
  checks: { file: /^[^/]+\.sql$/s, wanted: "checks, each in NAME.sql" },
  queries: { file: /^[^/]+\.sql$/s, wanted: "queries, each in NAME.sql" },
  reports: { file: /./s, deep: true, wanted: "reports" },
  plans: { file: /^[^/]+\.yaml$/s, wanted: "data plans, each in NNNN.yaml" },
};

/** True when the path is one of the release's; other files of the repository are simply not part of it. Hidden files never are. */
export function isPart(path: string): boolean {
  const [top = "", ...rest] = path.split("/");
  if (rest.length === 0) return (TOP_FILES as readonly string[]).includes(path);
  return Object.hasOwn(FOLDERS, top) && !rest.some((segment) => segment.startsWith("."));
}

/** Throws `PathRefused`, `PathNotInLayout` or `PathsCollide` unless these paths can make one release. */
export function checkPaths(paths: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const path of paths) {
    checkPath(path);
    const folded = fold(path);
    const first = seen.get(folded);
    if (first !== undefined) throw new RehearsalError("PathsCollide", { first, second: path });
    seen.set(folded, path);
  }
}

/** One path as every file system would take it: Unicode composed, case folded. */
function fold(path: string): string {
  return path.normalize("NFC").toUpperCase().toLowerCase().normalize("NFC");
}

const PATH_BYTES = 1024;
const SEGMENT_BYTES = 255;

/** Why a path is unsafe, first match tells. A line break is allowed: strange, and harmless in a bundle. */
const UNSAFE: [when: (path: string) => boolean, reason: string][] = [
  [(path) => path === "", "it is empty"],
  [(path) => path.includes("\0"), "it holds a NUL"],
  [(path) => !path.isWellFormed(), "it is not text in Unicode"],
  [(path) => path.includes("\\"), "it holds a backslash, which is a separator on Windows"],
  [(path) => path.startsWith("/"), "it is absolute"],
  [(path) => /^[A-Za-z]:/.test(path), "it begins with a drive letter"],
  [(path) => path.split("/").includes(".."), 'it holds ".."'],
  [(path) => path.split("/").includes("."), 'it holds "."'],
  [(path) => path.split("/").includes(""), "it holds an empty segment"],
  [(path) => /[^\P{Cc}\t\n\r]/u.test(path), "it holds a control character"],
  [(path) => /[\u202A-\u202E\u2066-\u2069]/.test(path), "it holds a character that turns the text around"],
  [(path) => path.includes("\uFFFD"), "its bytes are not UTF-8"],
  [(path) => Buffer.byteLength(path) > PATH_BYTES, `it is longer than ${PATH_BYTES} bytes`],
  [
    (path) => path.split("/").some((segment) => Buffer.byteLength(segment) > SEGMENT_BYTES),
    `a segment is longer than ${SEGMENT_BYTES} bytes`,
  ],
];

function checkPath(path: string): void {
  const unsafe = UNSAFE.find(([when]) => when(path));
  if (unsafe !== undefined) throw new RehearsalError("PathRefused", { path, reason: unsafe[1] });
  if (!isPart(path))
    throw new RehearsalError("PathRefused", { path, reason: "no such file belongs to a release" });
  const slash = path.indexOf("/");
  if (slash < 0) return;
  const folder = path.slice(0, slash);
  const layout = FOLDERS[folder];
  if (layout !== undefined && !layout.file.test(path.slice(slash + 1)))
    throw new RehearsalError("PathNotInLayout", { path, folder, wanted: layout.wanted });
}
