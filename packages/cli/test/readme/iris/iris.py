from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.neural_network import MLPClassifier

x, y = load_iris(return_X_y=True)
x = x.astype("float32")
classifier = MLPClassifier([16], max_iter=2000, random_state=0).fit(x, y)

model = to_onnx(classifier, x[:1], options={"zipmap": False}, target_opset=17)
with open("iris.onnx", "wb") as file:
    file.write(model.SerializeToString())
