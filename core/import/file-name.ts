/** Names of files and folders that somebody else gave: which are refused, and how those are shown that look like others. */

/** Why a path cannot be imported; undefined when it can. */
export function unsafeName(path: string): string | undefined {
  return UNSAFE.find(([when]) => when(path))?.[1];
}

const segments = (path: string) => path.split("/");

const UNSAFE: [when: (path: string) => boolean, reason: string][] = [
  [(path) => path === "" || path.startsWith("/") || segments(path).includes(""), "it holds an empty name"],
  [(path) => segments(path).some((name) => name === "." || name === ".."), 'it holds "." or ".."'],
  [(path) => path.includes("\\"), "it holds a backslash, which is a separator on Windows"],
  [(path) => !path.isWellFormed() || path.includes("\uFFFD"), "its bytes are not UTF-8"],
  [(path) => /\p{Cc}/u.test(path), "it holds a control character"],
  [
    (path) => /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/.test(path),
    "it holds a character that turns the text around",
  ],
  [(path) => /[\p{Cf}\p{Zl}\p{Zp}\u115F\u1160\u3164]/u.test(path), "it holds a character that nobody sees"],
  [(path) => Buffer.byteLength(path) > 1_024, "it is longer than 1024 bytes"],
];

/** One path as every file system would take it: Unicode composed, case folded. */
export function foldedName(path: string): string {
  return path.normalize("NFC").toUpperCase().toLowerCase().normalize("NFC");
}

/** As it is shown: what cannot be seen, and letters of one script among another's, which look alike, by their numbers. */
export function shownName(path: string): string {
  return segments(path).map(shownSegment).join("/");
}

function shownSegment(name: string): string {
  const mixed =
    /\p{Script=Latin}/u.test(name) &&
    /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/u.test(name);
  return [...name]
    .map((letter) =>
      /[\p{C}\p{Zl}\p{Zp}]/u.test(letter) || (mixed && !/[\p{Script=Latin}\p{Script=Common}]/u.test(letter))
        ? `\\u{${letter.codePointAt(0)?.toString(16)}}`
        : letter,
    )
    .join("");
}
