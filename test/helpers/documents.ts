import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Compiled, this file is dist/test/helpers/documents.js of the checkout. */
export const root = path.resolve(import.meta.dirname, '../../..');

/** A Markdown file of the project. */
export interface Document {
  /** Relative to the checkout, with '/'. */
  name: string;
  text: string;
}

/** All documents of the project. */
export const documents: readonly Document[] = ['.', 'docs', 'benchmarks'].flatMap((folder) =>
  readdirSync(path.join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => documentNamed(path.posix.join(folder, name))),
);

/** A document by its path in the checkout. */
export function documentNamed(name: string): Document {
  return { name, text: readFileSync(path.join(root, name), 'utf8') };
}

/** A fenced block of code. */
export interface CodeBlock {
  document: string;
  /** Text behind the opening fence; '' for a console. */
  language: string;
  code: string;
}

/** The fenced blocks of a document, in their order. */
export function codeBlocks({ name, text }: Document): CodeBlock[] {
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = '', code = '']) => ({
    document: name,
    language,
    code,
  }));
}

/** The blocks of all documents in one language. */
export function blocksIn(language: string): CodeBlock[] {
  return documents.flatMap(codeBlocks).filter((block) => block.language === language);
}

/** The code that stands between backquotes in running text and tables. */
export function codeSpans({ text }: Document): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, '');
  return [...prose.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code.replaceAll(/\s+/g, ' '));
}
