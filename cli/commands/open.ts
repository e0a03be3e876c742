/** `rehearsal open`: the console in the browser, at a promotion or an environment, signed in as whoever asks. */
import { Command } from "commander";
import * as z from "zod";
import { environment, promotion } from "../answers.ts";
import { openInBrowser } from "../browser.ts";
import type { Context, Declare } from "../command.ts";

const signIn = z.looseObject({ path: z.string() });

export const openCommand: Declare = (act) =>
  new Command("open")
    .description("Open the console in the browser; its address is printed in any case")
    .argument("[what]", "a promotion or an environment; the overview when left out")
    .option("--print", "only print the address")
    .action(
      act(async (context, what: string | undefined, { print }: { print?: boolean }) => {
        const path = await pathOf(context, what);
        const url = (await context.service()) + path;
        const opened =
          print !== true && (await openInBrowser(await signedIn(context, path), context.variables));
        if (!opened && print !== true)
          context.terminal.err("note: no browser could be opened from here; the address is for you to open");
        return { value: { url, opened }, text: url };
      }),
    );

/** Where it stands in the console; throws `NotFound` for what there is not. */
async function pathOf(context: Context, what: string | undefined): Promise<string> {
  const client = await context.client();
  if (what === undefined) return "/console";
  const id = encodeURIComponent(what);
  if (/^p\d{6}[0-9a-z]{8}$/.test(what)) {
    await client.get(`/promotions/${id}`, promotion);
    return `/console/promotions/${id}`;
  }
  await client.get(`/environments/${id}`, environment);
  return `/console/environments/${id}`;
}

/** An address that signs the browser in once; what is printed never is one, for whoever reads it could be you. */
async function signedIn(context: Context, path: string): Promise<string> {
  const client = await context.client();
  const service = await context.service();
  const { path: link } = await client.post("/sign-ins", {}, signIn);
  const url = new URL(link, service);
  url.searchParams.set("next", path);
  return url.href;
}
