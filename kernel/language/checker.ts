/** T with all that it can be told before a cell is known: it takes longest to get ready, so it starts while the rest of the kernel is loaded. */
import { join } from "node:path";
import { cellPrefix, openProject, type Project } from "./project.js";
import { LanguageServer } from "./server.js";
import { Slots } from "./slots.js";
import type { LanguageOptions, TransformSettings } from "./types.js";

const draftPurposes = ["draft", "edit"] as const;

export interface Checker {
  readonly project: Project;
  readonly server: LanguageServer;
  readonly slots: Slots;
}

/** How many documents for the cells to come are open when T starts. */
const firstSlots = 40;

/** Starts T in a notebook's folder, with its project and the documents of the cells to come. */
export function startChecker({ folder, library }: Pick<LanguageOptions, "folder" | "library">): Checker {
  const server = new LanguageServer(folder);
  const project = openProject(folder, library);
  for (const [path, text] of project.documents) server.open(path, text);
  const slots = new Slots(
    folder,
    extensionOf(project.settings),
    (path, text) => server.open(path, text),
    (path) => server.close(path),
  );
  for (const purpose of draftPurposes) server.open(draftPath(folder, purpose, project.settings), "export {};");
  while (slots.spare < firstSlots) slots.add();
  return { project, server, slots };
}

/** What a draft is for: questions about the code at a cursor, or the squiggles of a cell. */
export type DraftPurpose = (typeof draftPurposes)[number];

/** The document of drafts for a purpose. */
export function draftPath(folder: string, purpose: DraftPurpose, settings: TransformSettings): string {
  return join(folder, `${cellPrefix}${purpose}.${extensionOf(settings)}`);
}

/** How the documents of cells end. */
export function extensionOf({ jsx }: TransformSettings): "ts" | "tsx" {
  return jsx ? "tsx" : "ts";
}
