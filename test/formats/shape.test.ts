import test from 'ava';
import { elementCount, shapeText } from '../../src/formats/shape.js';

test('elements are the product of the dimensions', (t) => {
  t.is(elementCount([]), 1);
  t.is(elementCount([3, 4]), 12);
  t.is(elementCount([3, 0]), 0);
});

test('an overflow is found, also where a zero would hide it', (t) => {
  t.is(elementCount([2 ** 30, 2 ** 30]), null);
  t.is(elementCount([2 ** 52, 4, 0]), null);
  t.is(elementCount([0, 2 ** 52, 4]), null);
});

test('only whole numbers from 0 are dimensions', (t) => {
  for (const wrong of [-1, 0.5, Number.NaN, '2', null]) t.is(elementCount([wrong]), null);
});

test('a shape is written as a person would', (t) => {
  t.is(shapeText([512, 64]), '512 x 64');
  t.is(shapeText([]), 'a scalar');
});
