import { join } from "node:path";

import { hasVideoExtension } from "./file-names.ts";
import { isPhotoDetails, maxDetailsBytes, readPhotoDetails } from "./icloud-details.ts";
import { SourceError, type SourceFolder } from "./source-folder.ts";
import { maxSidecarBytes, readTakeoutMetadata, type ExportedFacts } from "./takeout-metadata.ts";
import { TakeoutSidecars } from "./takeout-sidecars.ts";

/** What the exports of Google Photos and iCloud say about the files in one folder. */
export class ExportFacts {
  readonly #takeout: TakeoutSidecars;
  readonly #icloud: ReadonlyMap<string, ExportedFacts>;

  /**
   * @param folder relative path
   * @param names the names in it
   * @param onProblem called with the path of a list that cannot be read
   */
  constructor(
    private readonly source: SourceFolder,
    private readonly folder: string,
    names: readonly string[],
    onProblem: (path: string, why: string) => void,
  ) {
    this.#takeout = new TakeoutSidecars(names);
    const facts = new Map<string, ExportedFacts>();
    for (const name of names.filter(isPhotoDetails)) {
      const path = join(folder, name);
      try {
        for (const [photo, about] of readPhotoDetails(source.readText(path, maxDetailsBytes)))
          facts.set(photo, about);
      } catch (error) {
        if (!(error instanceof SourceError)) throw error;
        onProblem(path, error.message);
      }
    }
    this.#icloud = facts;
  }

  /** The facts about a file; empty for a file that was not exported. */
  of(name: string): ExportedFacts {
    const sidecar = this.#takeout.of(name);
    const facts = sidecar === undefined ? undefined : this.#read(sidecar);
    if (facts) return facts;
    const companion = hasVideoExtension(name) ? this.#takeout.ofCompanion(name) : undefined;
    const photo = companion === undefined ? undefined : this.#read(companion);
    if (photo) return { takenAt: photo.takenAt, isDeleted: photo.isDeleted ?? false };
    return this.#icloud.get(name) ?? {};
  }

  /** Reads a sidecar. One that cannot be read counts as missing, because the photo can be imported without it. */
  #read(sidecar: string): ExportedFacts | undefined {
    try {
      return readTakeoutMetadata(this.source.readText(join(this.folder, sidecar), maxSidecarBytes));
    } catch (error) {
      if (error instanceof SourceError) return undefined;
      throw error;
    }
  }
}
