/** The conformance suite over all backends that an application can ask for. */
import { afterAll, beforeAll } from "vitest";
import { conforms } from "./conformance.ts";
import { BACKENDS, startWorld, type World } from "./world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world.stop());

for (const name of BACKENDS) conforms(name, () => world);
