import { join } from "node:path";

import { Database } from "bun:sqlite";

/**
 * A database that the original program wrote (FastAPI Users 15). Passwords: "<name> password 1", with the name as in the
 * address: ada (superuser, verified), grace, linus (bcrypt), Zoë.Ünal (inactive).
 */
export const sampleDatabase = join(import.meta.dir, "original.db");

/** The key that signed the sample's tokens. */
export const sampleSecret = "original-secret-0123456789-0123456789-0123";

/** The tables as SQLAlchemy creates them for the original program. */
const tables = [
  `CREATE TABLE users (id CHAR(36) NOT NULL, email VARCHAR(320) NOT NULL, hashed_password VARCHAR(1024) NOT NULL,
    is_active BOOLEAN NOT NULL, is_superuser BOOLEAN NOT NULL, is_verified BOOLEAN NOT NULL, PRIMARY KEY (id))`,
  "CREATE UNIQUE INDEX ix_users_email ON users (email)",
  `CREATE TABLE posts (id VARCHAR NOT NULL, user_id VARCHAR NOT NULL, caption TEXT, url VARCHAR NOT NULL,
    file_type VARCHAR NOT NULL, file_name VARCHAR NOT NULL, created_at DATETIME, PRIMARY KEY (id),
    FOREIGN KEY(user_id) REFERENCES users (id))`,
];

/** The UUID of a number, the same in every run, and scattered like those that Python makes. */
export function idOf(kind: "user" | "post", number: number): string {
  const digits = new Bun.CryptoHasher("md5").update(`${kind} ${number}`).digest("hex");
  return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-8$4-$5");
}

export interface Sizes {
  readonly users: number;
  readonly posts: number;
  /** Where the files are: `https://ik.imagekit.io/<id>`. */
  readonly endpoint?: string;
}

/** Creates a database of the original program, in which authors take turns. */
export function createOriginal(
  path: string,
  { users, posts, endpoint = "https://ik.imagekit.io/demo" }: Sizes,
): void {
  changeOriginal(path, (database) => {
    database.run("pragma synchronous = off");
    for (const table of tables) database.run(table);
    const addUser = database.query("insert into users values (?, ?, ?, 1, 0, 1)");
    const addPost = database.query("insert into posts values (?, ?, ?, ?, ?, ?, ?)");
    const hash = `$argon2id$v=19$m=65536,t=3,p=4$${"A".repeat(22)}$${"A".repeat(43)}`;
    database.transaction(() => {
      for (let i = 0; i < users; i++) addUser.run(idOf("user", i), `user${i}@example.com`, hash);
      for (let i = 0; i < posts; i++) {
        const isVideo = i % 5 === 4;
        const name = `${isVideo ? "clip" : "photo"}_${i}.${isVideo ? "mp4" : "jpg"}`;
        // Every tenth falls on a whole second, for which SQLAlchemy writes no fraction in some versions.
        const time = new Date(Date.UTC(2024, 0, 1) + i * 1000 + (i % 10) * 7);
        const text = time.toISOString().slice(0, -1).replace("T", " ");
        addPost.run(
          idOf("post", i),
          idOf("user", i % users),
          `Photo number ${i}, taken on a walk along the river`,
          `${endpoint}/${name}`,
          isVideo ? "video" : "image",
          name,
          i % 10 === 0 ? text.slice(0, 19) : `${text}456`,
        );
      }
    })();
  });
}

/** Changes a database of the original program, as that program or an attacker would. */
export function changeOriginal(path: string, change: (database: Database) => void): void {
  const database = new Database(path, { create: true });
  try {
    change(database);
  } finally {
    database.close();
  }
}
