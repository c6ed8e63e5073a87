import { api, call, type Post } from "./api.ts";
import { Failure } from "./failures.ts";
import { session } from "./session.ts";
import { sentAs } from "./upload-checks.ts";
import type { UploadItem } from "./upload-item.ts";
import { failureOf, transfer } from "./upload-transfer.ts";

// Large files are sent by the protocol tus 1.0.0, see docs/api.md.

/** Bytes of one request. Proxies may limit them to 100 MB. */
const chunkBytes = 50 * 1024 ** 2;

const version = { "tus-resumable": "1.0.0" };
const storagePrefix = "image-sharing-upload ";

/** What a browser remembers of an upload until it is shared: where it goes on, and the texts that it began with. */
interface Stored {
  readonly route: string;
  readonly caption: string;
  readonly alt: string;
}

/** An upload as the service knows it. */
interface Progress extends Stored {
  readonly offset: number;
  /** The id of its post, once that is published. */
  readonly postId: string | undefined;
}

/** The uploads that this tab works on. The same file may be in the queue twice, with an upload for each. */
const uploads = new Map<UploadItem, Stored>();

/**
 * Sends a file, from where an earlier attempt has ended, even one before a reload of the page.
 * @throws Failure as the service answers; the signal's reason when it aborts
 */
export async function sendResumable(
  item: UploadItem,
  poster: Blob | undefined,
  signal: AbortSignal,
): Promise<Post> {
  const { file, caption, alt } = item;
  const upload = (await find(item, signal)) ?? (await begin(item, signal));
  uploads.set(item, upload);
  let { offset, postId } = upload;
  // A refused poster is not an error: the video is then shared without it.
  if (poster && offset === 0) await sendPoster(upload.route, poster, item, signal);
  while (postId === undefined) {
    const request = await transfer(patch(upload.route, offset, item), signal);
    if (request.status !== 204) throw refused(request, item);
    offset = Number(request.getResponseHeader("upload-offset"));
    postId = postIdIn(request);
  }
  const isChanged = upload.caption !== caption || upload.alt !== alt;
  const post = await (isChanged ? api.editPost(postId, { caption, alt }) : api.post(postId));
  // Not before: after a lost response, the service still knows of the post.
  forget(item);
  return post;
}

async function sendPoster(route: string, body: Blob, item: UploadItem, signal: AbortSignal): Promise<void> {
  const request = await transfer(
    { method: "PUT", route: `${route}/thumbnail`, headers: version, body },
    signal,
  );
  if ([409, 423, 429].includes(request.status) || request.status >= 500) throw refused(request, item);
}

/** Ends the upload of a file that the user has removed. */
export function cancelResumable(item: UploadItem): void {
  const upload = uploads.get(item);
  if (!upload) return;
  forget(item);
  // Otherwise it expires.
  void call("DELETE", upload.route, undefined, version).catch(() => {});
}

/** Forgets all uploads, so that the next person at this browser does not see the names of files. */
export function forgetUploads(): void {
  uploads.clear();
  for (const key of Object.keys(localStorage))
    if (key.startsWith(storagePrefix)) localStorage.removeItem(key);
}

function patch(route: string, offset: number, item: UploadItem) {
  const { file } = item;
  return {
    method: "PATCH",
    route,
    headers: {
      ...version,
      "content-type": "application/offset+octet-stream",
      "upload-offset": String(offset),
    },
    body: file.slice(offset, offset + chunkBytes),
    onProgress: (sent: number) => item.progress((offset + sent) / file.size),
  } as const;
}

async function begin(item: UploadItem, signal: AbortSignal): Promise<Progress> {
  const { file, caption, alt } = item;
  const metadata = Object.entries({ filename: file.name, caption, alt })
    .map(([name, value]) => `${name} ${base64(value)}`)
    .join();
  const headers = { ...version, "upload-length": String(file.size), "upload-metadata": metadata };
  const request = await transfer({ method: "POST", route: "/uploads", headers }, signal);
  if (request.status !== 201) throw refused(request, item);
  const route = /\/uploads\/[^/]+$/.exec(request.getResponseHeader("location") ?? "")?.[0];
  // Such a response came from something in between, such as a captive portal.
  if (route === undefined) throw new Failure(0);
  const stored: Stored = { route, caption, alt };
  // While the same file is in the queue twice, only one of them survives a reload.
  if (!isInUse(inStorage(item))) localStorage.setItem(keyOf(item), JSON.stringify(stored));
  return { ...stored, offset: 0, postId: undefined };
}

/** Looks for an upload of this file that was begun earlier. */
async function find(item: UploadItem, signal: AbortSignal): Promise<Progress | undefined> {
  const stored = read(item);
  if (!stored) return undefined;
  const request = await transfer({ method: "HEAD", route: stored.route, headers: version }, signal);
  if (request.status === 404) {
    forget(item);
    return undefined;
  }
  if (request.status !== 200) throw refused(request, item);
  return { ...stored, offset: Number(request.getResponseHeader("upload-offset")), postId: postIdIn(request) };
}

/** The failure of a request. After one about the file itself, the service does not have the upload any more. */
function refused(request: XMLHttpRequest, item: UploadItem): Failure {
  if ([404, 413, 415, 422].includes(request.status)) forget(item);
  // The next attempt asks for the offset.
  return [404, 409].includes(request.status) ? new Failure(503) : failureOf(request, sentAs(item.file));
}

const postIdIn = (request: XMLHttpRequest) =>
  /\/posts\/([^/]+)$/.exec(request.getResponseHeader("content-location") ?? "")?.[1];

const keyOf = ({ file }: UploadItem) =>
  `${storagePrefix}${session.account?.id} ${file.size} ${file.lastModified} ${file.name}`;

/** The upload of an item: one that this tab has begun, or one from before a reload that no other item continues. */
function read(item: UploadItem): Stored | undefined {
  const stored = inStorage(item);
  return uploads.get(item) ?? (isInUse(stored) ? undefined : stored);
}

function inStorage(item: UploadItem): Stored | undefined {
  const text = localStorage.getItem(keyOf(item));
  return text === null ? undefined : (JSON.parse(text) as Stored);
}

const isInUse = (stored: Stored | undefined): boolean =>
  [...uploads.values()].some(({ route }) => route === stored?.route);

function forget(item: UploadItem): void {
  const upload = read(item);
  uploads.delete(item);
  if (upload && inStorage(item)?.route === upload.route) localStorage.removeItem(keyOf(item));
}

const base64 = (text: string) => btoa(String.fromCodePoint(...new TextEncoder().encode(text)));
