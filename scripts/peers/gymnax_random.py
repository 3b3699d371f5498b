#!/usr/bin/env python3
"""Random play in gymnax, to be run beside `softq rollout`.

  python3 scripts/peers/gymnax_random.py Breakout-MinAtar --envs 4096 --steps 200    # prints one line of JSON

Needs `pip install jax gymnax six gym matplotlib seaborn` (measured with gymnax 0.0.9 and 1.0.1 and jax 0.10 on Python 3.11). Uniformly random
actions in all environments, gymnax's own autoreset, one jitted scan over the steps whose results are the sums of rewards and of ends;
compilation is not counted.
"""
import argparse
import functools
import json
import statistics
import time

import gymnax
import jax


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("env", help="gymnax's name, e.g. Breakout-MinAtar")
    parser.add_argument("--envs", type=int, default=4096)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--reps", type=int, default=3)
    args = parser.parse_args()
    env, params = gymnax.make(args.env)
    space = env.action_space(params)

    def play(key):
        key, for_reset = jax.random.split(key)
        _, state = jax.vmap(env.reset, in_axes=(0, None))(jax.random.split(for_reset, args.envs), params)

        def step(carry, _):
            state, key = carry
            key, for_action, for_step = jax.random.split(key, 3)
            if hasattr(space, "n"):
                action = jax.random.randint(for_action, (args.envs,), 0, space.n)
            else:
                action = jax.random.uniform(for_action, (args.envs, *space.shape), minval=space.low, maxval=space.high)
            keys = jax.random.split(for_step, args.envs)
            # One flag that the episode is over, or as of gymnax 1.0 two.
            _, state, reward, *ended, _ = jax.vmap(env.step, in_axes=(0, 0, 0, None))(keys, state, action, params)
            done = functools.reduce(jax.numpy.logical_or, ended)
            return (state, key), (reward.sum(), done.sum())

        _, (rewards, ends) = jax.lax.scan(step, (state, key), None, args.steps)
        return rewards.sum(), ends.sum()

    run = jax.jit(play).lower(jax.random.PRNGKey(0)).compile()
    seconds = []
    for rep in range(args.reps):
        begin = time.perf_counter()
        rewards, ends = jax.block_until_ready(run(jax.random.PRNGKey(rep)))
        seconds.append(time.perf_counter() - begin)
    steps = args.envs * args.steps
    row = {
        "env": args.env,
        "envs": args.envs,
        "steps": args.steps,
        "steps_per_s": {"best": steps / min(seconds), "median": steps / statistics.median(seconds)},
        "reward_per_step": float(rewards) / steps,
        "ends_per_step": float(ends) / steps,
        "jax": jax.__version__,
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main()
