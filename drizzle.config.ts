import { defineConfig } from "drizzle-kit";

const dialect = process.env["DIALECT"] === "pg" ? "pg" : "sqlite";

export default defineConfig({
  dialect: dialect === "pg" ? "postgresql" : "sqlite",
  schema: `./src/database/schema.${dialect}.ts`,
  out: `./drizzle/${dialect}`,
});
