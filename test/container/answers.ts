/** The function that hands on a container's word, for machines that no ledger knows: the service's own looks there for decisions first. */
import { SendTaskFailureCommand, SendTaskSuccessCommand, type SFNClient } from "@aws-sdk/client-sfn";
import type { Word } from "../../functions/events/answer.ts";
import { startInvokeEndpoint } from "../../local/lambda/invoke.ts";

/** Serves it under Lambda's Invoke; `variables` are those by which a container finds it. */
export async function startAnswers(client: () => SFNClient) {
  const endpoint = await startInvokeEndpoint(async (_, payload) => {
    const { token: taskToken, ...said } = payload as Word;
    try {
      if ("failure" in said) await client().send(new SendTaskFailureCommand({ taskToken, ...said.failure }));
      else
        await client().send(
          new SendTaskSuccessCommand({
            taskToken,
            output: JSON.stringify((said as { outcome: unknown }).outcome),
          }),
        );
      return { payload: { taken: true } };
    } catch {
      return { payload: { taken: false } };
    }
  });
  return {
    variables: { AWS_ENDPOINT_URL_LAMBDA: endpoint.url, REHEARSAL_ANSWER_FUNCTION: "answer" },
    stop: endpoint.stop,
  };
}
