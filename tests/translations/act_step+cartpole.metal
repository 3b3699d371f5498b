// language: metal2.0
#include <metal_stdlib>
#include <simd/simd.h>

using metal::uint;

struct _mslBufferSizes {
    uint size1;
    uint size2;
    uint size3;
    uint size4;
    uint size5;
    uint size6;
    uint size7;
};

struct Params {
    uint num_lanes;
    uint stream;
    uint policy;
    uint explore;
    uint uniform_steps;
    uint capacity;
    uint agents;
};
struct Agent {
    uint seed;
    float gamma;
    float huber_delta;
    float alpha_learning_rate;
    float target_entropy;
    float log_alpha_initial;
    float log_alpha_final;
    float log_alpha_min;
    float log_alpha_max;
    float alpha_decay_steps;
    float epsilon;
    float epsilon_final;
    float epsilon_decay_steps;
    float reward_scale;
    float priority_exponent;
    float priority_eps;
    float importance_exponent;
    float importance_exponent_final;
    float importance_steps;
    float munchausen_scale;
    float munchausen_clip;
    uint updates;
    uint nonfinite;
    float log_alpha;
    float alpha;
    float alpha_m;
    float alpha_v;
    float entropy;
    float max_priority;
    uint window_updates;
    float entropy_sum;
    float loss_sum;
    float q_sum;
    float grad_norm_sum;
    float q_lambda;
};
typedef Agent type_2[1];
typedef float type_3[1];
struct EnvParams {
    float gravity;
    float masscart;
    float masspole;
    float length;
    float force_mag;
    uint sutton_barto_reward;
};
typedef EnvParams type_4[1];
struct State {
    float x;
    float x_dot;
    float theta;
    float theta_dot;
};
typedef State type_5[1];
struct Lane {
    uint step;
    uint episode_step;
    float episode_return;
    uint episodes;
    float first_return;
    uint window_episodes;
    float window_return;
    float window_length;
    uint fault;
};
typedef Lane type_6[1];
typedef uint type_7[1];
struct Rng {
    uint seed;
    uint stream;
    uint step;
    uint lane;
    uint draw;
};
struct TdError {
    float error;
    float loss;
};
struct Softmax {
    float top;
    float sum;
    float log_sum;
    float entropy;
};
struct Chooser {
    uint policy;
    bool at_random;
    char _pad2[3];
    float epsilon;
    float alpha;
    float target_entropy;
};
struct type_12 {
    uint inner[1];
};
struct LaneStep {
    float reward;
    uint ended;
};
struct Outcome {
    float reward;
    bool terminated;
    char _pad2[3];
};
struct TransitionLayout {
    uint obs_size;
    uint obs_bits;
    uint action_words;
};
struct type_15 {
    float inner[4];
};
constant uint STREAM_RESET = 0u;
constant uint STREAM_ACTION = 1u;
constant uint STREAM_STEP = 2u;
constant uint STREAM_REPLAY = 3u;
constant uint STREAM_BACKUP = 4u;
constant uint STREAM_POLICY = 5u;
constant uint FAULT_OBS = 2147483648u;
constant uint BISECTIONS = 24u;
constant uint ACTION_OUTPUTS = 2u;
constant uint ACTION_WORDS = 1u;
constant uint NUM_ACTIONS = 2u;
constant type_12 HEAD_SIZES = type_12 {{2u}};
constant uint GOES_ON = 0u;
constant uint TERMINATED = 1u;
constant uint TRUNCATED = 2u;
constant uint MAX_EPISODE_STEPS = 500u;
constant uint OBS_SIZE = 4u;
constant uint STORED_OBS_BITS = 32u;
constant uint RENDER_FPS = 50u;
constant EnvParams DEFAULT_PARAMS = EnvParams {9.8, 1.0, 0.1, 0.5, 10.0, 0u};

int naga_f2i32(float value) {
    return static_cast<int>(metal::clamp(value, -2147483600.0, 2147483500.0));
}

float exp_f32_(
    float x
) {
    float poly = 0.00019875691;
    if (x < -87.0) {
        return 0.0;
    }
    float clamped = metal::min(x, 88.0);
    float k = metal::floor((clamped * 1.442695) + 0.5);
    float r = (clamped - (k * 0.6933594)) + (k * 0.00021219444);
    float _e19 = poly;
    poly = (_e19 * r) + 0.0013981999;
    float _e23 = poly;
    poly = (_e23 * r) + 0.008333452;
    float _e27 = poly;
    poly = (_e27 * r) + 0.041665796;
    float _e31 = poly;
    poly = (_e31 * r) + 0.16666666;
    float _e35 = poly;
    poly = (_e35 * r) + 0.5;
    float _e39 = poly;
    poly = (_e39 * r) + 1.0;
    float _e43 = poly;
    poly = (_e43 * r) + 1.0;
    float _e47 = poly;
    return _e47 * as_type<float>(static_cast<uint>(as_type<int>(as_type<uint>(naga_f2i32(k)) + as_type<uint>(127))) << 23u);
}

float log_f32_(
    float x_1
) {
    float poly_1 = 0.070376836;
    uint bits_1 = as_type<uint>(metal::max(x_1, 0.000000000000000000000000000000000000011754944));
    uint shifted = bits_1 - 1060439283u;
    float k_1 = static_cast<float>(as_type<int>(shifted) >> 23u);
    float f = as_type<float>((shifted & 8388607u) + 1060439283u) - 1.0;
    float z = f * f;
    float _e20 = poly_1;
    poly_1 = (_e20 * f) - 0.1151461;
    float _e24 = poly_1;
    poly_1 = (_e24 * f) + 0.116769984;
    float _e28 = poly_1;
    poly_1 = (_e28 * f) - 0.12420141;
    float _e32 = poly_1;
    poly_1 = (_e32 * f) + 0.14249323;
    float _e36 = poly_1;
    poly_1 = (_e36 * f) - 0.16668057;
    float _e40 = poly_1;
    poly_1 = (_e40 * f) + 0.20000714;
    float _e44 = poly_1;
    poly_1 = (_e44 * f) - 0.24999994;
    float _e48 = poly_1;
    poly_1 = (_e48 * f) + 0.3333333;
    float _e53 = poly_1;
    float tail = ((f * z) * _e53) + (k_1 * -0.00021219444);
    return ((tail - (0.5 * z)) + f) + (k_1 * 0.6933594);
}

float expm1_f32_(
    float x_2
) {
    float poly_2 = 0.0001984127;
    if (metal::abs(x_2) > 0.35) {
        float _e4 = exp_f32_(x_2);
        return _e4 - 1.0;
    }
    float _e9 = poly_2;
    poly_2 = (_e9 * x_2) + 0.0013888889;
    float _e13 = poly_2;
    poly_2 = (_e13 * x_2) + 0.008333334;
    float _e17 = poly_2;
    poly_2 = (_e17 * x_2) + 0.041666668;
    float _e21 = poly_2;
    poly_2 = (_e21 * x_2) + 0.16666667;
    float _e25 = poly_2;
    poly_2 = (_e25 * x_2) + 0.5;
    float _e29 = poly_2;
    return (_e29 * (x_2 * x_2)) + x_2;
}

float tanh_f32_(
    float x_3
) {
    float _e6 = expm1_f32_(metal::clamp(2.0 * x_3, -40.0, 40.0));
    return _e6 / (_e6 + 2.0);
}

metal::float2 sincos_f32_(
    float x_4
) {
    float k_2 = metal::floor((x_4 * 0.63661975) + 0.5);
    float r_1 = ((x_4 - (k_2 * 1.5703125)) - (k_2 * 0.0004837513)) - (k_2 * 0.0000000754979);
    float z_1 = r_1 * r_1;
    float sine = ((((((-0.00019515296 * z_1) + 0.008332161) * z_1) - 0.16666655) * z_1) * r_1) + r_1;
    float cosine = (((((((0.000024433157 * z_1) - 0.0013887316) * z_1) + 0.041666646) * z_1) - 0.5) * z_1) + 1.0;
    uint quadrant = as_type<uint>(k_2 + 12582912.0);
    bool swapped = (quadrant & 1u) == 1u;
    uint s_1 = as_type<uint>(swapped ? cosine : sine) ^ ((quadrant & 2u) << 30u);
    uint c = as_type<uint>(swapped ? sine : cosine) ^ (((quadrant + 1u) & 2u) << 30u);
    return metal::float2(as_type<float>(s_1), as_type<float>(c));
}

bool is_finite_f32_(
    float x_5
) {
    return (as_type<uint>(x_5) & 2139095040u) != 2139095040u;
}

metal::uint4 pcg4d(
    metal::uint4 input
) {
    metal::uint4 v = {};
    v = (input * 1664525u) + metal::uint4(1013904223u);
    uint _e8 = v.x;
    uint _e10 = v.y;
    uint _e12 = v.w;
    v.x = _e8 + (_e10 * _e12);
    uint _e16 = v.y;
    uint _e18 = v.z;
    uint _e20 = v.x;
    v.y = _e16 + (_e18 * _e20);
    uint _e24 = v.z;
    uint _e26 = v.x;
    uint _e28 = v.y;
    v.z = _e24 + (_e26 * _e28);
    uint _e32 = v.w;
    uint _e34 = v.y;
    uint _e36 = v.z;
    v.w = _e32 + (_e34 * _e36);
    metal::uint4 _e39 = v;
    metal::uint4 _e40 = v;
    v = _e39 ^ (_e40 >> metal::uint4(16u));
    uint _e46 = v.x;
    uint _e48 = v.y;
    uint _e50 = v.w;
    v.x = _e46 + (_e48 * _e50);
    uint _e54 = v.y;
    uint _e56 = v.z;
    uint _e58 = v.x;
    v.y = _e54 + (_e56 * _e58);
    uint _e62 = v.z;
    uint _e64 = v.x;
    uint _e66 = v.y;
    v.z = _e62 + (_e64 * _e66);
    uint _e70 = v.w;
    uint _e72 = v.y;
    uint _e74 = v.z;
    v.w = _e70 + (_e72 * _e74);
    metal::uint4 _e77 = v;
    return _e77;
}

uint rng_word(
    Rng rng,
    uint draw
) {
    metal::uint4 _e12 = pcg4d(metal::uint4(rng.lane, rng.step, (rng.stream << 16u) | (draw >> 2u), rng.seed));
    return _e12[draw & 3u];
}

uint rng_u32_(
    thread Rng& rng_1
) {
    uint draw_2 = rng_1.draw;
    uint _e4 = rng_1.draw;
    rng_1.draw = _e4 + 1u;
    Rng _e7 = rng_1;
    uint _e8 = rng_word(_e7, draw_2);
    return _e8;
}

float rng_uniform(
    thread Rng& rng_2
) {
    uint _e1 = rng_u32_(rng_2);
    return (static_cast<float>(_e1 >> 9u) + 0.5) * 0.00000011920929;
}

float rng_range(
    thread Rng& rng_3,
    float low,
    float high
) {
    float _e4 = rng_uniform(rng_3);
    return low + ((high - low) * _e4);
}

float schedule(
    float start,
    float end,
    float steps,
    float now
) {
    if (steps <= 0.0) {
        return start;
    }
    return start + ((end - start) * metal::min(now / steps, 1.0));
}

float scaled(
    float q,
    float top,
    float alpha
) {
    return metal::min((q - top) / alpha, 0.0);
}

float q_value(
    uint source,
    uint row,
    uint action,
    device type_3 const& q_3,
    constant _mslBufferSizes& _buffer_sizes
) {
    float _e9 = q_3[((row * ACTION_OUTPUTS) + source) + action];
    return _e9;
}

uint argmax_of(
    uint source_1,
    uint row_1,
    uint actions,
    device type_3 const& q_3,
    constant _mslBufferSizes& _buffer_sizes
) {
    uint best = 0u;
    float top_1 = {};
    uint a = 1u;
    float _e6 = q_value(source_1, row_1, 0u, q_3, _buffer_sizes);
    top_1 = _e6;
    uint2 loop_bound = uint2(4294967295u);
    bool loop_init = true;
    while(true) {
        if (metal::all(loop_bound == uint2(0u))) { break; }
        loop_bound -= uint2(loop_bound.y == 0u, 1u);
        if (!loop_init) {
            uint _e18 = a;
            a = _e18 + 1u;
        }
        loop_init = false;
        uint _e10 = a;
        if (_e10 < actions) {
        } else {
            break;
        }
        {
            uint _e12 = a;
            float _e13 = q_value(source_1, row_1, _e12, q_3, _buffer_sizes);
            float _e14 = top_1;
            if (_e13 > _e14) {
                top_1 = _e13;
                uint _e16 = a;
                best = _e16;
            }
        }
    }
    uint _e20 = best;
    return _e20;
}

Softmax softmax_of(
    uint source_2,
    uint row_2,
    uint actions_1,
    float alpha_1,
    device type_3 const& q_3,
    constant _mslBufferSizes& _buffer_sizes
) {
    Softmax result = {};
    float weighted = 0.0;
    uint a_1 = 0u;
    uint _e6 = argmax_of(source_2, row_2, actions_1, q_3, _buffer_sizes);
    float _e7 = q_value(source_2, row_2, _e6, q_3, _buffer_sizes);
    result.top = _e7;
    result.sum = 0.0;
    uint2 loop_bound_1 = uint2(4294967295u);
    bool loop_init_1 = true;
    while(true) {
        if (metal::all(loop_bound_1 == uint2(0u))) { break; }
        loop_bound_1 -= uint2(loop_bound_1.y == 0u, 1u);
        if (!loop_init_1) {
            uint _e29 = a_1;
            a_1 = _e29 + 1u;
        }
        loop_init_1 = false;
        uint _e14 = a_1;
        if (_e14 < actions_1) {
        } else {
            break;
        }
        {
            uint _e16 = a_1;
            float _e17 = q_value(source_2, row_2, _e16, q_3, _buffer_sizes);
            float _e19 = result.top;
            float _e20 = scaled(_e17, _e19, alpha_1);
            float _e21 = exp_f32_(_e20);
            float _e23 = result.sum;
            result.sum = _e23 + _e21;
            float _e25 = weighted;
            weighted = _e25 + (_e21 * _e20);
        }
    }
    float _e33 = result.sum;
    float _e34 = log_f32_(_e33);
    result.log_sum = _e34;
    float _e37 = result.log_sum;
    float _e38 = weighted;
    float _e40 = result.sum;
    result.entropy = _e37 - (_e38 / _e40);
    Softmax _e43 = result;
    return _e43;
}

float probability(
    Softmax softmax,
    float q_1,
    float alpha_2
) {
    float _e4 = scaled(q_1, softmax.top, alpha_2);
    float _e5 = exp_f32_(_e4);
    return _e5 / softmax.sum;
}

float log_probability(
    Softmax softmax_1,
    float q_2,
    float alpha_3
) {
    float _e4 = scaled(q_2, softmax_1.top, alpha_3);
    return _e4 - softmax_1.log_sum;
}

float temperature_of(
    uint source_3,
    uint row_3,
    uint actions_2,
    float wanted,
    device type_3 const& q_3,
    constant _mslBufferSizes& _buffer_sizes
) {
    float low_1 = -9.2103405;
    float high_1 = 9.2103405;
    uint i = 0u;
    uint2 loop_bound_2 = uint2(4294967295u);
    bool loop_init_2 = true;
    while(true) {
        if (metal::all(loop_bound_2 == uint2(0u))) { break; }
        loop_bound_2 -= uint2(loop_bound_2.y == 0u, 1u);
        if (!loop_init_2) {
            uint _e23 = i;
            i = _e23 + 1u;
        }
        loop_init_2 = false;
        uint _e10 = i;
        if (_e10 < BISECTIONS) {
        } else {
            break;
        }
        {
            float _e13 = low_1;
            float _e14 = high_1;
            float middle = 0.5 * (_e13 + _e14);
            float _e18 = exp_f32_(middle);
            Softmax _e19 = softmax_of(source_3, row_3, actions_2, _e18, q_3, _buffer_sizes);
            if (_e19.entropy < wanted) {
                low_1 = middle;
            } else {
                high_1 = middle;
            }
        }
    }
    float _e25 = low_1;
    float _e26 = high_1;
    float _e30 = exp_f32_(0.5 * (_e25 + _e26));
    return _e30;
}

uint sample_of(
    uint source_4,
    uint row_4,
    uint actions_3,
    float alpha_4,
    Softmax softmax_2,
    float u,
    device type_3 const& q_3,
    constant _mslBufferSizes& _buffer_sizes
) {
    float cumulative = 0.0;
    uint a_2 = 0u;
    uint2 loop_bound_3 = uint2(4294967295u);
    bool loop_init_3 = true;
    while(true) {
        if (metal::all(loop_bound_3 == uint2(0u))) { break; }
        loop_bound_3 -= uint2(loop_bound_3.y == 0u, 1u);
        if (!loop_init_3) {
            uint _e23 = a_2;
            a_2 = _e23 + 1u;
        }
        loop_init_3 = false;
        uint _e10 = a_2;
        if ((_e10 + 1u) < actions_3) {
        } else {
            break;
        }
        {
            float _e14 = cumulative;
            uint _e15 = a_2;
            float _e16 = q_value(source_4, row_4, _e15, q_3, _buffer_sizes);
            float _e17 = probability(softmax_2, _e16, alpha_4);
            cumulative = _e14 + _e17;
            float _e19 = cumulative;
            if (u < _e19) {
                uint _e21 = a_2;
                return _e21;
            }
        }
    }
    return actions_3 - 1u;
}

uint naga_f2u32(float value) {
    return static_cast<uint>(metal::clamp(value, 0.0, 4294967000.0));
}

uint uniform_choice(
    float u_1,
    uint actions_4
) {
    return metal::min(naga_f2u32(u_1 * static_cast<float>(actions_4)), actions_4 - 1u);
}

type_12 random_action(
    thread Rng& rng_4
) {
    float _e1 = rng_uniform(rng_4);
    uint _e3 = uniform_choice(_e1, NUM_ACTIONS);
    return type_12 {{_e3}};
}

type_12 choose(
    Chooser how,
    uint row_5,
    thread Rng& rng_5,
    device type_3 const& q_3,
    constant _mslBufferSizes& _buffer_sizes
) {
    bool local = {};
    float alpha_5 = {};
    type_12 sizes = HEAD_SIZES;
    type_12 chosen = {};
    uint column = 0u;
    uint head = 0u;
    float _e3 = rng_uniform(rng_5);
    if (!(how.at_random)) {
        local = _e3 < how.epsilon;
    } else {
        local = true;
    }
    bool _e11 = local;
    if (_e11) {
        type_12 _e12 = random_action(rng_5);
        return _e12;
    }
    alpha_5 = (how.policy == 3u) ? 1.0 : how.alpha;
    uint2 loop_bound_4 = uint2(4294967295u);
    bool loop_init_4 = true;
    while(true) {
        if (metal::all(loop_bound_4 == uint2(0u))) { break; }
        loop_bound_4 -= uint2(loop_bound_4.y == 0u, 1u);
        if (!loop_init_4) {
            uint _e58 = head;
            head = _e58 + 1u;
        }
        loop_init_4 = false;
        uint _e27 = head;
        if (_e27 < ACTION_WORDS) {
        } else {
            break;
        }
        {
            float _e30 = rng_uniform(rng_5);
            uint _e31 = head;
            uint actions_5 = sizes.inner[_e31];
            if (how.policy == 1u) {
                uint _e37 = head;
                uint _e39 = column;
                uint _e40 = argmax_of(_e39, row_5, actions_5, q_3, _buffer_sizes);
                chosen.inner[_e37] = _e40;
            } else {
                if (how.policy == 2u) {
                    uint _e44 = column;
                    float _e46 = temperature_of(_e44, row_5, actions_5, how.target_entropy, q_3, _buffer_sizes);
                    alpha_5 = _e46;
                }
                uint _e47 = head;
                uint _e49 = column;
                float _e50 = alpha_5;
                uint _e51 = column;
                float _e52 = alpha_5;
                Softmax _e53 = softmax_of(_e51, row_5, actions_5, _e52, q_3, _buffer_sizes);
                uint _e54 = sample_of(_e49, row_5, actions_5, _e50, _e53, _e30, q_3, _buffer_sizes);
                chosen.inner[_e47] = _e54;
            }
            uint _e55 = column;
            column = _e55 + actions_5;
        }
    }
    type_12 _e60 = chosen;
    return _e60;
}

void count_loops_anew(
) {
    return;
}

State reset(
    thread Rng& rng_6
) {
    float _e3 = rng_range(rng_6, -0.05, 0.05);
    float _e6 = rng_range(rng_6, -0.05, 0.05);
    float _e9 = rng_range(rng_6, -0.05, 0.05);
    float _e12 = rng_range(rng_6, -0.05, 0.05);
    return State {_e3, _e6, _e9, _e12};
}

State lane_start(
    uint seed,
    uint stream,
    uint index,
    uint step
) {
    Rng rng_7 = {};
    rng_7 = Rng {seed, stream + STREAM_RESET, step, index, 0u};
    count_loops_anew();
    State _e9 = reset(rng_7);
    return _e9;
}

Outcome step_1(
    thread State& state,
    uint action_1,
    thread Rng& rng_8,
    thread EnvParams& env
) {
    bool local_1 = {};
    State s_2 = state;
    float _e6 = env.masspole;
    float _e9 = env.masscart;
    float total_mass = _e6 + _e9;
    float _e13 = env.masspole;
    float _e16 = env.length;
    float polemass_length = _e13 * _e16;
    float _e20 = env.force_mag;
    float _e24 = env.force_mag;
    float force = (action_1 == 1u) ? _e24 : -(_e20);
    metal::float2 _e29 = sincos_f32_(s_2.theta);
    float sine_1 = _e29.x;
    float cosine_1 = _e29.y;
    float push = (force + (((polemass_length * s_2.theta_dot) * s_2.theta_dot) * sine_1)) / total_mass;
    float _e41 = env.gravity;
    float _e47 = env.length;
    float _e50 = env.masspole;
    float theta_acc = ((_e41 * sine_1) - (cosine_1 * push)) / (_e47 * (1.3333334 - (((_e50 * cosine_1) * cosine_1) / total_mass)));
    float x_acc = push - (((polemass_length * theta_acc) * cosine_1) / total_mass);
    State next = State {s_2.x + (0.02 * s_2.x_dot), s_2.x_dot + (0.02 * x_acc), s_2.theta + (0.02 * s_2.theta_dot), s_2.theta_dot + (0.02 * theta_acc)};
    state = next;
    if (!((metal::abs(next.x) > 2.4))) {
        local_1 = metal::abs(next.theta) > 0.20943952;
    } else {
        local_1 = true;
    }
    bool fallen = local_1;
    float sutton_barto = fallen ? -1.0 : 0.0;
    uint _e99 = env.sutton_barto_reward;
    return Outcome {(_e99 != 0u) ? sutton_barto : 1.0, fallen};
}

Outcome take_step(
    thread State& state_1,
    type_12 action_2,
    thread Rng& rng_9,
    thread EnvParams& env
) {
    Outcome _e4 = step_1(state_1, action_2.inner[0], rng_9, env);
    return _e4;
}

LaneStep lane_step(
    uint seed_1,
    uint stream_1,
    uint index_1,
    type_12 action_3,
    thread State& state_2,
    thread Lane& lane,
    thread EnvParams& env
) {
    Rng rng_10 = {};
    bool local_2 = {};
    uint _e9 = lane.step;
    rng_10 = Rng {seed_1, stream_1 + STREAM_STEP, _e9, index_1, 0u};
    count_loops_anew();
    Outcome _e13 = take_step(state_2, action_3, rng_10, env);
    uint _e15 = lane.fault;
    if (_e15 == 0u) {
        bool _e21 = is_finite_f32_(_e13.reward);
        local_2 = !(_e21);
    } else {
        local_2 = false;
    }
    bool _e24 = local_2;
    if (_e24) {
        uint _e27 = lane.step;
        lane.fault = _e27 + 1u;
    }
    uint _e31 = lane.episode_step;
    lane.episode_step = _e31 + 1u;
    float _e35 = lane.episode_return;
    lane.episode_return = _e35 + _e13.reward;
    uint _e39 = lane.episode_step;
    bool truncated = _e39 >= MAX_EPISODE_STEPS;
    return LaneStep {_e13.reward, _e13.terminated ? TERMINATED : (truncated ? TRUNCATED : GOES_ON)};
}

bool lane_next(
    uint seed_2,
    uint stream_2,
    uint index_2,
    uint ended,
    thread State& state_3,
    thread Lane& lane_1
) {
    if (ended != GOES_ON) {
        uint _e9 = lane_1.episodes;
        if (_e9 == 0u) {
            float _e14 = lane_1.episode_return;
            lane_1.first_return = _e14;
        }
        uint _e16 = lane_1.episodes;
        lane_1.episodes = _e16 + 1u;
        uint _e20 = lane_1.window_episodes;
        lane_1.window_episodes = _e20 + 1u;
        float _e24 = lane_1.window_return;
        float _e26 = lane_1.episode_return;
        lane_1.window_return = _e24 + _e26;
        float _e29 = lane_1.window_length;
        uint _e31 = lane_1.episode_step;
        lane_1.window_length = _e29 + static_cast<float>(_e31);
        lane_1.episode_step = 0u;
        lane_1.episode_return = 0.0;
        uint _e39 = lane_1.step;
        State _e40 = lane_start(seed_2, stream_2, index_2, _e39);
        state_3 = _e40;
    }
    uint _e42 = lane_1.step;
    lane_1.step = _e42 + 1u;
    return ended != GOES_ON;
}

uint naga_div(uint lhs, uint rhs) {
    return lhs / metal::select(rhs, 1u, rhs == 0u);
}

uint obs_words(
    TransitionLayout t
) {
    return naga_div((t.obs_size * t.obs_bits) + 31u, 32u);
}

uint next_obs_at(
    TransitionLayout t_1
) {
    uint _e1 = obs_words(t_1);
    return _e1;
}

uint action_at(
    TransitionLayout t_2
) {
    uint _e2 = obs_words(t_2);
    return 2u * _e2;
}

uint reward_at(
    TransitionLayout t_3
) {
    uint _e1 = action_at(t_3);
    return _e1 + t_3.action_words;
}

uint ended_at(
    TransitionLayout t_4
) {
    uint _e1 = reward_at(t_4);
    return _e1 + 1u;
}

uint transition_words(
    TransitionLayout t_5
) {
    uint _e1 = ended_at(t_5);
    return _e1 + 1u;
}

uint naga_mod(uint lhs, uint rhs) {
    return lhs % metal::select(rhs, 1u, rhs == 0u);
}

uint packed_element(
    float value,
    uint index_3,
    uint bits
) {
    if (bits == 32u) {
        return as_type<uint>(value);
    }
    uint most = (1u << bits) - 1u;
    return metal::min(naga_f2u32((value * static_cast<float>(most)) + 0.5), most) << naga_mod(index_3 * bits, 32u);
}

float stored_element(
    TransitionLayout t_6,
    uint at,
    uint index_4,
    device type_7 const& replay,
    constant _mslBufferSizes& _buffer_sizes
) {
    uint word_1 = replay[at + naga_div(index_4 * t_6.obs_bits, 32u)];
    if (t_6.obs_bits == 32u) {
        return as_type<float>(word_1);
    }
    uint most_1 = (1u << t_6.obs_bits) - 1u;
    return static_cast<float>((word_1 >> naga_mod(index_4 * t_6.obs_bits, 32u)) & most_1) / static_cast<float>(most_1);
}

float seen_at(
    uint index_5,
    thread type_15& seen
) {
    float _e3 = seen.inner[index_5];
    return _e3;
}

bool store_transition(
    uint at_1,
    uint lane_2,
    type_12 action_4,
    float reward,
    uint ended_1,
    device type_3 const& obs,
    device type_7& replay,
    thread type_15& seen,
    constant _mslBufferSizes& _buffer_sizes
) {
    uint word = 0u;
    uint next_word = 0u;
    bool finite = true;
    uint i_1 = 0u;
    bool local_3 = {};
    bool local_4 = {};
    type_12 words = {};
    uint i_2 = 0u;
    TransitionLayout t_7 = TransitionLayout {4u, 32u, 1u};
    uint2 loop_bound_5 = uint2(4294967295u);
    bool loop_init_5 = true;
    while(true) {
        if (metal::all(loop_bound_5 == uint2(0u))) { break; }
        loop_bound_5 -= uint2(loop_bound_5.y == 0u, 1u);
        if (!loop_init_5) {
            uint _e81 = i_1;
            i_1 = _e81 + 1u;
        }
        loop_init_5 = false;
        uint _e17 = i_1;
        if (_e17 < OBS_SIZE) {
        } else {
            break;
        }
        {
            uint _e20 = word;
            uint _e24 = i_1;
            float _e27 = obs[(lane_2 * OBS_SIZE) + _e24];
            uint _e28 = i_1;
            uint _e30 = packed_element(_e27, _e28, t_7.obs_bits);
            word = _e20 | _e30;
            uint _e32 = i_1;
            float _e33 = seen_at(_e32, seen);
            uint _e34 = next_word;
            uint _e35 = i_1;
            uint _e37 = packed_element(_e33, _e35, t_7.obs_bits);
            next_word = _e34 | _e37;
            bool _e39 = finite;
            if (_e39) {
                bool _e42 = is_finite_f32_(_e33);
                local_3 = _e42;
            } else {
                local_3 = false;
            }
            bool _e44 = local_3;
            finite = _e44;
            uint _e45 = i_1;
            if (!((naga_mod((_e45 + 1u) * t_7.obs_bits, 32u) == 0u))) {
                uint _e57 = i_1;
                local_4 = (_e57 + 1u) == OBS_SIZE;
            } else {
                local_4 = true;
            }
            bool _e63 = local_4;
            if (_e63) {
                uint _e64 = i_1;
                uint to = at_1 + naga_div(_e64 * t_7.obs_bits, 32u);
                uint _e72 = word;
                replay[to] = _e72;
                uint _e74 = next_obs_at(t_7);
                uint _e77 = next_word;
                replay[to + _e74] = _e77;
                word = 0u;
                next_word = 0u;
            }
        }
    }
    words = action_4;
    uint2 loop_bound_6 = uint2(4294967295u);
    bool loop_init_6 = true;
    while(true) {
        if (metal::all(loop_bound_6 == uint2(0u))) { break; }
        loop_bound_6 -= uint2(loop_bound_6.y == 0u, 1u);
        if (!loop_init_6) {
            uint _e99 = i_2;
            i_2 = _e99 + 1u;
        }
        loop_init_6 = false;
        uint _e86 = i_2;
        if (_e86 < ACTION_WORDS) {
        } else {
            break;
        }
        {
            uint _e90 = action_at(t_7);
            uint _e92 = i_2;
            uint _e95 = i_2;
            uint _e97 = words.inner[_e95];
            replay[(at_1 + _e90) + _e92] = _e97;
        }
    }
    uint _e102 = reward_at(t_7);
    replay[at_1 + _e102] = as_type<uint>(reward);
    uint _e107 = ended_at(t_7);
    replay[at_1 + _e107] = ended_1;
    bool _e110 = finite;
    return _e110;
}

type_15 observe(
    State state_4
) {
    return type_15 {{state_4.x, state_4.x_dot, state_4.theta, state_4.theta_dot}};
}

void see(
    State state_5,
    thread type_15& seen
) {
    type_15 _e2 = observe(state_5);
    seen = _e2;
    return;
}

void act_lane(
    uint agent,
    uint index_6,
    type_12 action_5,
    device Params const& p,
    device type_2 const& agents,
    device type_4 const& env_params,
    device type_5& state_7,
    device type_6& lanes,
    device type_3& obs,
    device type_7& replay,
    thread EnvParams& env,
    thread type_15& seen,
    constant _mslBufferSizes& _buffer_sizes
) {
    Lane l = {};
    State s = {};
    bool finite_1 = true;
    uint i_3 = 0u;
    bool local_5 = {};
    bool local_6 = {};
    uint _e5 = p.num_lanes;
    uint lane_3 = (agent * _e5) + index_6;
    uint seed_3 = agents[agent].seed;
    Lane _e14 = lanes[lane_3];
    l = _e14;
    EnvParams _e19 = env_params[lane_3];
    env = _e19;
    State _e22 = state_7[lane_3];
    s = _e22;
    uint _e26 = p.stream;
    LaneStep _e27 = lane_step(seed_3, _e26, index_6, action_5, s, l, env);
    State _e28 = s;
    see(_e28, seen);
    uint _e33 = p.capacity;
    if (_e33 > 0u) {
        uint _e38 = p.capacity;
        uint _e41 = l.step;
        uint _e44 = p.capacity;
        uint _e47 = p.num_lanes;
        uint _e52 = p.num_lanes;
        uint row_6 = ((agent * _e38) + (naga_mod(_e41, naga_div(_e44, _e47)) * _e52)) + index_6;
        uint _e60 = transition_words(TransitionLayout {4u, 32u, 1u});
        float _e66 = agents[agent].reward_scale;
        bool _e69 = store_transition(row_6 * _e60, lane_3, action_5, _e27.reward * _e66, _e27.ended, obs, replay, seen, _buffer_sizes);
        finite_1 = _e69;
    }
    uint _e72 = p.stream;
    bool _e74 = lane_next(seed_3, _e72, index_6, _e27.ended, s, l);
    if (_e74) {
        State _e75 = s;
        see(_e75, seen);
    }
    State _e78 = s;
    state_7[lane_3] = _e78;
    count_loops_anew();
    uint2 loop_bound_7 = uint2(4294967295u);
    bool loop_init_7 = true;
    while(true) {
        if (metal::all(loop_bound_7 == uint2(0u))) { break; }
        loop_bound_7 -= uint2(loop_bound_7.y == 0u, 1u);
        if (!loop_init_7) {
            uint _e99 = i_3;
            i_3 = _e99 + 1u;
        }
        loop_init_7 = false;
        uint _e81 = i_3;
        if (_e81 < OBS_SIZE) {
        } else {
            break;
        }
        {
            uint _e84 = i_3;
            float _e85 = seen_at(_e84, seen);
            uint _e89 = i_3;
            obs[(lane_3 * OBS_SIZE) + _e89] = _e85;
            bool _e92 = finite_1;
            if (_e92) {
                bool _e95 = is_finite_f32_(_e85);
                local_5 = _e95;
            } else {
                local_5 = false;
            }
            bool _e97 = local_5;
            finite_1 = _e97;
        }
    }
    uint _e102 = l.fault;
    if (_e102 == 0u) {
        bool _e107 = finite_1;
        local_6 = !(_e107);
    } else {
        local_6 = false;
    }
    bool _e110 = local_6;
    if (_e110) {
        uint _e114 = l.step;
        l.fault = FAULT_OBS | _e114;
    }
    Lane _e118 = l;
    lanes[lane_3] = _e118;
    return;
}

metal::float3 paint(
    metal::float3 under,
    metal::float3 colour,
    float distance
) {
    return (distance <= 0.0) ? colour : under;
}

float sd_round_box(
    metal::float2 at_2,
    metal::float2 half_size,
    float corner
) {
    float dx = (metal::abs(at_2.x) - half_size.x) + corner;
    float dy = (metal::abs(at_2.y) - half_size.y) + corner;
    float outside_x = metal::max(dx, 0.0);
    float outside_y = metal::max(dy, 0.0);
    float outside = metal::sqrt((outside_x * outside_x) + (outside_y * outside_y));
    return (outside + metal::min(metal::max(dx, dy), 0.0)) - corner;
}

float sd_circle(
    metal::float2 at_3,
    float radius
) {
    return metal::sqrt((at_3.x * at_3.x) + (at_3.y * at_3.y)) - radius;
}

metal::float3 draw_1(
    State state_6,
    metal::float2 uv
) {
    metal::float3 colour_1 = metal::float3(1.0, 1.0, 1.0);
    metal::float2 at_5 = metal::float2((uv.x - 0.5) * 4.8, (0.75 - uv.y) * 3.2);
    metal::float2 axle = metal::float2(at_5.x - state_6.x, at_5.y - 0.06);
    metal::float2 _e21 = sincos_f32_(state_6.theta);
    float along = (axle.x * _e21.x) + (axle.y * _e21.y);
    metal::float2 pole_frame = metal::float2((axle.x * _e21.y) - (axle.y * _e21.x), along - 0.46);
    metal::float3 _e44 = colour_1;
    metal::float3 _e53 = paint(_e44, metal::float3(0.1, 0.1, 0.12), metal::abs(at_5.y) - 0.008);
    colour_1 = _e53;
    metal::float3 _e54 = colour_1;
    float _e68 = sd_round_box(metal::float2(at_5.x - state_6.x, at_5.y), metal::float2(0.2, 0.12), 0.03);
    metal::float3 _e69 = paint(_e54, metal::float3(0.13, 0.14, 0.17), _e68);
    colour_1 = _e69;
    metal::float3 _e70 = colour_1;
    float _e79 = sd_round_box(pole_frame, metal::float2(0.04, 0.5), 0.04);
    metal::float3 _e80 = paint(_e70, metal::float3(0.792, 0.596, 0.396), _e79);
    colour_1 = _e80;
    metal::float3 _e81 = colour_1;
    float _e87 = sd_circle(axle, 0.04);
    metal::float3 _e88 = paint(_e81, metal::float3(0.506, 0.518, 0.796), _e87);
    return _e88;
}

float sd_segment(
    metal::float2 at_4,
    metal::float2 a_3,
    metal::float2 b,
    float half_width
) {
    float px = at_4.x - a_3.x;
    float py = at_4.y - a_3.y;
    float dx_1 = b.x - a_3.x;
    float dy_1 = b.y - a_3.y;
    float along_1 = metal::clamp(((px * dx_1) + (py * dy_1)) / metal::max((dx_1 * dx_1) + (dy_1 * dy_1), 0.000000000001), 0.0, 1.0);
    float x_6 = px - (dx_1 * along_1);
    float y = py - (dy_1 * along_1);
    return metal::sqrt((x_6 * x_6) + (y * y)) - half_width;
}

bool env_loop(
    uint line,
    thread uint& env_loops,
    thread uint& env_loop_line
) {
    uint _e2 = env_loops;
    if (_e2 >= 0u) {
        env_loop_line = line;
        return true;
    }
    uint _e8 = env_loops;
    env_loops = _e8 + 1u;
    return false;
}

type_12 chosen_action(
    uint agent_1,
    uint index_7,
    uint step_2,
    device Params const& p,
    device type_2 const& agents,
    device type_3 const& q_3,
    constant _mslBufferSizes& _buffer_sizes
) {
    float epsilon = 0.0;
    Rng rng_11 = {};
    Agent h = agents[agent_1];
    uint _e10 = p.explore;
    if (_e10 == 1u) {
        uint _e18 = p.num_lanes;
        float _e21 = schedule(h.epsilon, h.epsilon_final, h.epsilon_decay_steps, static_cast<float>(step_2 * _e18));
        epsilon = _e21;
    }
    uint _e25 = p.stream;
    rng_11 = Rng {h.seed, _e25 + STREAM_ACTION, step_2, index_7, 0u};
    uint _e33 = p.policy;
    uint _e36 = p.uniform_steps;
    float _e38 = epsilon;
    Chooser how_1 = Chooser {_e33, step_2 < _e36, {}, _e38, h.alpha, h.target_entropy};
    uint _e44 = p.num_lanes;
    type_12 _e47 = choose(how_1, (agent_1 * _e44) + index_7, rng_11, q_3, _buffer_sizes);
    return _e47;
}

struct main_Input {
};
kernel void main_(
  metal::uint3 id [[thread_position_in_grid]]
, device Params const& p [[user(fake0)]]
, device type_2 const& agents [[user(fake0)]]
, device type_3 const& q_3 [[user(fake0)]]
, device type_4 const& env_params [[user(fake0)]]
, device type_5& state_7 [[user(fake0)]]
, device type_6& lanes [[user(fake0)]]
, device type_3& obs [[user(fake0)]]
, device type_7& replay [[user(fake0)]]
, constant _mslBufferSizes& _buffer_sizes [[user(fake0)]]
) {
    EnvParams env = {};
    type_15 seen = {};
    uint agent_2 = id.z;
    uint _e5 = p.num_lanes;
    if (id.x >= _e5) {
        return;
    }
    uint _e12 = p.num_lanes;
    uint _e18 = lanes[(agent_2 * _e12) + id.x].step;
    type_12 _e19 = chosen_action(agent_2, id.x, _e18, p, agents, q_3, _buffer_sizes);
    act_lane(agent_2, id.x, _e19, p, agents, env_params, state_7, lanes, obs, replay, env, seen, _buffer_sizes);
    return;
}
