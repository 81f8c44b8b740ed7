// Judges dashboards by Grafana's own types: node judge.mjs MODULES FILE... (MODULES is where node_modules is).
// Exit code 0: all fit; 1: some do not, with a line for each fault; 2: the types could not be read.
import { createRequire } from "node:module";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [modules, ...files] = process.argv.slice(2);
const require = createRequire(join(modules, "node_modules", "x.js"));

// The types of classic dashboards, as a JSON Schema; kept, since making it takes seconds.
function schema() {
  const kept = join(modules, "dashboard.schema.json");
  if (!existsSync(kept)) {
    const { createGenerator } = require("ts-json-schema-generator");
    const types = join(modules, "node_modules/@grafana/schema/dist/types/raw/dashboard/x/types.gen.d.ts");
    const made = createGenerator({ path: types, type: "Dashboard", skipTypeCheck: true, additionalProperties: false });
    const schema = made.createSchema("Dashboard");
    // What an annotation asks belongs to its data source, whose plugin adds fields of its own.
    delete schema.definitions.AnnotationQuery.additionalProperties;
    writeFileSync(kept, JSON.stringify(schema));
  }
  return JSON.parse(readFileSync(kept, "utf8"));
}

let fits;
try {
  const Ajv = require("ajv").default;
  fits = new Ajv({ allErrors: true, strict: false }).compile(schema());
} catch (error) {
  console.error(`Grafana's types cannot be read: ${error.message}`);
  process.exit(2);
}
let faults = 0;
for (const file of files) {
  if (fits(JSON.parse(readFileSync(file, "utf8")))) continue;
  for (const error of fits.errors.slice(0, 20)) {
    faults += 1;
    console.error(`${file}${error.instancePath}: ${error.message} ${JSON.stringify(error.params)}`);
  }
}
process.exit(faults > 0 ? 1 : 0);
