/**
 * `rehearsal ledger`: whether the ledger could be rebuilt from its copy in the bucket, and its rebuilding when the control database
 * is lost. The service need not be there, nor anybody's key: what counts is what the shell may do in AWS.
 */
import { spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { RehearsalError } from "../../core/errors.ts";
import type { Act, Context, Declare } from "../command.ts";
import { ledgerAnswer, ledgerProof, rebuildable, rebuilt } from "../ledger-answers.ts";
import { ServiceRefusal } from "../refusal.ts";
import { columns, facts, when } from "../text.ts";

/** Not imported: it reads the bucket and the control database, which the command otherwise leaves to the service. */
const OPERATOR = fileURLToPath(new URL("../../local/ledger.ts", import.meta.url));
const MIGRATIONS = new URL("../../migrations/", import.meta.url);

interface Options {
  function?: string;
  dryRun?: true;
}

const FUNCTION = [
  "--function <name>",
  "the deployment's function, rehearsal-STAGE-rebuild; else it is done here",
] as const;

export const ledgerCommand: Declare = (act) =>
  new Command("ledger")
    .description("The ledger's copy in the bucket: prove it, and rebuild a lost control database from it")
    .addCommand(verifyCommand(act))
    .addCommand(rebuildCommand(act));

const verifyCommand = (act: Act) =>
  new Command("verify")
    .description("Hold every row of the ledger against its copy: a rebuild would give exactly what is there")
    .option(...FUNCTION)
    .action(
      act(async (context, options: Options) => {
        const proof = ledgerProof.parse(await ask(context, options, { do: "verify" }));
        const { broken, differences, from, to, rows, waiting } = proof;
        if (broken !== undefined) throw new RehearsalError("LedgerCopyBroken", broken);
        const [first] = differences;
        if (first !== undefined)
          throw new RehearsalError("LedgerCopyDiffers", { ...first, key: first.key.join(" ") });
        if (to === 0)
          throw new RehearsalError("LedgerCopyMissing", {
            bucket: context.variables.REHEARSAL_BUCKET ?? "",
            reason: "its rows are still being copied for the first time",
          });
        return {
          value: proof,
          text: facts({
            rows: `${rows}, each as it is in the copy`,
            objects: `${from} to ${to}, each linked to the one before it`,
            waiting: `${waiting} rows have changed since, and are copied next`,
          }),
        };
      }),
    );

const rebuildCommand = (act: Act) =>
  new Command("rebuild")
    .description("Rebuild the ledger in an empty control database from its copy in the bucket")
    .option(...FUNCTION)
    .option(
      "--dry-run",
      "read and prove the whole copy, say what is in it, and leave the control database alone",
    )
    .action(
      act(async (context, options: Options) => {
        if (options.dryRun) {
          const found = rebuildable.parse(await ask(context, options, { do: "preview" }));
          return { value: found, text: `${told(found)}\n\nnothing was rebuilt` };
        }
        const done = rebuilt.parse(
          await ask(context, options, { do: "rebuild", migrations: await migrations() }),
        );
        const { head, interrupted } = done;
        return {
          value: done,
          text: `${told(done)}\n${facts({ head, interrupted: interrupted.join(", ") || "nothing" })}\n\nthe ledger is rebuilt: the service may be started, and goes on`,
        };
      }),
    );

function told({ from, to, at, events, migration, rows }: ReturnType<typeof rebuildable.parse>): string {
  const counts = columns([["TABLE", "ROWS"], ...Object.entries(rows).map(([name, n]) => [name, String(n)])]);
  const of = facts({
    objects: `${from} to ${to}, each linked to the one before it`,
    "as it was at": `${when(at)}; what was committed later is lost`,
    events: String(events),
    migration: String(migration),
  });
  return `${counts}\n\n${of}`;
}

/** Asks the operator's own process, which tells on standard error how far it is. */
async function ask(context: Context, options: Options, request: object): Promise<unknown> {
  const child = spawn(process.execPath, [OPERATOR], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...context.variables },
  });
  child.stdin.end(JSON.stringify({ request, ...(options.function && { function: options.function }) }));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject).on("exit", resolve);
  });
  const [out, exit] = await Promise.all([text(child.stdout), ended]);
  if (out === "") throw new Error(`the process that reads the bucket ended with ${exit} and no answer`);
  const { answer, refusal } = ledgerAnswer.parse(JSON.parse(out));
  if (refusal !== undefined) throw new ServiceRefusal(refusal);
  return answer;
}

async function migrations(): Promise<{ path: string; text: string }[]> {
  const names = (await readdir(MIGRATIONS)).filter((name) => name.endsWith(".sql")).sort();
  return Promise.all(
    names.map(async (name) => ({
      path: `migrations/${name}`,
      text: await readFile(new URL(name, MIGRATIONS), "utf8"),
    })),
  );
}
