/** A `multipart/form-data` body of known length that is generated while it is sent. */
export interface MultipartBody {
  readonly contentType: string;
  readonly contentLength: number;
  /** Can be read once. */
  readonly stream: AsyncGenerator<Uint8Array>;
}

/**
 * Builds a form (RFC 7578) of text fields followed by one file part named `file`. Memory use does not depend on the file's
 * size, whereas `FormData` and the SDK's helpers hold the file one to three times. Names and values are not escaped.
 */
export function multipartBody(
  fields: Record<string, string>,
  file: { name: string; contentType: string; bytes: number; content: ReadableStream<Uint8Array> },
): MultipartBody {
  const boundary = `form-${crypto.randomUUID()}`;
  const encoder = new TextEncoder();
  const texts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const head = encoder.encode(
    `${texts.join("")}--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${file.name}"\r\n` +
      `Content-Type: ${file.contentType}\r\n\r\n`,
  );
  const tail = encoder.encode(`\r\n--${boundary}--\r\n`);
  async function* stream() {
    yield head;
    yield* file.content;
    yield tail;
  }
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    contentLength: head.length + file.bytes + tail.length,
    stream: stream(),
  };
}
