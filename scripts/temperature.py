#!/usr/bin/env python3
"""What a soft-optimal policy costs: its discounted return on FrozenLake, softmax and greedy, by the temperature.

python scripts/temperature.py [SOFTQ]   needs numpy; SOFTQ is the program, by default the one on the PATH
"""
import json
import subprocess
import sys

import numpy as np

MAP = "SFFFFHFHFFFHHFFG"
GAMMA = 0.99


def step(state, action):
    row, column = divmod(state, 4)
    if action == 0:
        column = max(column - 1, 0)
    elif action == 1:
        row = min(row + 1, 3)
    elif action == 2:
        column = min(column + 1, 3)
    else:
        row = max(row - 1, 0)
    return 4 * row + column


def value(policy):
    """Discounted return from the start, by the linear equations of the policy: each action slips to both sides."""
    transition, reward = np.zeros((16, 16)), np.zeros(16)
    for state in range(16):
        if MAP[state] in "HG":
            continue
        for action in range(4):
            for slip in (-1, 0, 1):
                after = step(state, (action + slip) % 4)
                chance = policy[state][action] / 3
                reward[state] += chance * (MAP[after] == "G")
                transition[state, after] += chance * (MAP[after] not in "HG")
    return np.linalg.solve(np.eye(16) - GAMMA * transition, reward)[0]


program = sys.argv[1] if len(sys.argv) > 1 else "softq"
print("| alpha | soft value of the start | return of the softmax policy | of its argmax |\n|---|---|---|---|")
for alpha in ["0", "0.001", "0.003", "0.01", "0.03", "0.1", "0.3", "1"]:
    line = [program, "solve", "frozenlake", "--device", "cpu", "--alpha", alpha, "--gamma", str(GAMMA), "--json"]
    solved = json.loads(subprocess.run(line, capture_output=True, check=True, text=True).stdout)
    policy = np.full((16, 4), 0.25)
    for state in solved["states"]:
        policy[state["observation"]] = state["policy"]
    greedy = np.eye(4)[policy.argmax(1)]
    print(f"| {alpha} | {solved['start_value']:.4f} | {value(policy):.4f} | {value(greedy):.4f} |")
