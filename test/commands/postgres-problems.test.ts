import { expect, test } from "bun:test";
import { createServer, type AddressInfo } from "node:net";

import { dataFolderError } from "../../src/commands/startup-errors.ts";
import { openDatabase } from "../../src/database/database.ts";

/** A server that rejects every connection with this SQLSTATE and message (ErrorResponse of PostgreSQL's protocol). */
async function refusing(sqlState: string, message: string) {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${sqlState}\0M${message}\0\0`);
  const head = Buffer.from("E\0\0\0\0");
  head.writeInt32BE(4 + fields.length, 1);
  const server = createServer((socket) => {
    socket.on("error", () => {});
    // The first eight bytes are the SSLRequest.
    socket.on("data", (data) =>
      data.length === 8 ? socket.write("N") : socket.end(Buffer.concat([head, fields])),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** Returns the message that an operator sees when the service starts with this server. */
async function problemOf(sqlState: string, message: string): Promise<string> {
  const server = await refusing(sqlState, message);
  const url = `postgres://ann:hidden@127.0.0.1:${(server.address() as AddressInfo).port}/photos`;
  const database = { url, poolSize: 1 };
  try {
    const failure = await openDatabase(database).then(
      () => new Error("opened"),
      (error: unknown) => error,
    );
    return dataFolderError({ dataDir: "/data", database }, failure).message;
  } finally {
    server.close();
  }
}

test.each([
  [
    "08P01",
    "unsupported startup parameter: statement_timeout",
    /^PgBouncer on \S+ does not accept statement_timeout\. Set its ignore_startup_parameters to default_transaction_isolation,statement_timeout,idle_in_transaction_session_timeout\.$/,
  ],
  ["08P01", "unsupported startup parameter in options: geqo", /rejects the parameter geqo\. /],
  ["42704", 'unrecognized configuration parameter "foo"', /rejects the parameter foo\. /],
  ["22023", 'invalid value for parameter "work_mem": "hidden"', /rejects the parameter work_mem\. /],
  ["42501", 'permission denied to set parameter "log_statement"', /rejects the parameter log_statement\. /],
  ["08P01", "no more connections allowed (max_client_conn)", /takes no more connections \(max_client_conn/],
  ["08P01", "no such database: photos", /has no database "photos"\. /],
  ["08P01", "no such user: hidden", /refuses this user or password\. /],
  ["08P01", "query_wait_timeout", /no connection free behind PgBouncer \(query_wait_timeout\)/],
  ["3F000", "no schema has been selected to create in", /\(search_path\)/],
  ["XX000", "hidden words", /cannot be used \(XX000\)\.$/],
])("serve: explains PostgreSQL error %s, %s", async (sqlState, message, expected) => {
  const problem = await problemOf(sqlState, message);
  expect(problem).toMatch(expected);
  expect(problem).not.toContain("hidden");
  expect(problem).not.toContain("\n");
});
