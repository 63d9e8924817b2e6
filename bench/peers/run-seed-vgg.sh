#!/usr/bin/env bash
# Explains a photo with random VGG-16 weights from each of torch's containers and compares with the seed's method.
# Installs torch into .venv if python3 has none. Needs about 1.2 GB of disk while it runs.
set -euo pipefail
cd "$(dirname "$0")/../.."

python=python3
if ! python3 -c 'import torch, numpy, PIL' 2>/dev/null; then
  if ! python3 -c 'import ensurepip' 2>/dev/null; then apt-get update -q && apt-get install -qy python3-venv; fi
  [ -x .venv/bin/python ] || python3 -m venv .venv
  .venv/bin/pip install --quiet torch==2.13.0 numpy pillow
  python=.venv/bin/python
fi

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
$python bench/peers/seed_vgg.py checkpoints "$work"
for container in legacy zip; do
  for keep in 0 0.02; do
    out="$work/$container-$keep"
    npx --no-install relprop explain examples/photos/coffee.png --model "$work/vgg16-$container.pth" \
      -k "$keep" -o "$out" --save npy --quiet
    $python bench/peers/seed_vgg.py compare "$work" "$out/coffee.picture.png" "$out"/coffee*.npy "$keep"
  done
done
