/** Σ a·b / (|a|·|b|) of two maps: 1 if they are equal up to a positive factor; 0 if one of them is all zero. Unitless. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let product = 0;
  let squaresA = 0;
  let squaresB = 0;
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] ?? 0, b[i] ?? 0];
    product += x * y;
    squaresA += x * x;
    squaresB += y * y;
  }
  return product === 0 ? 0 : product / Math.sqrt(squaresA * squaresB);
}
