/** The part of JupyterLab's completer that is used. Its package comes with JupyterLab at run time; only the types are written here. */
declare module "@jupyterlab/completer" {
  import type { CodeEditor } from "@jupyterlab/codeeditor";
  import type { Token } from "@lumino/coreutils";
  import type { ISignal } from "@lumino/signaling";
  import type { Widget } from "@lumino/widgets";

  export interface ICompletionContext {
    readonly widget: Widget;
    readonly editor?: CodeEditor.IEditor | null;
  }

  export interface ICompletionItem {
    label: string;
    insertText?: string;
    type?: string;
    documentation?: string;
    deprecated?: boolean;
  }

  /** Places count code points. */
  export interface ICompletionProvider<Item extends ICompletionItem = ICompletionItem> {
    readonly identifier: string;
    readonly rank?: number;
    readonly renderer?: null;
    isApplicable(context: ICompletionContext): Promise<boolean>;
    fetch(
      request: { readonly text: string; readonly offset: number },
      context: ICompletionContext,
    ): Promise<{ readonly start: number; readonly end: number; readonly items: Item[] }>;
    resolve?(item: Item, context: ICompletionContext): Promise<Item>;
  }

  export interface ICompletionProviderManager {
    registerProvider<Item extends ICompletionItem>(provider: ICompletionProvider<Item>): void;
    /** A proposal was accepted; it is written already. */
    readonly selected: ISignal<ICompletionProviderManager, { readonly insertText: string }>;
  }

  export const ICompletionProviderManager: Token<ICompletionProviderManager>;
}
