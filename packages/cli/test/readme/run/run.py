import numpy
import onnxruntime

session = onnxruntime.InferenceSession("net.lrp.onnx")
image = numpy.random.rand(4, 3, 64, 64).astype("float32")  # your preprocessed pictures
logits, relevance = session.run(["logits", "relevance"], {"image": image})
print(relevance.shape)  # (4, 64, 64)
