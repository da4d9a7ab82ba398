import { type Command, InvalidArgumentError } from 'commander';
import { InputError } from '../errors.js';
import { type CacheItem, listCache, type PruneRule, pruneCache } from '../hub/cache-items.js';
import { hubSettings } from '../hub/settings.js';
import { formatBytes } from '../text/figures.js';
import { answerJson, screenText } from './answer-text.js';
import { exampleText } from './examples.js';
import { size } from './options.js';
import { print } from './print.js';

/** Adds `cache list` and `cache prune`. */
export function addCacheCommands(program: Command): void {
  const cache = program
    .command('cache')
    .description('what was downloaded from the hub')
    .addHelpText('after', exampleText('cache list', 'cache prune --older-than 30'));
  // Not on stdout, where --json is.
  const context = { note: (line: string) => void process.stderr.write(`${line}\n`) };
  cache
    .command('list')
    .description('list what the cache holds, what was used last first')
    .option('--json', 'print a JSON array', false)
    .addHelpText('after', exampleText('cache list', 'cache list --json'))
    .action(async ({ json }: { json: boolean }) => {
      const { cache: directory, cacheBytes } = hubSettings(process.env);
      const items = await listCache(directory, context);
      print(json ? answerJson(items) : screenText(listText(directory, cacheBytes, items)));
    });
  cache
    .command('prune')
    .description(
      'remove what was not used for longest, until the cache is within its size; never what is in use',
    )
    .option('--all', 'remove everything')
    .option('--older-than <days>', 'remove what was not used for so many days', days)
    .option('--max-size <size>', 'another size, as 5GB', size)
    .addHelpText('after', exampleText('cache prune --older-than 30', 'cache prune --max-size 5GB'))
    .action(async (options: PruneOptions) => {
      const { cache: directory, cacheBytes } = hubSettings(process.env);
      const removed = await pruneCache(directory, ruleOf(options, cacheBytes), context);
      const lines = removed.map((item) => `removed ${itemText(item)}`);
      print(screenText([...lines, `${directory}: removed ${formatBytes(sizeOf(removed))}`].join('\n')));
    });
}

interface PruneOptions {
  all?: boolean;
  olderThan?: number;
  maxSize?: number;
}

function ruleOf({ all, olderThan, maxSize }: PruneOptions, cacheBytes: number): PruneRule {
  if ([all, olderThan, maxSize].filter((option) => option !== undefined).length > 1) {
    throw new InputError('--all, --older-than and --max-size exclude each other: give one');
  }
  if (all) return { all };
  return olderThan === undefined ? { atMostBytes: maxSize ?? cacheBytes } : { olderThanDays: olderThan };
}

function listText(directory: string, cacheBytes: number, items: readonly CacheItem[]): string {
  const lines = items.map((item) => {
    const used = item.lastUsed.toISOString().slice(0, 16).replace('T', ' ');
    return `${used}  ${item.inUse ? 'in use  ' : '        '}${itemText(item)}`;
  });
  return [...lines, `${directory}: ${formatBytes(sizeOf(items))} of ${formatBytes(cacheBytes)}`].join('\n');
}

function itemText({ repository, kind, id, holds, bytes }: CacheItem): string {
  const what = kind === 'files' ? `@${id.slice(0, 12)}` : ` weights ${id.slice(0, 12)}`;
  return `${repository}${what}  ${formatBytes(bytes)}  ${holds.join(', ')}`.trimEnd();
}

function sizeOf(items: readonly CacheItem[]): number {
  return items.reduce((sum, { bytes }) => sum + bytes, 0);
}

function days(text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new InvalidArgumentError('It must be a number of days.');
  return Number(text);
}
