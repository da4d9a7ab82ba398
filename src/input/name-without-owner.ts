import { InputError } from '../errors.js';

/** Owners of models that people still call by the names that they had before names had owners. */
const owners: Readonly<Record<string, string>> = {
  gpt2: 'openai-community',
  'gpt2-medium': 'openai-community',
  'gpt2-large': 'openai-community',
  'gpt2-xl': 'openai-community',
  'openai-gpt': 'openai-community',
  distilgpt2: 'distilbert',
  ctrl: 'Salesforce',
  't5-small': 'google-t5',
  't5-base': 'google-t5',
  't5-large': 'google-t5',
  'bert-base-uncased': 'google-bert',
  'bert-base-cased': 'google-bert',
  'roberta-base': 'FacebookAI',
  'roberta-large': 'FacebookAI',
};

/**
 * Adds to the error for a model that is not there how one of the hub is called, where it has a name without an owner.
 *
 * @param model what the user gave
 * @param error comes back as it is where the model is no such name, or not what is missing
 */
export function nameWithoutOwner(model: string, error: unknown): unknown {
  const [, name, revision = ''] = /^([\w][\w.-]*)(@.+)?$/.exec(model) ?? [];
  if (name === undefined || !(error instanceof InputError) || !isMissing(error.cause)) return error;
  const owner = Object.hasOwn(owners, name) ? owners[name] : undefined;
  const advice =
    owner === undefined
      ? 'a model of the hub is given as owner/name, as openai-community/gpt2'
      : `the model of the hub is ${owner}/${name}${revision}`;
  return new InputError(`${error.message}; or, as there is no owner in this name: ${advice}`, {
    cause: error.cause,
  });
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}
