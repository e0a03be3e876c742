/** What is not there, told apart from what may not be looked at: the second may well be there. */

/** For the `catch` of a look at a file: undefined where nothing is; anything else is thrown again. */
export function orMissing(error: unknown): undefined {
  const { code } = error as { code?: unknown };
  if (code !== "ENOENT" && code !== "ENOTDIR") throw error;
  return undefined;
}
