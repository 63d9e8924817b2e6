"""Makes tumours.onnx, tumours.csv and tumours.json: a small network of scikit-learn's on its breast-cancer data (Wolberg
1995, CC BY 4.0), exported by skl2onnx, rows of the data, and what scikit-learn says of them. Run in this folder."""

import csv
import json

import numpy as np
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_breast_cancer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

data = load_breast_cancer()
x, y = data.data.astype(np.float32), data.target
model = make_pipeline(StandardScaler(), MLPClassifier((16, 8), max_iter=400, random_state=0)).fit(x, y)
onnx = convert_sklearn(
    model,
    initial_types=[("X", FloatTensorType([None, 30]))],
    options={id(model): {"zipmap": False}},
    target_opset=17,
)
with open("tumours.onnx", "wb") as file:
    file.write(onnx.SerializeToString())

rows = x[:24]
names = [str(name) for name in data.feature_names]
with open("tumours.csv", "w", newline="") as file:
    out = csv.writer(file)
    out.writerow(["patient", *names, "diagnosis"])
    for i, row in enumerate(rows):
        out.writerow([f"p{i}", *(repr(float(v)) for v in row), data.target_names[y[i]]])

# Of a network without biases on the way, relevance under epsilon = 0 is gradient times input: by hand, in float64.
scaler, mlp = model[0], model[1]
relevance = []
for row in rows.astype(np.float64):
    layers = [(row - scaler.mean_) / scaler.scale_]
    for w, b in zip(mlp.coefs_[:-1], mlp.intercepts_[:-1]):
        layers.append(np.maximum(layers[-1] @ w + b, 0))
    gradient = mlp.coefs_[-1][:, 0]
    for w, a in zip(reversed(mlp.coefs_[:-1]), reversed(layers[1:])):
        gradient = w @ (gradient * (a > 0))
    relevance.append((gradient / scaler.scale_ * row).tolist())
with open("tumours.json", "w") as file:
    json.dump({"probability": model.predict_proba(rows)[:, 1].tolist(), "gradientTimesInput": relevance}, file)
