/** VGG-16 with random weights, the same on every machine. */
export async function randomVgg16() {
  const { recognizeNet } = await import("@relprop/core/zoo");
  const widths = [64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0];
  const tensors = new Map();
  const add = (name, dims, scale) => {
    const data = new Float32Array(dims.reduce((a, n) => a * n, 1));
    let state = tensors.size + 1;
    for (let i = 0; i < data.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      data[i] = (state / 2 ** 31 - 1) * scale;
    }
    tensors.set(name, { dataType: "float32", dims, bytes: new Uint8Array(data.buffer) });
  };
  let [channels, index] = [3, 0];
  for (const width of widths) {
    if (width) {
      add(`features.${index}.weight`, [width, channels, 3, 3], Math.sqrt(6 / (9 * channels)));
      add(`features.${index}.bias`, [width], 0.05);
      channels = width;
    }
    index += width ? 2 : 1;
  }
  for (const [i, [outputs, inputs]] of Object.entries({
    0: [4096, 25088],
    3: [4096, 4096],
    6: [1000, 4096],
  })) {
    add(`classifier.${i}.weight`, [outputs, inputs], Math.sqrt(6 / inputs));
    add(`classifier.${i}.bias`, [outputs], 0.05);
  }
  return recognizeNet(tensors).build();
}
