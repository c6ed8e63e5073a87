/** A mail as it arrived. Header names in lower case; the text part decoded. */
export interface ReceivedMail {
  from: string;
  to: string[];
  /** How the client introduced itself. */
  ehlo: string;
  headers: Record<string, string>;
  text: string;
  html: string;
  raw: string;
  /** What AUTH PLAIN said: user and password. */
  credentials?: [user: string, password: string];
}

/**
 * What a connection meets: `drop` (closed at once), `hang` (never greeted), or a reply such as `451 later` to the
 * recipient.
 */
export type Mishap = "drop" | "hang" | `${number} ${string}`;

/** A mail server in the test's process that keeps what it gets. */
export interface SmtpSink extends AsyncDisposable {
  url: string;
  port: number;
  mails: ReceivedMail[];
  /** Connections so far. */
  connections(): number;
  /** The next connections, one each, meet these; later ones are served. */
  failNext(...mishaps: Mishap[]): void;
  /** The mail number `count` (from 1), as soon as it is there. */
  mail(count: number): Promise<ReceivedMail>;
}

interface Session {
  buffer: string;
  inData: boolean;
  mishap: Mishap | undefined;
  from: string;
  to: string[];
  ehlo: string;
  credentials?: [string, string];
}

/** @param tls certificate and key: the connection begins with TLS */
export function startSmtpSink(tls?: { cert: string; key: string }): SmtpSink {
  const mails: ReceivedMail[] = [];
  const mishaps: Mishap[] = [];
  const waiting: { count: number; resolve: (mail: ReceivedMail) => void }[] = [];
  let connections = 0;

  const keep = (session: Session, raw: string) => {
    mails.push(parseMail(session, raw));
    for (const { count, resolve } of waiting) {
      const mail = mails[count - 1];
      if (mail) resolve(mail);
    }
  };

  const listener = Bun.listen<Session>({
    hostname: "127.0.0.1",
    port: 0,
    ...(tls && { tls }),
    socket: {
      open(socket) {
        connections += 1;
        socket.data = { buffer: "", inData: false, mishap: mishaps.shift(), from: "", to: [], ehlo: "" };
        if (socket.data.mishap === "drop") socket.end();
        else if (socket.data.mishap !== "hang") socket.write("220 sink ESMTP\r\n");
      },
      data(socket, chunk) {
        const session = socket.data;
        session.buffer += chunk.toString("latin1");
        for (;;) {
          const end = session.inData ? "\r\n.\r\n" : "\r\n";
          const at = session.buffer.indexOf(end);
          if (at < 0 || session.mishap === "hang") return;
          const text = session.buffer.slice(0, at);
          session.buffer = session.buffer.slice(at + end.length);
          if (session.inData) {
            session.inData = false;
            keep(session, text);
            socket.write("250 kept\r\n");
          } else socket.write(`${reply(session, text)}\r\n`);
        }
      },
    },
  });

  return {
    url: `smtp${tls ? "s" : ""}://127.0.0.1:${listener.port}`,
    port: listener.port,
    mails,
    connections: () => connections,
    failNext: (...next) => void mishaps.push(...next),
    mail: (count) => {
      const mail = mails[count - 1];
      if (mail) return Promise.resolve(mail);
      return new Promise((resolve) => waiting.push({ count, resolve }));
    },
    [Symbol.asyncDispose]: async () => listener.stop(true),
  };
}

function reply(session: Session, line: string): string {
  const address = /<([^>]*)>/.exec(line)?.[1] ?? "";
  switch (line.slice(0, 4).toUpperCase()) {
    case "EHLO":
      session.ehlo = line.slice(5);
      return "250-sink\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN";
    case "AUTH": {
      const [, user = "", password = ""] = Buffer.from(line.split(" ")[2] ?? "", "base64")
        .toString()
        .split("\0");
      session.credentials = [user, password];
      return "235 welcome";
    }
    case "MAIL":
      session.from = address;
      return "250 ok";
    case "RCPT":
      if (session.mishap) return session.mishap;
      session.to.push(Buffer.from(address, "latin1").toString());
      return "250 ok";
    case "DATA":
      session.inData = true;
      return "354 go on";
    case "QUIT":
      return "221 bye";
    default:
      return "250 ok";
  }
}

function parseMail({ from, to, ehlo, credentials }: Session, raw: string): ReceivedMail {
  const [headers, body] = parsePart(raw.replace(/\r\n\.\./g, "\r\n."));
  const boundary = /boundary="([^"]+)"/.exec(headers["content-type"] ?? "")?.[1];
  const parts = boundary
    ? body
        .split(`--${boundary}`)
        .slice(1, -1)
        .map((part) => parsePart(part.slice(2)))
    : [];
  const decoded = (type: string) => {
    const part = parts.find(([partHeaders]) => partHeaders["content-type"]?.startsWith(type));
    return part ? decode(...part) : "";
  };
  const mail = { from, to, ehlo, headers, text: decoded("text/plain"), html: decoded("text/html"), raw };
  return credentials ? { ...mail, credentials } : mail;
}

function parsePart(part: string): [headers: Record<string, string>, body: string] {
  const end = part.indexOf("\r\n\r\n");
  const lines = part
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, " ")
    .split("\r\n");
  const headers = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  return [Object.fromEntries(headers), part.slice(end + 4)];
}

function decode(headers: Record<string, string>, body: string): string {
  const encoding = headers["content-transfer-encoding"]?.toLowerCase();
  if (encoding === "base64") return Buffer.from(body, "base64").toString();
  const bytes =
    encoding === "quoted-printable"
      ? body
          .replace(/=\r\n/g, "")
          .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
      : body;
  return Buffer.from(bytes, "latin1").toString().replaceAll("\r\n", "\n");
}
