#!/usr/bin/env python3
"""A workload with convolutions in plain JAX: DQN on MinAtar's Breakout, to be run beside softq.

  python3 scripts/peers/conv_jax.py --iters 2000                # prints one line of JSON
  python3 scripts/peers/conv_jax.py --form windows              # the convolution as one product over gathered windows

Needs `pip install jax` alone (measured with jax 0.10 on Python 3.11). MinAtar's network (16 windows of 3 x 3, dense 128, three
actions), batch 32, eight environments, eight updates per vector step, uniform replay of 100,000 transitions whose observations are
bytes, a copied target every 1,000 updates, Adam. For each transition of a batch

    y = r + gamma (1 - terminated) max_a Q'(s', a),    loss = mean (Q(s, a) - y)^2

and actions are greedy but for a tenth of them. The whole run, from acting to the update, is one jitted scan, so that nothing
returns to the host while it is timed; compilation is not counted. With `--channels 1` observations have the first channel alone, as
softq's Catch of 10 x 10 cells has one.
"""
import argparse
import json
import math
import statistics
import time

import jax
import jax.numpy as jnp

SIZE, ACTIONS, FILTERS, KERNEL, HIDDEN = 10, 3, 16, 3, 128
OUT = SIZE - KERNEL + 1
GAMMA, EPSILON, RATE, BETA1, BETA2, EPS = 0.99, 0.1, 1e-3, 0.9, 0.999, 1e-8
TARGET_INTERVAL = 1000

# A game is (ball [y, x], its last place, its direction [dy, dx], column of the paddle, bricks, whether it has just struck).


def wall():
    rows = jnp.arange(SIZE)
    return jnp.broadcast_to(((rows >= 1) & (rows <= 3))[:, None], (SIZE, SIZE))


def reset(key):
    right = jax.random.bernoulli(key)
    ball = jnp.stack([3, jnp.where(right, SIZE - 1, 0)]).astype(jnp.int32)
    way = jnp.stack([1, jnp.where(right, -1, 1)]).astype(jnp.int32)
    return ball, ball, way, jnp.int32(4), wall(), jnp.bool_(False)


def step(game, action):
    """The next game, its reward and whether it has ended."""
    ball, _, way, paddle, bricks, struck = game
    paddle = jnp.clip(paddle + jnp.array([0, -1, 1])[action], 0, SIZE - 1)
    y, x = ball + way
    dy, dx = way
    at_side = (x < 0) | (x >= SIZE)
    x, dx = jnp.clip(x, 0, SIZE - 1), jnp.where(at_side, -dx, dx)
    at_top = y < 0
    y, dy = jnp.where(at_top, 0, y), jnp.where(at_top, -dy, dy)
    at_brick = ~at_top & bricks[y, x]
    breaks = at_brick & ~struck
    bricks = bricks.at[y, x].set(jnp.where(breaks, False, bricks[y, x]))
    at_bottom = ~at_top & ~at_brick & (y == SIZE - 1)
    bricks = jnp.where(at_bottom & ~bricks.any(), wall(), bricks)
    straight = at_bottom & (ball[1] == paddle)
    back = at_bottom & ~straight & (x == paddle)
    turned = breaks | straight | back
    y, dy = jnp.where(turned, ball[0], y), jnp.where(turned, -dy, dy)
    dx = jnp.where(back, -dx, dx)
    ended = at_bottom & ~straight & ~back
    after = (jnp.stack([y, x]), ball, jnp.stack([dy, dx]), paddle, bricks, at_brick)
    return after, breaks.astype(jnp.float32), ended


def observe(game, channels):
    """Bytes [height, width, channels]: paddle, ball, where it was, bricks."""
    ball, last, _, paddle, bricks, _ = game
    blank = jnp.zeros((SIZE, SIZE), jnp.uint8)
    planes = [
        blank.at[SIZE - 1, paddle].set(1),
        blank.at[ball[0], ball[1]].set(1),
        blank.at[last[0], last[1]].set(1),
        bricks.astype(jnp.uint8),
    ]
    return jnp.stack(planes, axis=-1)[..., :channels]


def initial_weights(key, channels):
    """Weights and bias of each layer, uniform within 1 / sqrt(inputs); the convolution's as [height, width, in, out]."""
    layers = []
    for shape in [(KERNEL, KERNEL, channels, FILTERS), (OUT * OUT * FILTERS, HIDDEN), (HIDDEN, ACTIONS)]:
        key, for_weight, for_bias = jax.random.split(key, 3)
        bound = 1.0 / math.sqrt(math.prod(shape[:-1]))
        draw = lambda key, shape: jax.random.uniform(key, shape, minval=-bound, maxval=bound)
        layers.append((draw(for_weight, shape), draw(for_bias, shape[-1:])))
    return layers


def convolution(x, weight, form):
    if form == "conv":
        return jax.lax.conv_general_dilated(x, weight, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    places = [(y, left) for y in range(KERNEL) for left in range(KERNEL)]
    windows = jnp.concatenate([x[:, y : y + OUT, left : left + OUT] for y, left in places], axis=-1)
    return windows @ weight.reshape(-1, FILTERS)


def action_values(layers, obs, form):
    (filters, filter_bias), (dense, dense_bias), (head, head_bias) = layers
    x = obs.astype(jnp.float32)
    x = jax.nn.relu(convolution(x, filters, form) + filter_bias)
    x = jax.nn.relu(x.reshape(x.shape[0], -1) @ dense + dense_bias)
    return x @ head + head_bias


def update(learner, batch, form):
    """One gradient step with Adam; the target is copied now and then."""
    weights, target, first, second, steps = learner
    obs, actions, rewards, next_obs, goes_on = batch
    y = rewards + GAMMA * goes_on * action_values(target, next_obs, form).max(-1)

    def loss(weights):
        taken = jnp.take_along_axis(action_values(weights, obs, form), actions[:, None], axis=1)[:, 0]
        return jnp.mean((taken - y) ** 2)

    grads = jax.grad(loss)(weights)
    steps += 1
    each = jax.tree_util.tree_map
    first = each(lambda m, g: BETA1 * m + (1 - BETA1) * g, first, grads)
    second = each(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, second, grads)
    scale1, scale2 = 1 - BETA1**steps, 1 - BETA2**steps
    weights = each(lambda w, m, v: w - RATE * (m / scale1) / (jnp.sqrt(v / scale2) + EPS), weights, first, second)
    copy = steps % TARGET_INTERVAL == 0
    target = jax.lax.cond(copy, lambda both: both[1], lambda both: both[0], (target, weights))
    return weights, target, first, second, steps


def training(args):
    """A function from a key to the mean return of the last episodes of each environment."""
    envs, capacity = args.envs, args.capacity // args.envs * args.envs
    warm_up = -(-args.learning_starts // envs)
    see = jax.vmap(lambda game: observe(game, args.channels))

    def iteration(carry, index):
        learner, ring, games, returns, last, key = carry
        key, for_action, for_share, for_reset, for_batch = jax.random.split(key, 5)
        obs = see(games)
        greedy = action_values(learner[0], obs, args.form).argmax(-1)
        random = jax.random.randint(for_action, (envs,), 0, ACTIONS)
        action = jnp.where(jax.random.uniform(for_share, (envs,)) < EPSILON, random, greedy)
        after, reward, ended = jax.vmap(step)(games, action)
        returns = returns + reward
        last = jnp.where(ended, returns, last)

        place = (index * envs) % capacity
        store = jax.lax.dynamic_update_slice_in_dim
        rows = (obs, action.astype(jnp.int32), reward, see(after), 1.0 - ended)
        ring = tuple(store(column, row, place, 0) for column, row in zip(ring, rows))
        filled = jnp.minimum((index + 1) * envs, capacity)

        def learn(learner):
            chosen = jax.random.randint(for_batch, (args.updates, args.batch), 0, filled)
            one = lambda learner, rows: (update(learner, tuple(column[rows] for column in ring), args.form), None)
            return jax.lax.scan(one, learner, chosen)[0]

        learner = jax.lax.cond(index >= warm_up, learn, lambda learner: learner, learner)
        fresh = jax.vmap(reset)(jax.random.split(for_reset, envs))
        choose = lambda new, old: jnp.where(ended.reshape((-1,) + (1,) * (old.ndim - 1)), new, old)
        games = jax.tree_util.tree_map(choose, fresh, after)
        return (learner, ring, games, jnp.where(ended, 0.0, returns), last, key), None

    def agent(key):
        key, for_weights, for_games = jax.random.split(key, 3)
        weights = initial_weights(for_weights, args.channels)
        zeros = jax.tree_util.tree_map(jnp.zeros_like, weights)
        learner = (weights, weights, zeros, zeros, jnp.float32(0))
        blank = jnp.zeros((capacity, SIZE, SIZE, args.channels), jnp.uint8)
        ring = (blank, jnp.zeros(capacity, jnp.int32), jnp.zeros(capacity), blank, jnp.zeros(capacity))
        none = jnp.zeros(envs)
        start = (learner, ring, jax.vmap(reset)(jax.random.split(for_games, envs)), none, none, key)
        end, _ = jax.lax.scan(iteration, start, jnp.arange(args.iters))
        return end[4].mean(), jax.tree_util.tree_map(jnp.sum, end[0][0])

    return agent, args.iters - warm_up


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--form", choices=["conv", "windows"], default="conv")
    parser.add_argument("--channels", type=int, choices=[1, 2, 3, 4], default=4)
    parser.add_argument("--envs", type=int, default=8)
    parser.add_argument("--updates", type=int, default=8, help="updates per vector step")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--capacity", type=int, default=100_000, help="transitions")
    parser.add_argument("--learning-starts", type=int, default=1000, help="transitions before the first update")
    parser.add_argument("--iters", type=int, default=2000, help="vector steps")
    parser.add_argument("--reps", type=int, default=3, help="repetitions")
    args = parser.parse_args()
    jax.config.update("jax_default_matmul_precision", "highest")
    agent, iterations = training(args)
    key = jax.random.PRNGKey(0)
    run = jax.jit(agent).lower(key).compile()
    seconds = []
    for _ in range(args.reps):
        begin = time.perf_counter()
        returns, _ = jax.block_until_ready(run(key))
        seconds.append(time.perf_counter() - begin)
    updates = args.updates * iterations
    rates = lambda units: {"best": units / min(seconds), "median": units / statistics.median(seconds)}
    row = {
        "form": args.form,
        "channels": args.channels,
        "envs": args.envs,
        "iters": args.iters,
        "updates_per_s": rates(updates),
        "env_steps_per_s": rates(args.envs * args.iters),
        "last_return_mean": float(returns.mean()),
        "jax": jax.__version__,
        "device": jax.devices()[0].device_kind,
    }
    print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
