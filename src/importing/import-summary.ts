/** What an import has done. It is complete after every page of rows, also if the import fails later. */
export interface ImportSummary {
  readonly accounts: RowCounts;
  readonly posts: RowCounts;
  /** Posts whose file is not in ImageKit. */
  missingFiles: number;
  /** Posts whose caption was changed. */
  changedCaptions: number;
  /** Posts of earlier imports whose files an import that copies files leaves in ImageKit. */
  leftInImageKit: number;
  /** Addresses of the imported superusers, ready to be printed. */
  readonly superusers: string[];
}

/** Numbers of rows, by what became of them. */
export interface RowCounts {
  added: number;
  /** Imported by an earlier run. */
  known: number;
  refused: number;
}

export const newSummary = (): ImportSummary => ({
  accounts: { added: 0, known: 0, refused: 0 },
  posts: { added: 0, known: 0, refused: 0 },
  missingFiles: 0,
  changedCaptions: 0,
  leftInImageKit: 0,
  superusers: [],
});
