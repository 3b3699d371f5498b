#!/usr/bin/env python3
"""Exports an agent of every kind of network and runs the files in onnxruntime, against the engine's own answers.

    pip install onnx onnxruntime safetensors numpy
    scripts/check_onnx.py target/release/softq

Each agent is trained for a few updates, so that no weight is one of initialisation alone. `softq export --samples` writes 1,024
observations with what the engine answers; onnxruntime must give the same to 1e-5 of the largest value of the output, or of 1.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import load_file

BOUND = 1e-5

SHORT = "--total-timesteps 256 --learning-starts 64 --eval-episodes 2 --num-envs 4 --batch-size 8 --buffer-size 256"

KINDS = {
    "perceptron": "cartpole --hidden 64,64",
    "tanh": "cartpole --hidden 64,64 --activation tanh",
    "silu": "cartpole --hidden 64,64 --activation silu",
    "layer norm": "cartpole --hidden 64,64 --layer-norm true",
    "dueling": "cartpole --algo dqn --hidden 64,64 --dueling true",
    "action as input": "acrobot --algo soft_q --hidden 64,64 --action-input true",
    "rescaled observations": "mountain_car --hidden 64,64 --env-param rescale_observations=true",
    "logits of a policy": "cartpole --algo sac_discrete --hidden 64,64",
    "convolution (MinAtar)": "breakout --algo dqn --network minatar",
    "convolution, layer norm, silu": "breakout --network minatar --layer-norm true --activation silu",
    "convolution, dueling": "catch --algo dqn --network minatar --dueling true",
    "three convolutions (Nature)": "catch_pixels --algo dqn --network nature",
    "several heads": "tray --hidden 64,64",
    "several heads, dueling": "tray --hidden 64,64 --dueling true",
    "branching heads": "tray --hidden 64,64 --action-heads branching",
    "tanh-Gaussian, squashed": "pendulum --algo sac --hidden 64,64",
    "tanh-Gaussian, clamped": "reacher --algo sac --hidden 64,64 --log-std clamped",
    "sampling network": "multi_goal --algo soft_q_svgd --hidden 64,64",
}


def check(softq: str, arguments: str, folder: Path) -> tuple[float, int]:
    run, samples = folder / "run", folder / "samples.safetensors"
    device = ["--device", "cpu", "--quiet", "--run-dir", str(run)]
    subprocess.run([softq, "train", *arguments.split(), *SHORT.split(), *device], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([softq, "export", str(run), "--samples", str(samples)], check=True, stdout=subprocess.DEVNULL)
    file = run / "model.onnx"
    onnx.checker.check_model(str(file), full_check=True)
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    tensors = load_file(samples)
    inputs = {port.name: tensors[port.name] for port in session.get_inputs()}
    names = [port.name for port in session.get_outputs()]
    outputs = dict(zip(names, session.run(names, inputs)))
    worst = 0.0
    for name, value in outputs.items():
        want = tensors[name]
        assert value.shape == want.shape, (name, value.shape, want.shape)
        if value.dtype == np.int64:
            # Another action is right only where the two values are equal but for rounding.
            values = tensors.get("q_values", tensors.get("logits"))
            ordered = np.sort(values, axis=-1)
            other = (value != want).reshape(len(want), -1).any(axis=1)
            if value.ndim == 1:
                gap = ordered[:, -1] - ordered[:, -2]
                assert (gap[other] <= 2 * BOUND * max(1, np.abs(values).max())).all(), name
            else:
                assert other.mean() < 0.01, name
            continue
        worst = max(worst, float(np.abs(value - want).max() / max(1, np.abs(want).max())))
    # A single observation, and any other number of them.
    for rows in (1, 3):
        few = session.run(names, {name: value[:rows] for name, value in inputs.items()})
        assert all(len(value) == rows for value in few)
    assert worst <= BOUND, f"{arguments}: {worst}"
    return worst, len(tensors["observation"])


def weights(softq: str, folder: Path) -> None:
    run = folder / "run"
    line = f"train cartpole --hidden 8 {SHORT} --device cpu --quiet --run-dir {run}"
    subprocess.run([softq, *line.split()], check=True, stdout=subprocess.DEVNULL)
    # The three lines of docs/tutorial.md.
    from safetensors.numpy import load_file
    weights = load_file(f"{run}/model.safetensors")
    first, bias = weights["q0.layer0.weight"], weights["q0.layer0.bias"]
    assert first.shape == (4, 8) and bias.shape == (8,) and np.isfinite(first).all()


def main() -> None:
    softq = sys.argv[1] if len(sys.argv) > 1 else "softq"
    print(f"onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}, numpy {np.__version__}")
    for kind, arguments in KINDS.items():
        with tempfile.TemporaryDirectory() as folder:
            worst, observations = check(softq, arguments, Path(folder))
        print(f"{kind:32} {observations} observations, largest difference {worst:.1e}")
    with tempfile.TemporaryDirectory() as folder:
        weights(softq, Path(folder))
    print("weights in three lines: ok")


if __name__ == "__main__":
    main()
