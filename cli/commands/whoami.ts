/** `rehearsal whoami`: as whom the service sees you, and what you may there. */
import { Command } from "commander";
import { mayText } from "../access-text.ts";
import { me } from "../answers.ts";
import type { Declare } from "../command.ts";
import { facts } from "../text.ts";

export const whoamiCommand: Declare = (act) =>
  new Command("whoami").description("Who you are to the service, and what your credential may").action(
    act(async (context, _: object) => {
      const client = await context.client();
      const found = await client.get("/me", me);
      const { person, credential, grants } = found;
      const text = facts({
        person,
        credential: `${credential.kind} ${credential.id}`,
        roles: mayText(grants),
      });
      return { value: found, text };
    }),
  );
