/** The Action's entry point: its inputs become the words and variables of `rehearsal ci github`, whose exit code is the check. Node strips the types itself, so nothing is built. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { resolve } from "node:path";

/** As the runner hands it in: https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax#inputs */
function input(name: string): string {
  return (process.env[`INPUT_${name.toUpperCase()}`] ?? "").trim();
}

const [command = "npx", ...words] = input("command").split(/\s+/);
const option = (name: string) => (input(name) === "" ? [] : [`--${name}=${input(name)}`]);
const given = (name: string, value: string) => (value === "" ? {} : { [name]: value });

const child = spawn(
  command,
  [
    ...[...words, "ci", "github"],
    ...["environment", "release-branch", "output", "wait"].flatMap(option),
    ...(input("comment") === "false" ? ["--no-note"] : []),
  ],
  {
    cwd: resolve(process.env.GITHUB_WORKSPACE || ".", input("working-directory")),
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("INPUT_"))),
      ...given("REHEARSAL_URL", input("url")),
      ...given("REHEARSAL_KEY", input("key")),
      ...given("REHEARSAL_AUDIENCE", input("audience")),
      ...given("GITHUB_TOKEN", input("github-token")),
    },
  },
);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
child.on("error", ({ message }) => {
  console.error(`error: "${command}" cannot be run: ${message}`);
  process.exitCode = 1;
});
child.on("exit", (code, signal) => {
  // As shells count deaths by a signal.
  process.exitCode = signal === null ? (code ?? 1) : 128 + constants.signals[signal];
});
