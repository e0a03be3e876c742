/** Why nobody answered, in the words of what failed. */

/** fetch hides what went wrong behind a cause. */
export function reasonOf(error: unknown): string {
  const cause = (error as Error).cause ?? error;
  const { message, code } = cause as NodeJS.ErrnoException;
  return message || code || String(cause);
}
