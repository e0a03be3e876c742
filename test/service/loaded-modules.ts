/** Loaded in every sandbox beside its gates: notes each module that the function reads, so that a test can tell whose code has run. */
import { appendFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import "../local/rapid-client.ts";
import "./gate.ts";

const { REHEARSAL_TEST_LOADED: folder, AWS_LAMBDA_FUNCTION_NAME: name = "" } = process.env;

if (folder !== undefined)
  registerHooks({
    load: (url, context, nextLoad) => {
      appendFileSync(join(folder, name), `${url}\n`);
      return nextLoad(url, context);
    },
  });
