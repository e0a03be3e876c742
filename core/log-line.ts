/** One line of a function's log: whatever somebody sent stays on it, and no terminal obeys it. */

/** JSON on one line, in which every character that moves, hides or turns text is an escape. */
export function logLine(told: object): string {
  return JSON.stringify(told).replace(
    /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
