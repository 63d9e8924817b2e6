"""Small models of scikit-learn, exported by skl2onnx, and what scikit-learn says of two samples: the answer, and
x · dz/dx of the best class by central differences in float64. Run in this folder; written with scikit-learn 1.9, skl2onnx 1.20."""

import json

import numpy as np
import onnx
from skl2onnx import to_onnx
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Perceptron, PoissonRegressor, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, Normalizer, PolynomialFeatures, RobustScaler, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC

iris, species = load_iris(return_X_y=True)
names = np.array(["setosa", "versicolor", "virginica"])[species]
tumours, kinds = load_breast_cancer(return_X_y=True)
tumours, kinds = tumours[::8, :10], kinds[::8]
patients, progress = load_diabetes(return_X_y=True)
patients, progress = patients[::12], progress[::12]
expected = {}


def network(model, x):
    """The logits of a multilayer perceptron, without its response function."""
    for i, (w, b) in enumerate(zip(model.coefs_, model.intercepts_)):
        x = x @ w + b
        if i < len(model.coefs_) - 1:
            x = np.maximum(x, 0)
    return x


def logits(model, x):
    """What is explained, [samples, classes], in float64."""
    if hasattr(model, "steps"):
        for _, step in model.steps[:-1]:
            x = step.transform(x)
        model = model.steps[-1][1]
    if isinstance(model, (MLPClassifier, MLPRegressor)):
        z = network(model, x)
    elif hasattr(model, "decision_function"):
        z = model.decision_function(x)
    elif isinstance(model, PoissonRegressor):
        z = x @ model.coef_ + model.intercept_
    else:
        z = model.predict(x)
    z = z.reshape(len(x), -1)
    is_binary = hasattr(model, "classes_") and z.shape[1] == 1
    return np.concatenate([-z, z], 1) if is_binary else z


def save(name, model, x, y, zipmap=None, refused=False):
    x = x.astype(np.float32).astype(np.float64)
    model.fit(x, y)
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    options = None if zipmap is None else {id(last): {"zipmap": zipmap}}
    onnx.save(to_onnx(model, x[:1].astype(np.float32), options=options), f"{name}.onnx")
    if refused:
        return
    rows = x[[1, len(x) // 2]]
    z = logits(model, rows)
    best = z.argmax(1)
    products = []
    for row, k in zip(rows, best):
        steps = np.diag(np.maximum(np.abs(row), 1e-3) * 1e-5)
        slope = [(logits(model, row[None] + s)[0, k] - logits(model, row[None] - s)[0, k]) / (2 * s.max()) for s in steps]
        products.append((row * slope).tolist())
    answers = model.predict_proba(rows) if hasattr(model, "predict_proba") else None
    expected[name] = {
        "x": rows.tolist(),
        "logits": z.tolist(),
        "probabilities": None if answers is None else answers.tolist(),
        "best": best.tolist(),
        "inputXGradient": products,
    }


seed = {"random_state": 0}
save("logistic", make_pipeline(StandardScaler(), LogisticRegression()), tumours, kinds, False)
save("logistic-dictionary", make_pipeline(StandardScaler(), LogisticRegression()), tumours, kinds)
save("softmax-names", LogisticRegression(), iris, names)
save("one-vs-rest", OneVsRestClassifier(LogisticRegression()), iris, species)
save("ridge", make_pipeline(MinMaxScaler(), Ridge()), patients, progress)
save("two-values", LinearRegression(), patients, np.c_[progress, -2 * progress])
save("linear-svc", LinearSVC(**seed), iris, names)
save("svr", SVR(kernel="linear", C=100), patients, progress)
save("imputed-network", make_pipeline(SimpleImputer(), StandardScaler(), MLPClassifier((8,), max_iter=400, **seed)), tumours, kinds, False)
save("named-network", make_pipeline(Normalizer("l2"), MLPClassifier((8,), max_iter=400, **seed)), iris, names)
save("regression-network", make_pipeline(RobustScaler(), MLPRegressor(hidden_layer_sizes=(8,), max_iter=400, **seed)), patients, progress)
save("components", make_pipeline(PCA(3), LogisticRegression()), iris, species + 1, False)
save("polynomial", make_pipeline(PolynomialFeatures(2), StandardScaler(), LogisticRegression()), iris, species, False)
save("perceptron", Perceptron(**seed), iris, species)
save("poisson", PoissonRegressor(), patients, progress)
save("forest", RandomForestClassifier(3, max_depth=2, **seed), iris, species, refused=True)
save("radial-svr", SVR(), patients[:8], progress[:8], refused=True)
save("fitted-svc", SVC(kernel="linear", probability=True, **seed), iris[::5], species[::5], refused=True)
# Its two scores are d and -d, where d > 0 means the second class.
save("two-class-svc", SVC(kernel="linear"), iris[50::5, :3], species[50::5], refused=True)
with open("expected.json", "w") as file:
    json.dump(expected, file)
    file.write("\n")
