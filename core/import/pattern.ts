/** Patterns of files below a folder, `media/round-*.jpg`: a star is any name or part of one, and never a slash. */

interface FilePattern {
  /** As it was written. */
  text: string;
  /** How many folders and names one after the other it has. */
  depth: number;
  stars: number;
  /** What its stars stand for in a path that it matches; undefined for another path. */
  match(path: string): string[] | undefined;
}

/** Reads a pattern; throws an Error in words. */
export function parsePattern(text: string): FilePattern {
  const segments = text.split("/");
  if (segments.some((segment) => segment === "" || segment === "." || segment === ".."))
    throw new Error(`"${text}" is no pattern: write names with a slash between them, without . and ..`);
  if (text.includes("**"))
    throw new Error(`"${text}" is no pattern: one star stands for one name, ** is not known`);
  if (/[\\?[\]{}\p{Cc}]/u.test(text))
    throw new Error(`"${text}" is no pattern: only the star has a meaning, and ? [ ] { } \\ are not known`);
  const parts = text.split("*").map((part) => part.replace(/[.+^$()|-]/g, "\\$&"));
  const regex = new RegExp(`^${parts.join("([^/]*?)")}$`, "su");
  return {
    text,
    depth: segments.length,
    stars: parts.length - 1,
    match: (path) => {
      const found = regex.exec(path);
      // A star alone between two slashes is a whole name, and no name is empty.
      return found === null || path.split("/").includes("") ? undefined : found.slice(1);
    },
  };
}
