/** `rehearsal dev`: the whole service on this machine, to try it or to work against; a process of its own, which is the service's and not the command's. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import type { Declare } from "../command.ts";

/** Not imported: the command speaks to the service over HTTP only. */
const SERVICE = fileURLToPath(new URL("../../local/dev.ts", import.meta.url));

export const devCommand: Declare = (act) =>
  new Command("dev")
    .description(
      "Run the whole service on this machine until Ctrl-C, and write .rehearsal/connection.json here",
    )
    .option("--server <url>", "a Postgres server to use, as its superuser; else an embedded one")
    .action(
      act(async ({ folder, variables }, { server }: { server?: string }) => {
        const child = spawn(process.execPath, [SERVICE], {
          stdio: ["ignore", "inherit", "inherit"],
          // A command line can be read by others on the machine, and the URL has a password in it.
          env: { ...variables, INIT_CWD: folder, ...(server && { REHEARSAL_DEV_SERVER: server }) },
        });
        // Ctrl-C reaches both, and the service needs a moment to end in order; whoever ends only us, ends it as well.
        const stay = () => undefined;
        const pass = () => child.kill("SIGTERM");
        process.on("SIGINT", stay).on("SIGTERM", pass);
        const exit = await new Promise<number>((resolve, reject) => {
          child.on("error", reject).on("exit", (code) => resolve(code ?? 130));
        });
        process.off("SIGINT", stay).off("SIGTERM", pass);
        return { value: { exit }, text: "", exit };
      }),
    );
