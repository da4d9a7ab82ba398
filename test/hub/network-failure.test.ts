import test from 'ava';
import { RunError } from '../../src/errors.js';
import { networkFailure } from '../../src/hub/network-failure.js';
import { PassingFailure } from '../../src/hub/retry.js';

const url = new URL('https://hub.example/some/model');

/** What fetch throws where the system, or a library, says this. */
function failed(code: string | undefined, message = 'what it says'): TypeError {
  return new TypeError('fetch failed', {
    cause: Object.assign(new Error(message), code === undefined ? {} : { code }),
  });
}

const judged = (error: unknown, reached = false, proxyHint: string | null = null) =>
  networkFailure(error, url, { reached, proxyHint });

test('a certificate that is not accepted will not be the next time', (t) => {
  for (const code of [
    'CERT_HAS_EXPIRED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'HOSTNAME_MISMATCH',
    'INVALID_CA',
    'INVALID_PURPOSE',
    'PATH_LENGTH_EXCEEDED',
    'CRL_HAS_EXPIRED',
  ]) {
    for (const reached of [false, true]) {
      const error = judged(failed(code), reached);
      t.true(error instanceof RunError, code);
      t.regex(error.message, /^https:\/\/hub\.example: its certificate is not accepted: what it says \(/);
    }
  }
});

test('what is no server of that kind, or no address, is not asked again', (t) => {
  for (const code of ['ERR_SSL_WRONG_VERSION_NUMBER', 'EPROTO', 'HPE_INVALID_CONSTANT']) {
    const error = judged(failed(code));
    t.true(error instanceof RunError, code);
    t.regex(error.message, /what answers there is no https server: .*check HF_ENDPOINT$/);
    t.true(judged(failed(code), true) instanceof PassingFailure, 'a host that has answered may be disturbed');
  }
  for (const error of [
    failed('ERR_INVALID_URL'),
    failed(undefined, 'bad port'),
    new TypeError('no ByteString'),
    failed('UND_ERR_ABORTED', 'Proxy response (407) !== 200 when HTTP Tunneling'),
  ]) {
    t.true(judged(error) instanceof RunError);
    t.regex(judged(error).message, /^https:\/\/hub\.example: cannot be asked: /);
  }
});

test('a host that cannot be reached is not asked again, unless it has answered before', (t) => {
  for (const code of ['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH']) {
    t.true(judged(failed(code)) instanceof RunError, code);
    t.true(judged(failed(code), true) instanceof PassingFailure, code);
  }
  for (const code of ['ECONNRESET', 'ETIMEDOUT', 'UND_ERR_SOCKET', 'UND_ERR_CONNECT_TIMEOUT']) {
    t.true(judged(failed(code)) instanceof PassingFailure, code);
  }
});

test('a proxy is named where a host cannot be reached, and not where it has been', (t) => {
  // Without a code: what fetch says where the proxy refuses.
  for (const code of ['ENOTFOUND', 'UND_ERR_CONNECT_TIMEOUT', undefined]) {
    t.true(judged(failed(code), false, 'HINT').message.endsWith('; HINT'), String(code));
    t.false(judged(failed(code), true, 'HINT').message.includes('HINT'), String(code));
  }
});
