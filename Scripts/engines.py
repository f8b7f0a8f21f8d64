#!/usr/bin/env python3
"""The engines that users would pick instead, on the same networks: for `make bench`.

    python engines.py prepare DIR [NAME...]           makes what is missing: DIR/NAME.keras with random
                                                      weights, and of that .onnx, .tflite and OpenVINO's .xml
    python engines.py has ENGINE                      whether it is installed
    python engines.py bench DIR NAME ENGINE [--threads N] [--batch N] [--seconds S]
    python engines.py run DIR NAME ENGINE [--threads N]    one prediction

ENGINE: onnxruntime, openvino, ai_edge_litert. All compute in float32. `bench` prints JSON with the median
milliseconds of a batch. To prepare takes tensorflow, keras, tf2onnx and openvino.
"""
import argparse
import importlib.util
import json
import os
import runpy
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np

NETWORKS = {
    "vgg16": "VGG16", "vgg19": "VGG19", "resnet50": "ResNet50", "mobilenet": "MobileNet",
    "nasnetmobile": "NASNetMobile", "mobilenetv2": "MobileNetV2", "densenet121": "DenseNet121",
    "efficientnetb0": "EfficientNetB0", "mobilenetv3large": "MobileNetV3Large", "efficientnetv2b0": "EfficientNetV2B0",
    "inceptionv3": "InceptionV3", "xception": "Xception", "convnexttiny": "ConvNeXtTiny",
}


def image_shape(name):
    side = 299 if name in ("inceptionv3", "xception") else 224
    return (side, side, 3)


def make(path, name):
    """A network of keras.applications with random weights and statistics that change something."""
    import keras

    keras.utils.set_random_seed(1)
    model = getattr(keras.applications, NETWORKS[name])(weights=None)
    random = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            for weight in layer.weights:  # not all layers have all four
                is_factor = weight.name in ("gamma", "moving_variance")
                values = random.uniform(0.7, 1.3, weight.shape) if is_factor else random.normal(0, 0.1, weight.shape)
                weight.assign(values)
    model.save(path)


def prepare(directory, name):
    import keras

    base = os.path.join(directory, name)
    source = next((base + end for end in (".keras", ".h5") if os.path.exists(base + end)), base + ".keras")
    if not os.path.exists(source):
        make(source, name)
    exports = {".tflite": to_litert, ".xml": to_openvino, ".onnx": to_onnx}
    missing = [end for end in exports if not os.path.exists(base + end)]
    if not missing:
        return
    saved = base + ".savedmodel"
    keras.models.load_model(source, compile=False).export(saved, verbose=False)
    for end in missing:
        try:
            exports[end](saved, base + end)
        except Exception as error:  # the other engines don't care
            print(f"{base + end} can't be made: {error}", file=sys.stderr)


def to_litert(saved, path):
    import tensorflow as tf

    model = tf.lite.TFLiteConverter.from_saved_model(saved).convert()
    with open(path, "wb") as file:
        file.write(model)


def to_openvino(saved, path):
    import openvino

    openvino.save_model(openvino.convert_model(saved), path, compress_to_fp16=False)


def to_onnx(saved, path):
    weights = os.path.join(saved, "variables")
    if sum(os.path.getsize(os.path.join(weights, name)) for name in os.listdir(weights)) > 400_000_000:
        raise ValueError("tf2onnx takes too long for so many weights; another exporter's file can be put there")
    np.product = getattr(np, "product", np.prod)  # tf2onnx still calls the old name
    sys.argv = ["tf2onnx", "--saved-model", saved, "--opset", "17", "--output", path]
    runpy.run_module("tf2onnx.convert", run_name="__main__")


def network(engine, base, threads, shape):
    """A function from an input batch to the output."""
    if engine == "onnxruntime":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(base + ".onnx", options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return lambda x: session.run(None, {name: x})[0]
    if engine == "openvino":
        import openvino

        core = openvino.Core()
        model = core.read_model(base + ".xml")
        model.reshape(list(shape))
        request = core.compile_model(model, "CPU", {
            "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY",
        }).create_infer_request()
        return lambda x: request.infer([x])[0]
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(base + ".tflite", num_threads=threads)
    source = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(source, list(shape))
    interpreter.allocate_tensors()
    sink = interpreter.get_output_details()[0]["index"]

    def run(x):
        interpreter.set_tensor(source, x)
        interpreter.invoke()
        return interpreter.get_tensor(sink)

    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("prepare")
    command.add_argument("directory")
    command.add_argument("names", nargs="*", default=list(NETWORKS))
    commands.add_parser("has").add_argument("engine")
    for name in ("bench", "run"):
        command = commands.add_parser(name)
        command.add_argument("directory")
        command.add_argument("name")
        command.add_argument("engine")
        command.add_argument("--threads", type=int, default=1)
        command.add_argument("--batch", type=int, default=1)
        command.add_argument("--seconds", type=float, default=2)
    options = parser.parse_args()
    if options.command == "prepare":
        os.makedirs(options.directory, exist_ok=True)
        for name in options.names:
            prepare(options.directory, name)
        return
    if options.command == "has":
        sys.exit(importlib.util.find_spec(options.engine) is None)
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    shape = (options.batch,) + image_shape(options.name)
    x = np.random.default_rng(0).normal(0, 1, shape).astype("float32")
    run = network(options.engine, os.path.join(options.directory, options.name), options.threads, shape)
    run(x)
    if options.command == "run":
        return
    times, end = [], time.perf_counter() + options.seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        run(x)
        times.append((time.perf_counter() - start) * 1e3)
    print(json.dumps({"median_ms": statistics.median(times)}))


if __name__ == "__main__":
    main()
