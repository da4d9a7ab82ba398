import { readFileSync } from 'node:fs';

/** The package's version. From dist/src, package.json lies two folders up. */
export const version: string = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
).version;

/** How files name the program that wrote them. */
export const createdBy = `eigenshard version ${version}`;
