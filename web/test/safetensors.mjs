// Tensors and metadata of a safetensors file.

export function parse(bytes) {
  const length = Number(bytes.readBigUInt64LE(0));
  const { __metadata__: metadata, ...tensors } = JSON.parse(bytes.subarray(8, 8 + length).toString());
  const data = bytes.subarray(8 + length);
  const words = Object.entries(tensors).map(([name, { dtype, shape, data_offsets: [from, to] }]) =>
    [name, { dtype, shape, bytes: data.subarray(from, to) }]);
  return { metadata, tensors: Object.fromEntries(words.sort(([a], [b]) => (a < b ? -1 : 1))) };
}
