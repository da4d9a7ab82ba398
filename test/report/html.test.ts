import test from 'ava';
import { Html, html, scriptJson } from '../../src/report/html.js';

test('what is inserted is escaped, for text and for quoted attributes', (t) => {
  t.is(html`<a title="${'"\'&'}">${'<b>'}${1}</a>`.text, '<a title="&#34;&#39;&#38;">&#60;b&#62;1</a>');
});

test('HTML is inserted as it is, a list of it one after the other', (t) => {
  t.is(html`<ul>${[new Html('<li>a'), html`<li>${'<'}`]}</ul>`.text, '<ul><li>a<li>&#60;</ul>');
});

test('JSON cannot end the script element that holds it', (t) => {
  const value = { text: '</script><!--' };
  const { text } = scriptJson(value);
  t.false(text.includes('<'));
  t.deepEqual(JSON.parse(text), value);
});
