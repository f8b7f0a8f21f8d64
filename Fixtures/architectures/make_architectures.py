#!/usr/bin/env python3
"""Write what genuine Keras makes of the zoo's architectures.

    python make_architectures.py        (beside this file; needs keras 3, and tf_keras for the .k2 ones)

NAME.txt          one line per layer in the order of model.layers: name, output shape without the
                  batch (64x64x3), parameters, and for layers with weights its place in Keras 3's store
NAME.config.json  the model's configuration as Keras writes it into a weight file, without the
                  initializers, regularizers and constraints (which say nothing about inference)
"""
import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
from keras import applications as A
from keras.src.applications.nasnet import NASNet
from keras.src.utils.naming import to_snake_case

HERE = os.path.dirname(os.path.abspath(__file__))

NETWORKS = {
    "vgg16": lambda: A.VGG16(weights=None),
    "vgg19": lambda: A.VGG19(weights=None),
    "vgg16-notop-max-64x96": lambda: A.VGG16(
        weights=None, include_top=False, pooling="max", input_shape=(64, 96, 3)),
    "resnet50": lambda: A.ResNet50(weights=None),
    "resnet50-notop-max-97": lambda: A.ResNet50(
        weights=None, include_top=False, pooling="max", input_shape=(97, 97, 3)),
    "mobilenet": lambda: A.MobileNet(weights=None),
    "mobilenet-050-160": lambda: A.MobileNet(weights=None, alpha=0.5, input_shape=(160, 160, 3), classes=10),
    "mobilenet-035-notop-avg-129": lambda: A.MobileNet(
        weights=None, alpha=0.35, include_top=False, pooling="avg", input_shape=(129, 129, 1)),
    "nasnetmobile": lambda: A.NASNetMobile(weights=None),
    "nasnetmobile-225": lambda: A.NASNetMobile(weights=None, input_shape=(225, 225, 3)),
    "nasnetmobile-notop-avg-331x262": lambda: A.NASNetMobile(
        weights=None, include_top=False, pooling="avg", input_shape=(331, 262, 3)),
    "nasnet-narrow-skipping": lambda: NASNet(
        (96, 96, 3), penultimate_filters=192, num_blocks=1, stem_block_filters=8, skip_reduction=True,
        weights=None, classes=7, name="narrow"),
}
CONFIGURATIONS = ["vgg16", "resnet50", "mobilenet", "nasnet-narrow-skipping"]
SAYS_NOTHING = ("_initializer", "_regularizer", "_constraint")


def shape_text(layer):
    shape = layer.output.shape if not isinstance(layer.output, list) else layer.output[0].shape
    return "x".join(str(n) for n in shape[1:])


def lines(model):
    counts = {}
    for layer in model.layers:
        kind = to_snake_case(type(layer).__name__)
        ordinal = counts.get(kind, 0)
        counts[kind] = ordinal + 1
        line = f"{layer.name} {shape_text(layer)} {layer.count_params()}"
        yield line + (f" {kind}_{ordinal}" if layer.weights else "")


def stripped(value):
    if isinstance(value, dict):
        return {k: stripped(v) for k, v in value.items() if not k.endswith(SAYS_NOTHING)}
    return [stripped(v) for v in value] if isinstance(value, list) else value


def write_configuration(name, model):
    config = {"class_name": type(model).__name__, "config": json.loads(json.dumps(model.get_config()))}
    with open(os.path.join(HERE, f"{name}.config.json"), "w") as file:
        json.dump(stripped(config), file, separators=(",", ":"))
        file.write("\n")


def main():
    for name, build in NETWORKS.items():
        keras.backend.clear_session()  # the automatic names of a fresh session
        model = build()
        with open(os.path.join(HERE, f"{name}.txt"), "w") as file:
            file.writelines(line + "\n" for line in lines(model))
        if name in CONFIGURATIONS:
            write_configuration(name, model)
    import tf_keras

    tf_keras.backend.clear_session()
    write_configuration("resnet50.k2", tf_keras.applications.ResNet50(weights=None))


if __name__ == "__main__":
    main()
