// An OPC UA server on loopback for the tests: node-opcua, which is not ours, with a few nodes that a test sets.
//
// Arguments: a JSON object {port, folder, certificate, key, user, password, trusting}; without a certificate there
// is no security.
// Standard input: one JSON object a line; standard output: one JSON answer a line, after {"ready": true}.
//
//   {"set": NODE, "value": V, "type": T, "status": CODE, "source": MS}
//   {"add": NODE, "type": T, "value": V, "writable": bool}      {"forget": NODE}
//   {"get": NODE}                 what was written last          {"sessions": true}   {"drop": true}  end every session
"use strict";
const path = require("node:path");
const readline = require("node:readline");
const {
  DataType,
  DataValue,
  MessageSecurityMode,
  OPCUACertificateManager,
  OPCUAServer,
  SecurityPolicy,
  StatusCodes,
  Variant,
  coerceStatusCode,
} = require("node-opcua");

const NAMESPACE = "urn:test:station";
const options = JSON.parse(process.argv[2]);
const nodes = new Map();
const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);

function dataValue(one, order) {
  const variant =
    order.value === null
      ? new Variant({ dataType: DataType.Null })
      : new Variant({ dataType: DataType[one.type], value: order.value });
  const now = new Date();
  return new DataValue({
    value: variant,
    statusCode: order.status === undefined ? StatusCodes.Good : coerceStatusCode(order.status),
    sourceTimestamp: order.source === undefined ? now : new Date(order.source),
    serverTimestamp: now,
  });
}

function add(space, order) {
  const one = { type: order.type, valve: order.closes };
  one.variable = space.addVariable({
    organizedBy: space.addressSpace.rootFolder.objects,
    browseName: order.add,
    nodeId: `s=${order.add}`,
    dataType: DataType[order.type],
    minimumSamplingInterval: 0,
    accessLevel: order.writable ? "CurrentRead | CurrentWrite" : "CurrentRead",
    userAccessLevel: order.writable ? "CurrentRead | CurrentWrite" : "CurrentRead",
  });
  one.variable.setValueFromSource(dataValue(one, order).value);
  nodes.set(order.add, one);
  one.variable.on("value_changed", (value) => {
    one.last = value.value.value;
    // A valve whose command is written moves: what a station's own controller does.
    if (one.valve && one.last) put({ set: one.valve, value: true });
  });
}

function put(order) {
  const one = nodes.get(order.set);
  if (order.type) one.type = order.type;
  const value = dataValue(one, order);
  one.variable._internal_set_dataValue(value);
}

async function main() {
  const secure = options.certificate !== undefined;
  const manager = (name) =>
    new OPCUACertificateManager({
      automaticallyAcceptUnknownCertificate: options.trusting !== "no",
      rootFolder: path.join(options.folder, name),
    });
  const server = new OPCUAServer({
    port: options.port,
    hostname: "127.0.0.1",
    host: "127.0.0.1",
    resourcePath: "/station",
    allowAnonymous: options.user === undefined,
    certificateFile: options.certificate,
    privateKeyFile: options.key,
    serverCertificateManager: manager("pki"),
    userCertificateManager: manager("users"),
    securityPolicies: secure ? [SecurityPolicy.Basic256Sha256] : [SecurityPolicy.None],
    securityModes: secure ? [MessageSecurityMode.SignAndEncrypt] : [MessageSecurityMode.None],
    // Without it node-opcua folds the changes within 50 ms into one.
    serverCapabilities: { minSupportedSampleRate: 0 },
    userManager: { isValidUser: (user, password) => user === options.user && password === options.password },
    serverInfo: { applicationUri: options.uri || "urn:test:station:server", applicationName: { text: "station" } },
  });
  await server.initialize();
  const space = server.engine.addressSpace.registerNamespace(NAMESPACE);
  await server.start();
  readline.createInterface({ input: process.stdin }).on("line", (line) => {
    const order = JSON.parse(line);
    if (order.add) add(space, order);
    else if (order.set) put(order);
    else if (order.get) return say({ value: nodes.get(order.get).last ?? null });
    else if (order.forget) {
      space.addressSpace.deleteNode(nodes.get(order.forget).variable.nodeId);
      nodes.delete(order.forget);
    } else if (order.sessions) return say({ value: server.engine.currentSessionCount });
    else if (order.drop) {
      for (const session of Object.values(server.engine._sessions)) server.engine.closeSession(session.authenticationToken, true, "Terminated");
    }
    return say({ ok: true });
  });
  process.stdin.on("end", () => process.exit(0));
  say({ ready: true, namespace: space.index });
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
