/** Which paths a release is made of, and which it may never hold. */
import { RehearsalError } from "./errors.ts";
import { inside, type Layout } from "./formats/format.ts";
import { FORMATS } from "./formats/formats.ts";
import { foldedName } from "./import/file-name.ts";
import { CONFIG_PATH, type ProjectConfig } from "./project-config.ts";
import { configInvalid } from "./yaml-file.ts";

/** Files at the project's top that belong to a release. */
export const TOP_FILES = [
  "rehearsal.yaml",
  "inventory.yaml",
  "schema.lock.json",
  "schema.md",
  "store.yaml",
] as const;

export interface Folder {
  /** What may stand in it; `deep` folders hold anything at any depth. */
  file: RegExp;
  deep?: true;
  /** In words, for a refusal. */
  wanted: string;
}

/** Folders that belong to a release beside its migrations, and what each may hold. */
export const FOLDERS: Record<string, Folder> = {
  views: { file: /^[^/]+\.sql$/s, wanted: "views, each in NAME.sql" },
  seeds: { file: /^[^/]+\.sql$/s, wanted: "seeds, each in NAME.sql" },
  checks: { file: /^[^/]+\.sql$/s, wanted: "checks, each in NAME.sql" },
  queries: { file: /^[^/]+\.sql$/s, wanted: "queries, each in NAME.sql" },
  reports: { file: /./s, deep: true, wanted: "reports" },
  plans: { file: /^[^/]+\.yaml$/s, wanted: "data plans, each in NNNN.yaml" },
  imports: { file: /^[^/]+\.yaml$/s, wanted: "mappings of imports, each in NAME.yaml" },
};

/** Where a project keeps its migrations, and what its format says of them. */
export interface ProjectLayout {
  /** "." is the project's own folder. */
  folder: string;
  rules: Layout;
}

/** The layout that rehearsal.yaml chooses; throws `ConfigInvalid` for migrations that nothing parts from the rest of the project. */
export function layoutOf({
  format,
  migrations,
}: Pick<ProjectConfig, "format" | "migrations">): ProjectLayout {
  const { layout } = FORMATS[format];
  if (migrations === "." && layout.entries === undefined)
    throw configInvalid(CONFIG_PATH, [
      `migrations: ${format} needs a folder of its own, such as db/migrations`,
    ]);
  return { folder: migrations ?? layout.folder, rules: layout };
}

const NATIVE_LAYOUT: ProjectLayout = layoutOf({ format: "native" });

/** True when the path stands among the migrations. */
export function isMigration(path: string, { folder, rules }: ProjectLayout): boolean {
  if (folder !== "." && !path.startsWith(`${folder}/`)) return false;
  const [entry = ""] = inside(folder, path).split("/");
  return rules.entries === undefined || rules.entries.includes(entry);
}

/** True when the path is one of the release's; other files of the repository are simply not part of it. Hidden files never are. */
export function isPart(path: string, layout: ProjectLayout = NATIVE_LAYOUT): boolean {
  const [top = "", ...rest] = path.split("/");
  if ((TOP_FILES as readonly string[]).includes(path)) return true;
  if (path.split("/").some((segment) => segment.startsWith("."))) return false;
  if (isMigration(path, layout)) return !isReadme(path, layout);
  return rest.length > 0 && Object.hasOwn(FOLDERS, top);
}

/** Other tools' folders often explain themselves. */
function isReadme(path: string, { rules }: ProjectLayout): boolean {
  return rules !== NATIVE_LAYOUT.rules && /(?:^|\/)readme[^/]*$/i.test(path);
}

/** Throws `PathRefused`, `PathNotInLayout` or `PathsCollide` unless these paths can make one release. */
export function checkPaths(paths: readonly string[], layout: ProjectLayout = NATIVE_LAYOUT): void {
  checkSafePaths(paths);
  for (const path of paths) checkPlace(path, layout);
}

/** Throws `PathRefused` or `PathsCollide` for what no release may hold, whatever its format. */
export function checkSafePaths(paths: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const path of paths) {
    const unsafe =
      path.length <= SEGMENT_BYTES && PLAIN.test(path) ? undefined : UNSAFE.find(([when]) => when(path));
    if (unsafe !== undefined) throw new RehearsalError("PathRefused", { path, reason: unsafe[1] });
    const folded = foldedName(path);
    const first = seen.get(folded);
    if (first !== undefined) throw new RehearsalError("PathsCollide", { first, second: path });
    seen.set(folded, path);
  }
}

const PATH_BYTES = 1024;
const SEGMENT_BYTES = 255;

/** What nearly all paths are: none of the reasons below applies to one that is no longer than a segment may be. */
const PLAIN = /^[\w-]+(?:[./][\w-]+)*$/;

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

function checkPlace(path: string, layout: ProjectLayout): void {
  if (!isPart(path, layout))
    throw new RehearsalError("PathRefused", { path, reason: "no such file belongs to a release" });
  if ((TOP_FILES as readonly string[]).includes(path)) return;
  const own = isMigration(path, layout);
  const folder = own ? layout.folder : (path.split("/")[0] ?? "");
  const rules = own ? layout.rules : FOLDERS[folder];
  if (rules !== undefined && !rules.file.test(inside(folder, path)))
    throw new RehearsalError("PathNotInLayout", { path, folder, wanted: rules.wanted });
}
