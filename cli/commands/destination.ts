/** `rehearsal destination`: who is told of what, whether it arrived, and again what did not. */
import { Command, Option } from "commander";
import * as z from "zod";
import { DESTINATIONS, type DestinationSettings, destinationSchema } from "../../core/destination.ts";
import { RehearsalError } from "../../core/errors.ts";
import { NOTICES } from "../../core/notice.ts";
import type { Act, Declare } from "../command.ts";
import { deliveries, destinations, putDestination } from "../destination-answers.ts";
import { everyPage, moreBehind } from "../paging.ts";
import { columns, facts, when } from "../text.ts";

export const destinationCommand: Declare = (act) =>
  new Command("destination")
    .description("Whom the service tells when somebody is needed, and when a promotion has ended")
    .addCommand(addCommand(act))
    .addCommand(listCommand(act))
    .addCommand(testCommand(act))
    .addCommand(deliveriesCommand(act))
    .addCommand(redeliverCommand(act))
    .addCommand(removeCommand(act));

interface AddOptions {
  webhook?: string;
  slack?: string;
  email?: string;
  environment?: string[];
  on?: string[];
  newSecret?: true;
}

const addCommand = (act: Act) =>
  new Command("add")
    .description("Register a destination, or replace what stands under its name")
    .argument("<name>", "lower-case letters, digits and hyphens")
    .option("--webhook <url>", "an address that takes signed JSON by POST")
    .option("--slack <url>", "an incoming webhook of Slack, or of what takes the same")
    .option("--email <address>", "a mailbox")
    .option("--environment <name...>", "only what is about these; all when left out")
    .addOption(new Option("--on <notice...>", "only these; all when left out").choices(NOTICES))
    .option("--new-secret", "sign a webhook with another secret from now on")
    .action(
      act(async (context, name: string, options: AddOptions) => {
        const settings = checked(options);
        const client = await context.client();
        const registered = await client.put(path(name), settings, putDestination);
        const text = facts({
          destination: registered.name,
          kind: registered.kind,
          address: registered.address,
          environments: registered.environments?.join(", ") ?? "all",
          notices: registered.notices.join(", "),
          secret: registered.secret,
        });
        const once =
          registered.secret === undefined ? "" : "\nThe secret is not shown again: see docs/notices.md.";
        return { value: registered, text: text + once };
      }),
    );

const listCommand = (act: Act) =>
  new Command("list").description("Who is told of what").action(
    act(async (context, _: object) => {
      const client = await context.client();
      const all = await everyPage(client, "/destinations", destinations, (page) => page.destinations);
      const rows = all.map((one) => [
        one.name,
        one.kind,
        one.address,
        one.environments?.join(" ") ?? "all",
        one.notices.length === NOTICES.length ? "all" : one.notices.join(" "),
        one.disabled === null
          ? `${one.waiting} waiting, ${one.dead} dead`
          : `disabled: ${one.disabled.because}`,
      ]);
      const head = ["NAME", "KIND", "ADDRESS", "ENVIRONMENTS", "NOTICES", "STATE"];
      const none = 'nobody is told of anything; "rehearsal destination add" registers somebody';
      return { value: { destinations: all }, text: rows.length === 0 ? none : columns([head, ...rows]) };
    }),
  );

const testCommand = (act: Act) =>
  new Command("test")
    .description("Send a word there now, once; exit 1 when it does not arrive")
    .argument("<name>")
    .action(
      act(async (context, name: string, _: object) => {
        const client = await context.client();
        const answer = z.object({ delivered: z.boolean(), error: z.string().nullable() });
        const sent = await client.post(`${path(name)}/test`, {}, answer);
        const text = sent.delivered ? `${name}: it arrived` : `${name}: it did not arrive: ${sent.error}`;
        return { value: sent, text, exit: sent.delivered ? 0 : 1 };
      }),
    );

interface DeliveriesOptions {
  status?: string;
  limit: string;
  cursor?: string;
}

const deliveriesCommand = (act: Act) =>
  new Command("deliveries")
    .description("What was sent there, what waits and what was given up, the newest first")
    .argument("<name>")
    .addOption(new Option("--status <status>", "only these").choices(["waiting", "delivered", "dead"]))
    .option("--limit <count>", "at most so many", "50")
    .option("--cursor <cursor>", "the next page, as the one before told it")
    .action(
      act(async (context, name: string, options: DeliveriesOptions) => {
        const client = await context.client();
        const query = new URLSearchParams({ ...options });
        const page = await client.get(`${path(name)}/deliveries?${query}`, deliveries);
        const rows = page.deliveries.map((one) => [
          String(one.seq),
          when(one.createdAt),
          one.type,
          one.promotion ?? one.environment ?? "",
          one.status,
          String(one.attempts),
          one.error ?? "",
        ]);
        const head = ["SEQ", "SINCE", "EVENT", "ABOUT", "STATUS", "ATTEMPTS", "ERROR"];
        const text = rows.length === 0 ? "nothing was to be told there" : columns([head, ...rows]);
        return { value: page, text: text + moreBehind(page.next) };
      }),
    );

const redeliverCommand = (act: Act) =>
  new Command("redeliver")
    .description("Send again what was given up")
    .argument("<name>")
    .action(
      act(async (context, name: string, _: object) => {
        const client = await context.client();
        const sent = await client.post(`${path(name)}/redeliver`, {}, z.object({ count: z.number() }));
        return { value: sent, text: `${name}: ${sent.count} to be sent again` };
      }),
    );

const removeCommand = (act: Act) =>
  new Command("remove")
    .description("Tell it nothing any more, not even what is on its way")
    .argument("<name>")
    .action(
      act(async (context, name: string, _: object) => {
        const client = await context.client();
        await client.delete(path(name));
        return { value: { name, removed: true }, text: `${name} is removed, and told nothing any more` };
      }),
    );

const path = (name: string) => `/destinations/${encodeURIComponent(name)}`;

/** Refused here as the service would, before anything travels; throws `InputInvalid`. */
function checked(options: AddOptions): DestinationSettings {
  const refuse = (problems: string) =>
    new RehearsalError("InputInvalid", { what: "the destination", problems });
  const given = DESTINATIONS.flatMap((kind) => {
    const target = options[kind];
    return target === undefined ? [] : [{ kind, target }];
  });
  const [one] = given;
  if (given.length !== 1 || one === undefined) throw refuse("give one of --webhook, --slack and --email");
  const { environment: environments, on: notices, newSecret } = options;
  const parsed = destinationSchema.safeParse({ ...one, environments, notices, newSecret });
  if (parsed.success) return parsed.data;
  throw refuse(
    parsed.error.issues.map(({ path, message }) => [path.join("."), message].join(": ")).join("; "),
  );
}
