// Prints the documents of YAML files as JSON: {path: document}. A file that is not right ends it with a message.
const { readFileSync } = require('node:fs');
const { parse } = require('yaml');

const read = (path) => [path, parse(readFileSync(path, 'utf8'), { strict: true, uniqueKeys: true })];
process.stdout.write(JSON.stringify(Object.fromEntries(process.argv.slice(2).map(read))));
