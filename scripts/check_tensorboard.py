#!/usr/bin/env python3
"""Trains a run and a population and reads their event files with TensorBoard's own reader.

    pip install tensorboard
    scripts/check_tensorboard.py target/release/softq

Every number must be the one in metrics.jsonl, at the same step, and the hparams page must know the settings and the end.
"""

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from tensorboard import version
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

SMALL = (
    "train cartpole --device cpu --quiet --total-timesteps 4096 --learning-starts 256 --log-frequency 256 --eval-frequency 1024 "
    "--eval-episodes 4 --hidden 16"
)


def read(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    return events


def told(run: Path, agent: int | None) -> dict:
    """The numbers of metrics.jsonl by name: [(step, value)]."""
    numbers = defaultdict(list)
    for line in (run / "metrics.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row.pop("agent", None) == agent:
            step = row.pop("global_step")
            for name, value in row.items():
                numbers[name].append((step, value))
    return numbers


def compare(run: Path, folder: Path, agent: int | None) -> int:
    events, compared = read(folder), 0
    for name, expected in told(run, agent).items():
        found = [(event.step, event.value) for event in events.Scalars(name)]
        assert [step for step, _ in found] == [step for step, _ in expected], name
        for (step, value), (_, want) in zip(found, expected):
            assert abs(value - want) <= 1e-6 * max(1, abs(want)), (name, step, value, want)
        compared += len(found)
    for name in ("charts/episodic_return", "rollout/ep_rew_mean", "eval/mean_reward", "train/ent_coef", "time/fps"):
        assert name in events.Tags()["scalars"], name
    return compared


def settings(folder: Path) -> dict:
    content = read(folder).PluginTagToContent("hparams")
    start = metadata.parse_session_start_info_plugin_data(content["_hparams_/session_start_info"])
    end = metadata.parse_session_end_info_plugin_data(content["_hparams_/session_end_info"])
    assert end.status == 1 and end.end_time_secs >= start.start_time_secs > 1.6e9
    return {name: getattr(value, value.WhichOneof("kind")) for name, value in start.hparams.items()}


def main() -> None:
    softq = sys.argv[1] if len(sys.argv) > 1 else "softq"
    with tempfile.TemporaryDirectory() as folder:
        run, population = Path(folder) / "run", Path(folder) / "population"
        subprocess.run([softq, *SMALL.split(), "--run-dir", run], check=True, stdout=subprocess.DEVNULL)
        sweep = "--agents 4 --sweep learning_rate=3e-3,1e-3".split()
        subprocess.run([softq, *SMALL.split(), *sweep, "--run-dir", population], check=True, stdout=subprocess.DEVNULL)
        print(f"tensorboard {version.VERSION}")
        print(f"one run: {compare(run, run / 'tensorboard', None)} numbers as in metrics.jsonl")
        known = settings(run / "tensorboard")
        assert known["env"] == "CartPole-v1" and known["algo"] == "sqn" and known["seed"] == 0 and known["learning_starts"] == 256
        experiment = read(run / "tensorboard").PluginTagToContent("hparams")["_hparams_/experiment"]
        experiment = metadata.parse_experiment_plugin_data(experiment)
        assert {info.name for info in experiment.hparam_infos} == set(known)
        numbers = compare(population, population / "tensorboard", None)
        rates = []
        for agent in range(4):
            own = population / "tensorboard" / f"agent_{agent:02}"
            numbers += compare(population, own, agent)
            rates.append(settings(own)["learning_rate"])
        assert rates == [3e-3, 1e-3, 3e-3, 1e-3], rates
        print(f"a population of 4: {numbers} numbers, settings of each agent")


if __name__ == "__main__":
    main()
