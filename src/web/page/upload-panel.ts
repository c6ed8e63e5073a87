import type { Post } from "./api.ts";
import { element } from "./element.ts";
import { Failure } from "./failures.ts";
import { signOut, token } from "./session.ts";

/** A file on its way. Its key makes a retry answer with the first post instead of making a second one. */
interface Waiting {
  readonly file: File;
  readonly key: string;
  readonly shown: HTMLElement;
  readonly caption: HTMLInputElement;
  readonly progress: HTMLProgressElement;
  readonly status: HTMLElement;
  readonly share: HTMLButtonElement;
  request: XMLHttpRequest | undefined;
}

/** Kept beside the views: a session that ends in the middle loses no file. */
const list = element("ul", { className: "uploads", attributes: { "aria-label": "Uploads" } });
const queue: Waiting[] = [];
let busy = false;
let published: (post: Post) => void = () => {};

/** Where files come in: by button, drop and paste. */
export function uploadPanel(onPublished: (post: Post) => void): HTMLElement {
  published = onPublished;
  const input = element("input", {
    type: "file",
    multiple: true,
    accept: "image/*,video/*",
    className: "unseen",
    id: "files",
  });
  input.addEventListener("change", () => {
    add(input.files);
    input.value = "";
  });
  const choose = element("button", {
    type: "button",
    className: "primary",
    textContent: "Share photos or videos",
  });
  choose.addEventListener("click", () => input.click());
  return element(
    "section",
    { className: "panel", attributes: { "aria-label": "Share" } },
    choose,
    element("span", { className: "hint", textContent: "or drop or paste them anywhere" }),
    input,
    list,
  );
}

/** Takes dropped and pasted files of the whole page, while somebody is signed in. */
export function takeFilesFrom(page: Document): void {
  page.addEventListener("dragover", (event) => {
    event.preventDefault();
    page.body.classList.add("dropping");
  });
  page.addEventListener(
    "dragleave",
    ({ relatedTarget }) => !relatedTarget && page.body.classList.remove("dropping"),
  );
  page.addEventListener("drop", (event) => {
    event.preventDefault();
    page.body.classList.remove("dropping");
    if (token()) add(event.dataTransfer?.files);
  });
  page.addEventListener("paste", (event) => {
    if (token() && event.clipboardData?.files.length) add(event.clipboardData.files);
  });
}

function add(files: FileList | null | undefined): void {
  for (const file of files ?? []) {
    const preview = URL.createObjectURL(file);
    const caption = element("input", {
      type: "text",
      maxLength: 2200,
      placeholder: "Caption",
      attributes: { "aria-label": `Caption for ${file.name}` },
    });
    const progress = element("progress", {
      max: 1,
      value: 0,
      attributes: { "aria-label": `Upload of ${file.name}` },
    });
    const status = element("span", {
      className: "hint",
      textContent: file.name,
      attributes: { role: "status" },
    });
    const share = element("button", { type: "button", className: "primary", textContent: "Share" });
    const cancel = element("button", {
      type: "button",
      textContent: "Cancel",
      attributes: { "aria-label": `Cancel ${file.name}` },
    });
    const shown = element(
      "li",
      {},
      file.type.startsWith("video/")
        ? element("video", { src: preview, muted: true, preload: "metadata" })
        : element("img", { src: preview, alt: "" }),
      element("div", { className: "stack" }, caption, progress, status),
      element("div", { className: "row" }, share, cancel),
    );
    const waiting: Waiting = {
      file,
      key: crypto.randomUUID(),
      shown,
      caption,
      progress,
      status,
      share,
      request: undefined,
    };
    share.addEventListener("click", () => {
      share.disabled = true;
      status.textContent = "Waiting…";
      queue.push(waiting);
      void work();
    });
    cancel.addEventListener("click", () => {
      waiting.request?.abort();
      const at = queue.indexOf(waiting);
      if (at >= 0) queue.splice(at, 1);
      discard(waiting, preview);
    });
    caption.addEventListener("keydown", ({ key }) => key === "Enter" && share.click());
    shown.addEventListener("published", () => discard(waiting, preview));
    list.append(shown);
    caption.focus();
  }
}

function discard({ shown }: Waiting, preview: string): void {
  URL.revokeObjectURL(preview);
  shown.remove();
}

/** One after another: a phone's line is better used by one. */
async function work(): Promise<void> {
  if (busy) return;
  busy = true;
  for (let next = queue.shift(); next; next = queue.shift()) {
    try {
      published(await send(next));
      next.shown.dispatchEvent(new Event("published"));
    } catch (failure) {
      next.status.textContent = (failure as Error).message;
      next.share.textContent = "Try again";
      next.share.disabled = false;
      next.progress.value = 0;
    }
  }
  busy = false;
}

/** XMLHttpRequest, because fetch does not tell how far an upload has come. */
function send(waiting: Waiting): Promise<Post> {
  const { file, key, caption, progress, status } = waiting;
  const request = new XMLHttpRequest();
  waiting.request = request;
  const used = token();
  const form = new FormData();
  form.set("file", file);
  form.set("caption", caption.value);
  return new Promise((resolve, reject) => {
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      progress.value = loaded / total;
      status.textContent = loaded < total ? `${Math.round((loaded / total) * 100)} %` : "Nearly there…";
    });
    request.addEventListener("load", () => {
      const body = request.response as (Post & { detail?: string }) | null;
      if (request.status === 200 && body) return resolve(body);
      if (request.status === 401 && used === token()) signOut();
      reject(new Failure(request.status, body?.detail, request.getResponseHeader("retry-after")));
    });
    request.addEventListener("error", () => reject(new Failure(0, undefined)));
    request.addEventListener("abort", () => reject(new Error("Cancelled.")));
    request.open("POST", "/upload");
    request.responseType = "json";
    request.setRequestHeader("authorization", `Bearer ${used}`);
    request.setRequestHeader("idempotency-key", key);
    request.send(form);
  });
}
