#!/usr/bin/env python3
"""The workload of docs/performance.md in plain JAX: a Soft Q-Network on CartPole-v1, to be run beside softq.

  python3 scripts/peers/jax_sqn.py --agents 8 --iters 20000     # prints one line of JSON

Needs `pip install jax` alone (measured with jax 0.10 on Python 3.11). Twin networks 4-120-84-2 with averaged twin targets, batch 128,
ten environments, one update per vector step, uniform replay of 10,240 transitions. For each transition of a batch

    y = r + gamma (1 - terminated) alpha logsumexp(min_k Q'_k(s', .) / alpha),    loss = sum_k mean (Q_k(s, a) - y)^2

and actions are drawn from softmax(min_k Q_k / alpha). Agents are a leading axis (vmap). The whole run, from acting to the
update, is one jitted scan, so that nothing returns to the host while it is timed; compilation is not counted.
"""
import argparse
import json
import math
import statistics
import time

import jax
import jax.numpy as jnp

OBSERVATIONS, ACTIONS, TIME_LIMIT = 4, 2, 500
REWARD_SCALE, GAMMA, ALPHA = 0.05, 0.99, 0.02
RATE, BETA1, BETA2, EPS, POLYAK = 1e-3, 0.9, 0.999, 1e-8, 0.005


def reset(key, count):
    return jax.random.uniform(key, (count, OBSERVATIONS), minval=-0.05, maxval=0.05)


def dynamics(state, action):
    """Gymnasium's cart-pole, one explicit Euler step of 0.02 s."""
    x, velocity, angle, spin = state.T
    force = jnp.where(action == 1, 10.0, -10.0)
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    push = (force + 0.05 * spin**2 * sin) / 1.1
    angular = (9.8 * sin - cos * push) / (0.5 * (4.0 / 3.0 - 0.1 * cos**2 / 1.1))
    linear = push - 0.05 * angular * cos / 1.1
    tau = 0.02
    return jnp.stack([x + tau * velocity, velocity + tau * linear, angle + tau * spin, spin + tau * angular], 1)


def initial_weights(key, hidden):
    """Per layer a weight and a bias of both twins, uniform within 1 / sqrt(inputs)."""
    layers = []
    sizes = [OBSERVATIONS, *hidden, ACTIONS]
    for inputs, outputs in zip(sizes, sizes[1:]):
        key, for_weight, for_bias = jax.random.split(key, 3)
        bound = 1.0 / math.sqrt(inputs)
        layers.append(
            (
                jax.random.uniform(for_weight, (2, inputs, outputs), minval=-bound, maxval=bound),
                jax.random.uniform(for_bias, (2, 1, outputs), minval=-bound, maxval=bound),
            )
        )
    return layers


def action_values(layers, x):
    """[2, rows, actions]. The twins are two products each: faster on a CPU than one batched product."""
    twins = []
    for twin in range(2):
        y = x
        for index, (weight, bias) in enumerate(layers):
            y = y @ weight[twin] + bias[twin]
            if index + 1 < len(layers):
                y = jax.nn.relu(y)
        twins.append(y)
    return jnp.stack(twins)


def update(learner, batch):
    """One gradient step of both twins with Adam, then the targets' averaging."""
    weights, targets, first, second, steps = learner
    obs, actions, next_obs, goes_on = batch
    soft = ALPHA * jax.nn.logsumexp(action_values(targets, next_obs).min(0) / ALPHA, axis=-1)
    y = REWARD_SCALE + GAMMA * goes_on * soft

    def loss(weights):
        values = action_values(weights, obs)
        taken = jnp.take_along_axis(values, actions[None, :, None], axis=2)[..., 0]
        return jnp.mean((taken - y) ** 2, axis=1).sum()

    grads = jax.grad(loss)(weights)
    steps += 1
    each = jax.tree_util.tree_map
    first = each(lambda m, g: BETA1 * m + (1 - BETA1) * g, first, grads)
    second = each(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, second, grads)
    scale1, scale2 = 1 - BETA1**steps, 1 - BETA2**steps
    weights = each(lambda w, m, v: w - RATE * (m / scale1) / (jnp.sqrt(v / scale2) + EPS), weights, first, second)
    targets = each(lambda t, w: t + POLYAK * (w - t), targets, weights)
    return weights, targets, first, second, steps


def training(args):
    """A function from a key to the last returns of an agent's environments."""
    envs, capacity = args.envs, args.capacity // args.envs * args.envs
    warm_up = -(-args.learning_starts // envs)

    def step(carry, index):
        learner, ring, state, age, returns, last, key = carry
        key, for_action, for_reset, for_batch = jax.random.split(key, 4)
        values = action_values(learner[0], state).min(0)
        action = jax.random.categorical(for_action, values / ALPHA)
        after = dynamics(state, action)
        terminated = (jnp.abs(after[:, 0]) > 2.4) | (jnp.abs(after[:, 2]) > 12 * 2 * math.pi / 360)
        ended = terminated | (age + 1 >= TIME_LIMIT)
        returns = returns + 1.0
        last = jnp.where(ended, returns, last)

        place = (index * envs) % capacity
        store = jax.lax.dynamic_update_slice_in_dim
        rows = (state, action.astype(jnp.int32), after, 1.0 - terminated)
        ring = tuple(store(column, row, place, 0) for column, row in zip(ring, rows))
        filled = jnp.minimum((index + 1) * envs, capacity)

        def learn(learner):
            for each in jax.random.randint(for_batch, (args.updates, args.batch), 0, filled):
                learner = update(learner, tuple(column[each] for column in ring))
            return learner

        learner = jax.lax.cond(index >= warm_up, learn, lambda learner: learner, learner)
        state = jnp.where(ended[:, None], reset(for_reset, envs), after)
        carry = (learner, ring, state, jnp.where(ended, 0, age + 1), jnp.where(ended, 0.0, returns), last, key)
        return carry, None

    def agent(key):
        key, for_weights, for_state = jax.random.split(key, 3)
        weights = initial_weights(for_weights, args.hidden)
        zeros = jax.tree_util.tree_map(jnp.zeros_like, weights)
        learner = (weights, weights, zeros, zeros, jnp.float32(0))
        blank = jnp.zeros((capacity, OBSERVATIONS))
        ring = (blank, jnp.zeros(capacity, jnp.int32), blank, jnp.zeros(capacity))
        none = jnp.zeros(envs)
        start = (learner, ring, reset(for_state, envs), jnp.zeros(envs, jnp.int32), none, none, key)
        end, _ = jax.lax.scan(step, start, jnp.arange(args.iters))
        return end[5].mean(), jax.tree_util.tree_map(jnp.sum, end[0][0])

    return agent, args.iters - warm_up


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=1)
    parser.add_argument("--envs", type=int, default=10, help="environments per agent")
    parser.add_argument("--updates", type=int, default=1, help="updates per vector step")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--hidden", type=lambda text: [int(width) for width in text.split(",")], default=[120, 84])
    parser.add_argument("--capacity", type=int, default=10240, help="transitions per agent")
    parser.add_argument("--learning-starts", type=int, default=1000, help="transitions per agent before the first update")
    parser.add_argument("--iters", type=int, default=20000, help="vector steps")
    parser.add_argument("--reps", type=int, default=3, help="repetitions; the first run is only compiled")
    args = parser.parse_args()
    jax.config.update("jax_default_matmul_precision", "highest")
    agent, iterations = training(args)
    keys = jax.random.split(jax.random.PRNGKey(0), args.agents)
    run = jax.jit(jax.vmap(agent)).lower(keys).compile()
    seconds = []
    for _ in range(args.reps):
        begin = time.perf_counter()
        returns, _ = jax.block_until_ready(run(keys))
        seconds.append(time.perf_counter() - begin)
    updates = args.agents * args.updates * iterations
    steps = args.agents * args.envs * args.iters
    rates = lambda units: {"best": units / min(seconds), "median": units / statistics.median(seconds)}
    row = {
        "agents": args.agents,
        "envs": args.envs,
        "iters": args.iters,
        "updates_per_s_total": rates(updates),
        "env_steps_per_s_total": rates(steps),
        "last_return_mean": float(returns.mean()),
        "jax": jax.__version__,
        "device": jax.devices()[0].device_kind,
    }
    print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
