/// <reference path="./.sst/platform/config.d.ts" />
/** The deployment, part by part: `npx sst deploy --stage prod`. What a stage decides stands in deploy/<stage>.yaml. */
export default $config({
  async app(input) {
    const { isPermanent, readSettings } = await import("./infra/settings.ts");
    const settings = readSettings(process.cwd(), input.stage);
    const permanent = isPermanent(input.stage, settings);
    return {
      name: "rehearsal",
      home: "aws",
      removal: permanent ? "retain" : "remove",
      protect: permanent,
      providers: { aws: { version: "7.20.0", region: settings.region } },
    };
  },
  async run() {
    const { readPlace } = await import("./infra/place.ts");
    const place = await readPlace();
    const { createDeployRoles } = await import("./infra/deploy-roles.ts");
    createDeployRoles(place);

    const { createKey } = await import("./infra/key.ts");
    const key = createKey(place);
    const { createNetwork } = await import("./infra/network.ts");
    const network = await createNetwork(place);
    const { createControlDatabase } = await import("./infra/control-database.ts");
    const control = createControlDatabase(place, network, key);
    const { createArtifacts } = await import("./infra/artifacts.ts");
    const artifacts = createArtifacts(place, key);
    const { createDeadLetters } = await import("./infra/dead-letters.ts");
    const deadLetters = createDeadLetters(place, key);
    const { createGateway, openGateway } = await import("./infra/api.ts");
    const gateway = createGateway(place);
    const within = { network, control, deadLetters, consoleUrl: gateway.url };
    const { createFunction, createFunctions } = await import("./infra/functions.ts");
    const prepare = createFunction(place, "prepare", within);
    const { prepareControl } = await import("./infra/preparation.ts");
    const prepared = prepareControl(place, prepare, within);
    const functions = createFunctions(place, within, { prepare, prepared });

    const { createContainer, createRepository } = await import("./infra/container.ts");
    const images = createRepository(place, key);
    const container = createContainer(place, within);
    const { createMachines } = await import("./infra/machines.ts");
    createMachines(place, { functions, control, prepared, ...(container && { container }) });
    const { createEvents } = await import("./infra/events.ts");
    createEvents(place, functions);
    const { createSchedules } = await import("./infra/schedules.ts");
    createSchedules(place, functions, control);
    const domainTarget = openGateway(place, gateway, functions.api, prepared);

    const { createAlarms } = await import("./infra/alarms.ts");
    createAlarms(place, gateway.api);
    const { createDashboard } = await import("./infra/dashboard.ts");
    createDashboard(place, gateway.api);
    const { createBudget } = await import("./infra/budget.ts");
    createBudget(place);
    return { url: gateway.url, domainTarget, bucket: artifacts.bucket, images: images.repositoryUrl };
  },
});
