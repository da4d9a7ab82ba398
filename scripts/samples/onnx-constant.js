// Reads one constant of a model in ONNX's format, which is protobuf: as much of it as that takes, and nothing runs.

/** Numbers of the fields, of onnx/onnx.proto (ModelProto, GraphProto, NodeProto, AttributeProto, TensorProto). */
const MODEL_GRAPH = 7;
const GRAPH_NODE = 1;
const NODE_OUTPUT = 2;
const NODE_ATTRIBUTE = 5;
const ATTRIBUTE_TENSOR = 5;
const TENSOR_DIMENSIONS = 1;
const TENSOR_TYPE = 2;
const TENSOR_RAW_DATA = 9;
const FLOAT = 1;

/**
 * Reads a constant that a node gives.
 *
 * @param bytes of the model
 * @param name of the node's output
 * @param shape that it must have
 * @returns Float32Array, row-major
 */
export function readConstant(bytes, name, shape) {
  for (const node of messages(only(bytes, MODEL_GRAPH), GRAPH_NODE)) {
    if (only(node, NODE_OUTPUT)?.toString('utf8') !== name) continue;
    const tensor = only(only(node, NODE_ATTRIBUTE), ATTRIBUTE_TENSOR);
    const dimensions = [...fields(tensor)].filter(({ field }) => field === TENSOR_DIMENSIONS);
    const found = dimensions.map(({ value }) => value);
    const [type] = [...fields(tensor)].filter(({ field }) => field === TENSOR_TYPE);
    if (String(found) !== String(shape) || type?.value !== FLOAT)
      throw new Error(`${name}: expected float32 [${shape}], found [${found}] of type ${type?.value}`);
    const raw = only(tensor, TENSOR_RAW_DATA);
    return new Float32Array(Uint8Array.from(raw).buffer);
  }
  throw new Error(`the model holds no constant ${name}`);
}

/** The only message of a field; undefined where there is none. */
function only(bytes, field) {
  return messages(bytes, field)[0];
}

function messages(bytes, wanted) {
  return [...fields(bytes)].filter(({ field }) => field === wanted).map(({ value }) => value);
}

/** Fields of a message: numbers, and stretches of bytes. */
function* fields(bytes) {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      value += (byte % 128) * scale;
      if (!(byte >= 128)) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const [field, wire] = [Math.floor(key / 8), key % 8];
    if (wire === 0) yield { field, value: varint() };
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === 2) {
      const length = varint();
      yield { field, value: bytes.subarray(at, at + length) };
      at += length;
    } else throw new Error(`no message of ONNX: wire type ${wire}`);
  }
}
