import { FixedProduct } from '../fixed-product.js';
import { onnxruntimeVersion } from '../onnxruntime.js';
import { OuterProducts } from '../outer-products.js';
import { Product } from '../product.js';
import type { Backend } from './backend.js';

const library = 'onnxruntime-node';
const version = onnxruntimeVersion();

/** Backend that npm alone brings: products by onnxruntime, eigenvectors by this package's own solver. */
export const portableBackend: Backend = {
  identity: { backend: 'portable', library, version, float32: `${library} ${version}` },
  choice: { backend: 'portable' },
  fixedProduct: (b, threads) => FixedProduct.create(b, threads),
  product: (threads) => Product.create(threads),
  outerProducts: (threads) => OuterProducts.create(threads),
  // Loaded where it is called: threads that multiply have no use for it.
  eigh: async (matrix, n, options) => (await import('../eigh/eigh.js')).eigh(matrix, n, options),
};
