#!/usr/bin/env python3
"""Soft actor-critic in plain JAX on Pendulum-v1 and on softq's Reacher-v0, to be run beside softq.

  python3 scripts/peers/jax_sac.py --iters 3000                 # prints one line of JSON

Needs `pip install jax` alone (measured with jax 0.10 on Python 3.11). Policy and twin critics of two hidden layers, one environment,
one update per step, uniform replay of 100,000 transitions, averaged targets, a learned temperature. For each transition

    y = r + gamma (min_k Q'_k(s', a') - alpha ln pi(a'|s')),    loss = sum_k mean (Q_k(s, a) - y)^2
    policy loss = mean (alpha ln pi(b|s) - min_k Q_k(s, b)),    temperature loss = -log_alpha mean (ln pi(b|s) - dim A)

with a' ~ pi(s'), b ~ pi(s) drawn by reparameterisation from a Gaussian squashed by tanh. The critics step first. The whole run, from
acting to the update, is one jitted scan, so that nothing returns to the host while it is timed; compilation is not counted.
"""
import argparse
import json
import math
import statistics
import time

import jax
import jax.numpy as jnp

CAPACITY = 100_000
BETA1, BETA2, EPS, POLYAK = 0.9, 0.999, 1e-8, 0.005
LOG_STD_MIN, LOG_STD_MAX = -5.0, 2.0


class Pendulum:
    """Gymnasium's pendulum with g = 10, m = l = 1."""

    observations, actions, time_limit = 3, 1, 200

    @staticmethod
    def reset(key):
        return jax.random.uniform(key, (2,), minval=-1.0, maxval=1.0) * jnp.array([math.pi, 1.0])

    @staticmethod
    def observe(state):
        return jnp.array([jnp.cos(state[0]), jnp.sin(state[0]), state[1]])

    @staticmethod
    def step(state, action):
        angle, spin = state
        torque = 2.0 * action[0]
        wrapped = (angle + math.pi) % (2 * math.pi) - math.pi
        cost = wrapped**2 + 0.1 * spin**2 + 0.001 * torque**2
        spin = jnp.clip(spin + (15.0 * jnp.sin(angle) + 3.0 * torque) * 0.05, -8.0, 8.0)
        return jnp.array([angle + spin * 0.05, spin]), -cost


class Reacher:
    """softq's Reacher-v0, shaders/envs/reacher.wgsl: two links, two Runge-Kutta steps of 0.01 s."""

    observations, actions, time_limit = 10, 2, 50

    @staticmethod
    def reset(key):
        for_angles, for_spins, for_distance, for_direction = jax.random.split(key, 4)
        distance = 0.2 * jnp.sqrt(jax.random.uniform(for_distance))
        direction = jax.random.uniform(for_direction, minval=-math.pi, maxval=math.pi)
        return jnp.concatenate(
            [
                jax.random.uniform(for_angles, (2,), minval=-0.1, maxval=0.1),
                jax.random.uniform(for_spins, (2,), minval=-0.005, maxval=0.005),
                distance * jnp.array([jnp.cos(direction), jnp.sin(direction)]),
            ]
        )

    @staticmethod
    def away(state):
        first, second = state[0], state[0] + state[1]
        tip = 0.1 * jnp.array([jnp.cos(first), jnp.sin(first)]) + 0.11 * jnp.array([jnp.cos(second), jnp.sin(second)])
        return tip - state[4:6]

    @staticmethod
    def observe(state):
        cos, sin = jnp.cos(state[:2]), jnp.sin(state[:2])
        return jnp.concatenate([cos, sin, state[4:6], state[2:4], Reacher.away(state)])

    @staticmethod
    def derivative(y, torque):
        coupled, pull = 2.2410028e-4 * jnp.cos(y[1]), 2.2410028e-4 * jnp.sin(y[1])
        m11, m12, m22 = 7.051619e-4 + 1.0 + 2.0 * coupled, 1.7903937e-4 + coupled, 1.7903937e-4 + 1.0
        push1 = pull * (y[3] * (y[3] + 2.0 * y[2])) + torque[0] - y[2]
        push2 = torque[1] - y[3] - pull * (y[2] * y[2])
        determinant = m11 * m22 - m12 * m12
        return jnp.array([y[2], y[3], (m22 * push1 - m12 * push2) / determinant, (m11 * push2 - m12 * push1) / determinant])

    @staticmethod
    def advanced(y, torque):
        k1 = Reacher.derivative(y, torque)
        k2 = Reacher.derivative(y + 0.005 * k1, torque)
        k3 = Reacher.derivative(y + 0.005 * k2, torque)
        k4 = Reacher.derivative(y + 0.01 * k3, torque)
        y = y + 0.01 / 6.0 * (k1 + 2.0 * (k2 + k3) + k4)
        spin = jnp.where(y[1] > 3.0, jnp.minimum(y[3], 0.0), jnp.where(y[1] < -3.0, jnp.maximum(y[3], 0.0), y[3]))
        return jnp.array([y[0], jnp.clip(y[1], -3.0, 3.0), y[2], spin])

    @staticmethod
    def step(state, action):
        torque = 200.0 * jnp.clip(action, -1.0, 1.0)
        y = Reacher.advanced(Reacher.advanced(state[:4], torque), torque)
        state = jnp.concatenate([y, state[4:6]])
        return state, -jnp.linalg.norm(Reacher.away(state)) - jnp.sum(action**2)


def perceptron(key, sizes):
    """Per layer a weight and a bias, uniform within 1 / sqrt(inputs)."""
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        key, for_weight, for_bias = jax.random.split(key, 3)
        bound = 1.0 / math.sqrt(inputs)
        weight = jax.random.uniform(for_weight, (inputs, outputs), minval=-bound, maxval=bound)
        layers.append((weight, jax.random.uniform(for_bias, (outputs,), minval=-bound, maxval=bound)))
    return layers


def outputs(layers, x):
    for weight, bias in layers[:-1]:
        x = jax.nn.relu(x @ weight + bias)
    weight, bias = layers[-1]
    return x @ weight + bias


def draw(policy, obs, noise):
    """An action and its log-probability."""
    mean, raw = jnp.split(outputs(policy, obs), 2, axis=-1)
    log_std = LOG_STD_MIN + 0.5 * (LOG_STD_MAX - LOG_STD_MIN) * (jnp.tanh(raw) + 1.0)
    u = mean + jnp.exp(log_std) * noise
    squash = 2.0 * (math.log(2.0) - u - jax.nn.softplus(-2.0 * u))
    log_prob = -0.5 * noise**2 - log_std - 0.5 * math.log(2.0 * math.pi) - squash
    return jnp.tanh(u), log_prob.sum(-1)


def values(critics, obs, action):
    seen = jnp.concatenate([obs, action], -1)
    return [outputs(critic, seen)[..., 0] for critic in critics]


def adam(weights, moments, grads, steps, rate):
    each = jax.tree_util.tree_map
    first = each(lambda m, g: BETA1 * m + (1 - BETA1) * g, moments[0], grads)
    second = each(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, moments[1], grads)
    scale1, scale2 = 1 - BETA1**steps, 1 - BETA2**steps
    weights = each(lambda w, m, v: w - rate * (m / scale1) / (jnp.sqrt(v / scale2) + EPS), weights, first, second)
    return weights, (first, second)


def update(learner, batch, noise, args):
    """One step of critics, policy and temperature, then the targets' averaging."""
    policy, critics, targets, log_alpha, moments, steps = learner
    obs, action, reward, next_obs = batch
    steps, alpha = steps + 1, jnp.exp(log_alpha)
    next_action, next_log_prob = draw(policy, next_obs, noise[0])
    first, second = values(targets, next_obs, next_action)
    y = reward + args.gamma * (jnp.minimum(first, second) - alpha * next_log_prob)
    critic_loss = lambda critics: sum(jnp.mean((q - y) ** 2) for q in values(critics, obs, action))
    critics, critic_moments = adam(critics, moments[0], jax.grad(critic_loss)(critics), steps, args.rate)

    def policy_loss(policy):
        drawn, log_prob = draw(policy, obs, noise[1])
        first, second = values(critics, obs, drawn)
        return jnp.mean(alpha * log_prob - jnp.minimum(first, second)), log_prob

    grads, log_prob = jax.grad(policy_loss, has_aux=True)(policy)
    policy, policy_moments = adam(policy, moments[1], grads, steps, args.rate)
    slope = -jnp.mean(log_prob - action.shape[-1])
    log_alpha, alpha_moments = adam(log_alpha, moments[2], slope, steps, args.rate)
    targets = jax.tree_util.tree_map(lambda t, w: t + POLYAK * (w - t), targets, critics)
    return policy, critics, targets, log_alpha, (critic_moments, policy_moments, alpha_moments), steps


def training(args):
    """A function from a key to the mean return of 100 greedy episodes after training."""
    env = {"pendulum": Pendulum, "reacher": Reacher}[args.env]

    def step(carry, index):
        learner, ring, state, age, key = carry
        key, for_action, for_reset, for_batch, for_noise = jax.random.split(key, 5)
        obs = env.observe(state)
        action, _ = draw(learner[0], obs, jax.random.normal(for_action, (env.actions,)))
        uniform = jax.random.uniform(for_action, (env.actions,), minval=-1.0)
        action = jnp.where(index < args.warm_up, uniform, action)
        after, reward = env.step(state, action)
        rows = (obs, action, reward, env.observe(after))
        place = index % CAPACITY
        ring = tuple(jax.lax.dynamic_update_index_in_dim(column, row, place, 0) for column, row in zip(ring, rows))
        filled = jnp.minimum(index + 1, CAPACITY)

        def learn(learner):
            chosen = jax.random.randint(for_batch, (args.batch,), 0, filled)
            noise = jax.random.normal(for_noise, (2, args.batch, env.actions))
            return update(learner, tuple(column[chosen] for column in ring), noise, args)

        learner = jax.lax.cond(index >= args.warm_up, learn, lambda learner: learner, learner)
        ended = age + 1 >= env.time_limit
        state = jnp.where(ended, env.reset(for_reset), after)
        return (learner, ring, state, jnp.where(ended, 0, age + 1), key), None

    def evaluate(policy, key):
        def step(carry, _):
            state, total = carry
            mean, _ = jnp.split(outputs(policy, env.observe(state)), 2, axis=-1)
            state, reward = env.step(state, jnp.tanh(mean))
            return (state, total + reward), None

        (_, total), _ = jax.lax.scan(step, (env.reset(key), jnp.float32(0)), None, env.time_limit)
        return total

    def agent(key):
        key, for_policy, for_first, for_second, for_state, for_evaluation = jax.random.split(key, 6)
        policy = perceptron(for_policy, [env.observations, *args.hidden, 2 * env.actions])
        sizes = [env.observations + env.actions, *args.hidden, 1]
        critics = [perceptron(key, sizes) for key in (for_first, for_second)]
        zeros = lambda weights: (jax.tree_util.tree_map(jnp.zeros_like, weights),) * 2
        log_alpha = jnp.float32(0)
        moments = (zeros(critics), zeros(policy), zeros(log_alpha))
        learner = (policy, critics, critics, log_alpha, moments, jnp.float32(0))
        blank = jnp.zeros((CAPACITY, env.observations))
        ring = (blank, jnp.zeros((CAPACITY, env.actions)), jnp.zeros(CAPACITY), blank)
        start = (learner, ring, env.reset(for_state), jnp.int32(0), key)
        (learner, *_), _ = jax.lax.scan(step, start, jnp.arange(args.iters))
        returns = jax.vmap(evaluate, in_axes=(None, 0))(learner[0], jax.random.split(for_evaluation, 100))
        return returns.mean(), learner[3]

    return agent, args.iters - args.warm_up


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", choices=["pendulum", "reacher"], default="pendulum")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--hidden", type=lambda text: [int(width) for width in text.split(",")], default=[256, 256])
    parser.add_argument("--rate", type=float, default=3e-4, help="Adam's rate of critics, policy and temperature")
    parser.add_argument("--gamma", type=float, default=0.99)
    parser.add_argument("--iters", type=int, default=3000, help="environment steps")
    parser.add_argument("--warm-up", type=int, default=500, help="steps of uniform actions before the first update")
    parser.add_argument("--reps", type=int, default=3, help="repetitions; the first run is only compiled")
    args = parser.parse_args()
    jax.config.update("jax_default_matmul_precision", "highest")
    agent, updates = training(args)
    run = jax.jit(agent).lower(jax.random.PRNGKey(args.seed)).compile()
    seconds = []
    for _ in range(args.reps):
        begin = time.perf_counter()
        greedy, log_alpha = jax.block_until_ready(run(jax.random.PRNGKey(args.seed)))
        seconds.append(time.perf_counter() - begin)
    row = {
        "env": args.env,
        "seed": args.seed,
        "iters": args.iters,
        "batch": args.batch,
        "hidden": args.hidden,
        "seconds": [round(second, 3) for second in seconds],
        "updates_per_s": {"best": updates / min(seconds), "median": updates / statistics.median(seconds)},
        "greedy_return": float(greedy),
        "alpha": float(jnp.exp(log_alpha)),
        "jax": jax.__version__,
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main()
