/** One line of a function's log: whatever somebody sent stays on it, no terminal obeys it, and no secret stands in it. */

/** JSON on one line, in which every character that moves, hides or turns text is an escape. */
export function logLine(told: object): string {
  return harmlessJson(JSON.stringify(told));
}

/** JSON that is there already, made harmless in the same way; it says the same. */
export function harmlessJson(json: string): string {
  return json.replace(
    /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** What nobody may read in a log, by the name it goes by. */
const SECRET_NAMES = /^(authorization|cookie|set-cookie|passw(or)?d|secret|tokens?|signing)$/i;

/** The same by its looks: [what it looks like, what of it may stay]. */
const SECRET_LOOKS: readonly (readonly [RegExp, string])[] = [
  // Of `scheme://user:password@host` the user: up to the last @, for passwords have them as well.
  [/\b([a-z][a-z0-9+.-]*:\/\/[^\s/:@"']*):[^\s"']*@/gi, "$1:…@"],
  [/\b(rk_[0-9A-Za-z]+)_[\w-]{20,}/g, "$1_…"],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, "eyJ…"],
  [/\b(Bearer|Basic) +[\w+/=.~-]+/gi, "$1 …"],
  [/\b(X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s"']+/gi, "$1…"],
];

/**
 * A replacer for JSON.stringify that leaves secrets out. What is told of errors has none in it; this stands behind that,
 * for what a library words.
 */
export function withoutSecrets(name: string, value: unknown): unknown {
  if (typeof value !== "string") return value;
  if (SECRET_NAMES.test(name)) return "…";
  return SECRET_LOOKS.reduce((text, [looks, stays]) => text.replace(looks, stays), value);
}
