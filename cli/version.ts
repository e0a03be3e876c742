/** Which version of the command this is. */
import { readFileSync } from "node:fs";

/** As the package has it. */
export function version(): string {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return version;
}
