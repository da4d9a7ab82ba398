import { byId, element } from './dom.js';
import { saveButtons } from './save-buttons.js';
import { type Found, searchTokens } from './search-tokens.js';
import { tokenButton } from './token-button.js';
import { type NamedTokens, savedName, shortened, shownText, typedText } from './token-name.js';

const MOST_RESULTS = 30;

/** Starts the search for tokens; `showToken` is given the one that is chosen. */
export function startTokenSearch(tokens: NamedTokens, showToken: (id: number) => void): void {
  const input = byId<HTMLInputElement>('search');
  const matchCase = byId<HTMLInputElement>('match-case');
  const find = (most: number) =>
    searchTokens(tokens.texts, typedText(input.value), { most, matchCase: matchCase.checked });
  let found: Found = { ids: [], count: 0 };
  const search = () => {
    found = find(MOST_RESULTS);
    byId('results').replaceChildren(
      ...found.ids.map((id) => element('li', {}, `${id} `, tokenButton(tokens, id, showToken))),
    );
    byId('results-save').replaceChildren(
      ...(found.count === 0 ? [] : [saveButtons('tokens found', () => foundTable(tokens, find(Infinity)))]),
    );
    byId('search-status').textContent = foundText(input.value, found, matchCase.checked);
  };
  input.addEventListener('input', search);
  matchCase.addEventListener('change', search);
  input.addEventListener('keydown', ({ key }) => {
    const [first] = found.ids;
    if (key === 'Enter' && first !== undefined) showToken(first);
  });
}

function foundText(typed: string, { ids, count }: Found, matchCase: boolean): string {
  if (typed === '') return '';
  const wanted = shortened(shownText(typedText(typed)));
  if (count === 0) {
    const hint = typed.trim() === typed ? '' : ' Spaces count.';
    return `No token has ${wanted} in its text${matchCase ? ', in this case' : ''}, or as its id.${hint}`;
  }
  const shown = ids.length < count ? `, the first ${ids.length} are shown` : '';
  return `${count.toLocaleString('en-US')} ${count === 1 ? 'token' : 'tokens'} found with ${wanted}${shown}. Enter takes the first.`;
}

function foundTable(tokens: NamedTokens, { ids }: Found) {
  return { columns: ['token_id', 'token'], rows: ids.map((id) => [id, savedName(tokens, id)]) };
}
