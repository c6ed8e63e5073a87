import { stemOf } from "./file-names.ts";

/** The UTF-16 units to which Google Takeout shortens the name of a JSON file, not counting its extension and number. */
const maxNameLength = 46;

/** What Takeout appends to the name of a photo, shortened so that the whole name has {@link maxNameLength} units. */
const suffix = "supplemental-metadata";

/** What Google Photos appends to the names of edited copies, in several languages. The copies have no JSON of their own. */
const edited =
  /-(?:edited|effects|smile|mix|bearbeitet|modifi(?:é|e\u0301)|modificato|editado|editada|bewerkt|edytowane|redigerad|redigeret|edit(?:é|e\u0301)|編集済み|已修改)$/u;

/** A name without the number that Takeout gives to files of the same name, and the number with its brackets. */
interface Numbered {
  readonly name: string;
  readonly number: string;
}

/**
 * Finds the JSON files that Google Takeout puts beside photos: `a.jpg.json`, `a.jpg.supplemental-metadata.json` with the end
 * of that name missing, and for the second file of a name, `a(1).jpg`, the file `a.jpg(1).json` or
 * `a.jpg.supplemental-metadata(1).json`. Some have no extension of the photo, and the names of others are cut.
 */
export class TakeoutSidecars {
  /** The JSON files by the name of the photo and its number. */
  readonly #files = new Map<string, string>();
  /** The JSON files by the name of the photo without its extension, and its number. */
  readonly #stems = new Map<string, string>();

  /** @param names the names of the files in one folder */
  constructor(names: readonly string[]) {
    for (const file of names) {
      if (!/\.json$/i.test(file)) continue;
      const { name, number } = splitEnd(file.slice(0, -".json".length));
      const photo = withoutSuffix(name);
      this.#files.set(keyOf(name, number), file);
      if (photo !== name) this.#files.set(keyOf(photo, number), file);
      this.#stems.set(keyOf(stemOf(photo), number), file);
    }
  }

  /** Returns the JSON file of a photo. */
  of(photo: string): string | undefined {
    const { name, number } = splitStem(photo);
    const original = stemOf(name).replace(edited, "") + photo.slice(stemOf(photo).length);
    return (
      this.#files.get(keyOf(photo, "")) ??
      this.#files.get(keyOf(name, number)) ??
      this.#files.get(keyOf(stemOf(name), number)) ??
      this.#cut(name, number) ??
      // Of copies that Google itself has made, only the first one has a JSON file with a name of full length.
      this.#cut(name, "") ??
      (original === name
        ? undefined
        : (this.#files.get(keyOf(original, number)) ?? this.#cut(original, number)))
    );
  }

  /** Returns the JSON file of another file with the same stem: of the photo that a short video belongs to. */
  ofCompanion(video: string): string | undefined {
    const { name, number } = splitStem(video);
    return this.#stems.get(keyOf(stemOf(name), number));
  }

  #cut(name: string, number: string): string | undefined {
    if (name.length < maxNameLength) return undefined;
    for (const length of [maxNameLength, maxNameLength + 1, maxNameLength - 1]) {
      const file = this.#files.get(keyOf(name.slice(0, length), number));
      if (file) return file;
    }
    return undefined;
  }
}

/** No name contains a slash. */
const keyOf = (name: string, number: string): string => `${name}/${number}`;

/** Splits `a.jpg(1)`. */
function splitEnd(name: string): Numbered {
  const number = /\(\d{1,6}\)$/.exec(name)?.[0] ?? "";
  return { name: name.slice(0, name.length - number.length), number };
}

/** Splits `a(1).jpg`. */
function splitStem(name: string): Numbered {
  const stem = stemOf(name);
  const split = splitEnd(stem);
  return { name: split.name + name.slice(stem.length), number: split.number };
}

/** Removes the suffix, even if it was shortened. */
function withoutSuffix(name: string): string {
  const dot = name.lastIndexOf(".");
  return dot > 0 && suffix.startsWith(name.slice(dot + 1)) ? name.slice(0, dot) : name;
}
