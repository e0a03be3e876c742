/** Opening an address in the browser of whoever sits at this machine, if somebody does. */
import { spawn } from "node:child_process";
import type { Variables } from "./connection.ts";

/** True once a program that opens addresses has been started; false where there is none, or nobody to look. Never throws. */
export async function openInBrowser(url: string, variables: Variables): Promise<boolean> {
  const command = opener(variables);
  if (command === undefined) return false;
  const [program = "", ...words] = [...command, url];
  const child = spawn(program, words, {
    stdio: "ignore",
    detached: true,
    env: variables as NodeJS.ProcessEnv,
  });
  child.unref();
  return new Promise((resolve) => {
    child.once("error", () => resolve(false)).once("spawn", () => resolve(true));
  });
}

function opener(variables: Variables): string[] | undefined {
  const { BROWSER, CI, DISPLAY, WAYLAND_DISPLAY, WSL_DISTRO_NAME } = variables;
  if (BROWSER) return [BROWSER];
  if (CI) return undefined;
  if (process.platform === "darwin") return ["open"];
  // `start` is a word of the shell's, and takes the first quoted word for a title.
  if (process.platform === "win32") return ["cmd", "/c", "start", '""'];
  if (WSL_DISTRO_NAME) return ["wslview"];
  // Without a display xdg-open would start a browser of the terminal's, in the middle of our output.
  return DISPLAY || WAYLAND_DISPLAY ? ["xdg-open"] : undefined;
}
