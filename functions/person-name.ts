/** How a person may be called, wherever one is named from outside. */
import * as z from "zod";

export const personName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._@+-]{0,79}$/,
    "a person's name has lower-case letters, digits and . _ @ + -, 80 at most, and begins with a letter or a digit",
  );
