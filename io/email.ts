/** SES: mails to people. */
import type { SESv2Client } from "@aws-sdk/client-sesv2";
import { awsFailure } from "./aws-failure.ts";
import { followed } from "./telemetry/trace.ts";

interface Mail {
  from: string;
  to: string;
  subject: string;
  text: string;
  html: string;
  headers: Record<string, string>;
}

interface Email {
  /** Resolves when SES has taken the mail; whether it arrives is told by SES alone. */
  send(mail: Mail): Promise<void>;
}

/** Milliseconds for one mail, the SDK's own second try included. */
const LONGEST = 10_000;

/** Region, credentials and endpoint come from the environment unless given; the SDK is loaded on the first call. */
export function openEmail(options: { endpoint?: string } = {}): Email {
  let loaded: Promise<{ sdk: typeof import("@aws-sdk/client-sesv2"); client: SESv2Client }> | undefined;
  const load = () => {
    loaded ??= import("@aws-sdk/client-sesv2").then((sdk) => ({
      sdk,
      client: followed(new sdk.SESv2Client({ maxAttempts: 2, ...options })),
    }));
    return loaded;
  };
  return {
    send: async ({ from, to, subject, text, html, headers }) => {
      const { sdk, client } = await load();
      const utf8 = (Data: string) => ({ Data, Charset: "UTF-8" });
      const command = new sdk.SendEmailCommand({
        FromEmailAddress: from,
        Destination: { ToAddresses: [to] },
        Content: {
          Simple: {
            Subject: utf8(subject),
            Body: { Text: utf8(text), Html: utf8(html) },
            Headers: Object.entries(headers).map(([Name, Value]) => ({ Name, Value })),
          },
        },
      });
      await client.send(command, { abortSignal: AbortSignal.timeout(LONGEST) }).catch((error: unknown) => {
        throw awsFailure("SES", "SendEmail", error);
      });
    },
  };
}
