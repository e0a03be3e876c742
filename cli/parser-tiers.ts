/** Keeps V8 from compiling the SQL parser a second time, more thoroughly: that takes half a second of processor time, for which a process waits at its end, and no command runs for so long that it pays. Imported before the parser. */
import { setFlagsFromString } from "node:v8";

setFlagsFromString("--no-wasm-tier-up");
setFlagsFromString("--no-wasm-dynamic-tiering");
