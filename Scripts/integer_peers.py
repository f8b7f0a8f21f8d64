#!/usr/bin/env python3
"""Networks with activations of 8 bits: this engine beside ONNX Runtime and OpenVINO, in turn.

    pip install tensorflow keras tf2onnx onnxruntime sympy openvino nncf
    python Scripts/engines.py prepare FOLDER resnet50 mobilenet vgg16 nasnetmobile
    python Scripts/integer_peers.py .build/release/zoo FOLDER NAME... [--rounds 5] [--seconds 3]

ONNX Runtime quantizes statically (QDQ, weights per channel, activations without a sign), OpenVINO by NNCF, both on eight
made pictures; ours needs none. Weights are random, so that limits on errors are lifted. Prints the medians of all rounds
in milliseconds of an image, on one thread and on two, in 8 bits and for ours also in 32-bit floats, and the best peer's
time over ours.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np

SHAPE = (1, 224, 224, 3)


def pictures():
    """Rectangles over each other, as networks expect them: between -1 and 1."""
    random = np.random.default_rng(3)
    for _ in range(8):
        picture = np.zeros(SHAPE, np.float32)
        for _ in range(200):
            y, x = random.integers(0, 200, 2)
            height, width = random.integers(8, 120, 2)
            picture[0, y:y + height, x:x + width] = random.uniform(-1, 1, 3)
        yield picture


def prepare_onnxruntime(base):
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process
    import onnxruntime

    target = base + ".int8.onnx"
    if os.path.exists(target):
        return
    name = onnxruntime.InferenceSession(base + ".onnx").get_inputs()[0].name

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.pictures = pictures()

        def get_next(self):
            picture = next(self.pictures, None)
            return None if picture is None else {name: picture}

    quant_pre_process(base + ".onnx", base + ".pre.onnx")
    quantize_static(base + ".pre.onnx", target, Reader(), quant_format=QuantFormat.QDQ, per_channel=True,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)


def prepare_openvino(base):
    import nncf
    import openvino

    target = base + ".int8.xml"
    if os.path.exists(target):
        return
    model = openvino.Core().read_model(base + ".xml")
    model.reshape(list(SHAPE))
    openvino.save_model(nncf.quantize(model, nncf.Dataset(list(pictures()))), target)


def prepare_ours(zoo, base):
    for options, target in (([], ".f32.zoo"), (["--activations", "int8", "--output-error", "1e9", "--largest-error",
                                                "1e9"], ".int8.zoo")):
        if not os.path.exists(base + target):
            subprocess.run([zoo, "convert", base + ".keras", "-o", base + target, "--no-verify", "-q"] + options,
                           check=True)


def run_peer(engine, base, threads, seconds):
    x = next(pictures())
    if engine == "onnxruntime":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(base + ".int8.onnx", options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        run = lambda: session.run(None, {name: x})
    else:
        import openvino
        import openvino.properties as properties
        import openvino.properties.hint as hint

        core = openvino.Core()
        compiled = core.compile_model(
            core.read_model(base + ".int8.xml"), "CPU",
            {properties.inference_num_threads(): threads, hint.performance_mode(): hint.PerformanceMode.LATENCY})
        request = compiled.create_infer_request()
        run = lambda: request.infer([x])
    for _ in range(5):
        run()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    print(json.dumps(statistics.median(times) * 1000))


def measured(arguments):
    return float(subprocess.run(arguments, check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1])


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "peer":
        return run_peer(sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("zoo")
    parser.add_argument("folder")
    parser.add_argument("names", nargs="+")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    o = parser.parse_args()
    print("| network | threads | ours, f32 | ours | ONNX Runtime | OpenVINO | best peer / ours |\n|---|---|---|---|---|---|---|")
    for name in o.names:
        base = os.path.join(o.folder, name)
        prepare_ours(o.zoo, base)
        prepare_onnxruntime(base)
        prepare_openvino(base)
        for threads in (1, 2):
            def ours(kind):
                text = subprocess.run(
                    [o.zoo, "bench", f"{base}.{kind}.zoo", "--threads", str(threads), "--seconds", str(o.seconds),
                     "--json"], check=True, capture_output=True, text=True).stdout
                return json.loads(text)["median_ms"]

            def peer(engine):
                return measured([sys.executable, __file__, "peer", engine, base, str(threads), str(o.seconds)])

            times = {"f32": [], "int8": [], "onnxruntime": [], "openvino": []}
            for _ in range(o.rounds):
                for kind in ("f32", "int8"):
                    times[kind].append(ours(kind))
                for engine in ("onnxruntime", "openvino"):
                    times[engine].append(peer(engine))
            medians = {key: statistics.median(values) for key, values in times.items()}
            best = min(medians["onnxruntime"], medians["openvino"])
            row = " | ".join(f"{medians[key]:.1f}" for key in ("f32", "int8", "onnxruntime", "openvino"))
            print(f"| {name} | {threads} | {row} | {best / medians['int8']:.2f} |", flush=True)


if __name__ == "__main__":
    main()
