/** Where compiled modules are kept from one start of a function, a container or a test to the next: to strip and compile them is half of it. */
import { fileURLToPath } from "node:url";

export const COMPILE_CACHE = fileURLToPath(new URL("../.rehearsal/compile-cache", import.meta.url));
