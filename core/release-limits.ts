/** How large a release may be: bounds that keep one upload from filling a Lambda. */

/** Bytes of one file. */
export const FILE_BYTES = 16 * 1024 * 1024;

/** Bytes of all files together. */
export const RELEASE_BYTES = 64 * 1024 * 1024;

/** Files of one release. */
export const RELEASE_FILES = 10_000;
