#version 310 es

precision highp float;
precision highp int;

layout(local_size_x = 64, local_size_y = 1, local_size_z = 1) in;

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
};
struct EnvParams {
    float gravity;
    float masscart;
    float masspole;
    float length_;
    float force_mag;
};
struct State {
    float x;
    float x_dot;
    float theta;
    float theta_dot;
};
struct Lane {
    uint step_;
    uint episode_step;
    float episode_return;
    uint episodes;
    float first_return;
    uint window_episodes;
    float window_return;
    float window_length;
};
struct Rng {
    uint seed;
    uint stream;
    uint step_;
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
struct Outcome {
    float reward;
    bool terminated;
};
const uint STREAM_RESET = 0u;
const uint STREAM_ACTION = 1u;
const uint STREAM_STEP = 2u;
const uint STREAM_REPLAY = 3u;
const uint STREAM_BACKUP = 4u;
const uint STREAMS = 8u;
const uint BISECTIONS = 24u;
const uint ACTION_OUTPUTS = 2u;
const uint OBS_SIZE = 4u;
const uint NUM_ACTIONS = 2u;
const uint MAX_EPISODE_STEPS = 500u;
const uint RENDER_FPS = 50u;
const EnvParams DEFAULT_PARAMS = EnvParams(9.8, 1.0, 0.1, 0.5, 10.0);
const uint ACTION_WORDS = 1u;
const uint HEAD_SIZES[1] = uint[1](2u);

layout(std430) readonly buffer Params_block_0Compute { Params _group_0_binding_0_cs; };

layout(std430) readonly buffer type_2_block_1Compute { Agent _group_0_binding_1_cs[]; };

layout(std430) readonly buffer type_3_block_2Compute { float _group_0_binding_2_cs[]; };

layout(std430) readonly buffer type_4_block_3Compute { EnvParams _group_0_binding_3_cs[]; };

layout(std430) buffer type_5_block_4Compute { State _group_0_binding_4_cs[]; };

layout(std430) buffer type_6_block_5Compute { Lane _group_0_binding_5_cs[]; };

layout(std430) buffer type_3_block_6Compute { float _group_0_binding_6_cs[]; };

layout(std430) buffer type_3_block_7Compute { float _group_0_binding_7_cs[]; };

EnvParams env = EnvParams(0.0, 0.0, 0.0, 0.0, 0.0);

float seen[4] = float[4](0.0, 0.0, 0.0, 0.0);


float exp_f32_(float x) {
    float poly = 0.00019875691;
    if ((x < -87.0)) {
        return 0.0;
    }
    float clamped = min(x, 88.0);
    float k = floor(((clamped * 1.442695) + 0.5));
    float r = ((clamped - (k * 0.6933594)) + (k * 0.00021219444));
    float _e19 = poly;
    poly = ((_e19 * r) + 0.0013981999);
    float _e23 = poly;
    poly = ((_e23 * r) + 0.008333452);
    float _e27 = poly;
    poly = ((_e27 * r) + 0.041665796);
    float _e31 = poly;
    poly = ((_e31 * r) + 0.16666666);
    float _e35 = poly;
    poly = ((_e35 * r) + 0.5);
    float _e39 = poly;
    poly = ((_e39 * r) + 1.0);
    float _e43 = poly;
    poly = ((_e43 * r) + 1.0);
    float _e47 = poly;
    return (_e47 * uintBitsToFloat((uint((int(k) + 127)) << 23u)));
}

float log_f32_(float x_1) {
    float poly_1 = 0.070376836;
    uint bits = floatBitsToUint(max(x_1, 1.1754944e-38));
    uint shifted = (bits - 1060439283u);
    float k_1 = float((int(shifted) >> 23u));
    float f = (uintBitsToFloat(((shifted & 8388607u) + 1060439283u)) - 1.0);
    float z = (f * f);
    float _e20 = poly_1;
    poly_1 = ((_e20 * f) - 0.1151461);
    float _e24 = poly_1;
    poly_1 = ((_e24 * f) + 0.116769984);
    float _e28 = poly_1;
    poly_1 = ((_e28 * f) - 0.12420141);
    float _e32 = poly_1;
    poly_1 = ((_e32 * f) + 0.14249323);
    float _e36 = poly_1;
    poly_1 = ((_e36 * f) - 0.16668057);
    float _e40 = poly_1;
    poly_1 = ((_e40 * f) + 0.20000714);
    float _e44 = poly_1;
    poly_1 = ((_e44 * f) - 0.24999994);
    float _e48 = poly_1;
    poly_1 = ((_e48 * f) + 0.3333333);
    float _e53 = poly_1;
    float tail = (((f * z) * _e53) + (k_1 * -0.00021219444));
    return (((tail - (0.5 * z)) + f) + (k_1 * 0.6933594));
}

float expm1_f32_(float x_2) {
    float poly_2 = 0.0001984127;
    if ((abs(x_2) > 0.35)) {
        float _e4 = exp_f32_(x_2);
        return (_e4 - 1.0);
    }
    float _e9 = poly_2;
    poly_2 = ((_e9 * x_2) + 0.0013888889);
    float _e13 = poly_2;
    poly_2 = ((_e13 * x_2) + 0.008333334);
    float _e17 = poly_2;
    poly_2 = ((_e17 * x_2) + 0.041666668);
    float _e21 = poly_2;
    poly_2 = ((_e21 * x_2) + 0.16666667);
    float _e25 = poly_2;
    poly_2 = ((_e25 * x_2) + 0.5);
    float _e29 = poly_2;
    return ((_e29 * (x_2 * x_2)) + x_2);
}

float tanh_f32_(float x_3) {
    float _e6 = expm1_f32_(clamp((2.0 * x_3), -40.0, 40.0));
    return (_e6 / (_e6 + 2.0));
}

vec2 sincos_f32_(float x_4) {
    float s_1 = 0.0;
    float c = 0.0;
    bool local_1 = false;
    float magnitude = abs(x_4);
    uint octant = ((uint((magnitude * 1.2732395)) + 1u) & 4294967294u);
    float y = float(octant);
    float r_1 = (((magnitude - (y * 0.78515625)) - (y * 0.00024187565)) - (y * 3.774895e-8));
    float z_1 = (r_1 * r_1);
    float sine = (((((((-0.00019515296 * z_1) + 0.008332161) * z_1) - 0.16666655) * z_1) * r_1) + r_1);
    float cosine = ((((((((2.4433157e-5 * z_1) - 0.0013887316) * z_1) + 0.041666646) * z_1) - 0.5) * z_1) + 1.0);
    uint quadrant = ((octant >> 1u) & 3u);
    bool swapped = ((quadrant & 1u) == 1u);
    s_1 = (swapped ? cosine : sine);
    c = (swapped ? sine : cosine);
    if ((quadrant >= 2u)) {
        float _e57 = s_1;
        s_1 = -(_e57);
    }
    if (!((quadrant == 1u))) {
        local_1 = (quadrant == 2u);
    } else {
        local_1 = true;
    }
    bool _e67 = local_1;
    if (_e67) {
        float _e68 = c;
        c = -(_e68);
    }
    float _e70 = s_1;
    float _e71 = s_1;
    float _e76 = c;
    return vec2(((x_4 < 0.0) ? -(_e71) : _e70), _e76);
}

bool is_finite_f32_(float x_5) {
    return ((floatBitsToUint(x_5) & 2139095040u) != 2139095040u);
}

uvec4 pcg4d(uvec4 input_) {
    uvec4 v = uvec4(0u);
    v = ((input_ * 1664525u) + uvec4(1013904223u));
    uint _e8 = v.x;
    uint _e10 = v.y;
    uint _e12 = v.w;
    v.x = (_e8 + (_e10 * _e12));
    uint _e16 = v.y;
    uint _e18 = v.z;
    uint _e20 = v.x;
    v.y = (_e16 + (_e18 * _e20));
    uint _e24 = v.z;
    uint _e26 = v.x;
    uint _e28 = v.y;
    v.z = (_e24 + (_e26 * _e28));
    uint _e32 = v.w;
    uint _e34 = v.y;
    uint _e36 = v.z;
    v.w = (_e32 + (_e34 * _e36));
    uvec4 _e39 = v;
    uvec4 _e40 = v;
    v = (_e39 ^ (_e40 >> uvec4(16u)));
    uint _e46 = v.x;
    uint _e48 = v.y;
    uint _e50 = v.w;
    v.x = (_e46 + (_e48 * _e50));
    uint _e54 = v.y;
    uint _e56 = v.z;
    uint _e58 = v.x;
    v.y = (_e54 + (_e56 * _e58));
    uint _e62 = v.z;
    uint _e64 = v.x;
    uint _e66 = v.y;
    v.z = (_e62 + (_e64 * _e66));
    uint _e70 = v.w;
    uint _e72 = v.y;
    uint _e74 = v.z;
    v.w = (_e70 + (_e72 * _e74));
    uvec4 _e77 = v;
    return _e77;
}

uint rng_u32_(inout Rng rng) {
    uint _e2 = rng.lane;
    uint _e4 = rng.step_;
    uint _e6 = rng.stream;
    uint _e10 = rng.draw;
    uint _e13 = rng.seed;
    uvec4 _e15 = pcg4d(uvec4(_e2, _e4, ((_e6 << 16u) | _e10), _e13));
    uint word = _e15.x;
    uint _e18 = rng.draw;
    rng.draw = (_e18 + 1u);
    return word;
}

float rng_uniform(inout Rng rng_1) {
    uint _e1 = rng_u32_(rng_1);
    return ((float((_e1 >> 9u)) + 0.5) * 1.1920929e-7);
}

float rng_range(inout Rng rng_2, float low, float high) {
    float _e4 = rng_uniform(rng_2);
    return (low + ((high - low) * _e4));
}

float schedule(float start, float end, float steps, float now) {
    if ((steps <= 0.0)) {
        return start;
    }
    return (start + ((end - start) * min((now / steps), 1.0)));
}

float scaled(float q, float top, float alpha) {
    return min(((q - top) / alpha), 0.0);
}

float q_value(uint source, uint row, uint action_1) {
    float _e9 = _group_0_binding_2_cs[(((row * ACTION_OUTPUTS) + source) + action_1)];
    return _e9;
}

uint argmax_of(uint source_1, uint row_1, uint actions) {
    uint best = 0u;
    float top_1 = 0.0;
    uint a = 1u;
    float _e6 = q_value(source_1, row_1, 0u);
    top_1 = _e6;
    bool loop_init = true;
    while(true) {
        if (!loop_init) {
            uint _e18 = a;
            a = (_e18 + 1u);
        }
        loop_init = false;
        uint _e10 = a;
        if ((_e10 < actions)) {
        } else {
            break;
        }
        {
            uint _e12 = a;
            float _e13 = q_value(source_1, row_1, _e12);
            float _e14 = top_1;
            if ((_e13 > _e14)) {
                top_1 = _e13;
                uint _e16 = a;
                best = _e16;
            }
        }
    }
    uint _e20 = best;
    return _e20;
}

Softmax softmax_of(uint source_2, uint row_2, uint actions_1, float alpha_1) {
    Softmax result = Softmax(0.0, 0.0, 0.0, 0.0);
    float weighted = 0.0;
    uint a_1 = 0u;
    uint _e6 = argmax_of(source_2, row_2, actions_1);
    float _e7 = q_value(source_2, row_2, _e6);
    result.top = _e7;
    result.sum = 0.0;
    bool loop_init_1 = true;
    while(true) {
        if (!loop_init_1) {
            uint _e29 = a_1;
            a_1 = (_e29 + 1u);
        }
        loop_init_1 = false;
        uint _e14 = a_1;
        if ((_e14 < actions_1)) {
        } else {
            break;
        }
        {
            uint _e16 = a_1;
            float _e17 = q_value(source_2, row_2, _e16);
            float _e19 = result.top;
            float _e20 = scaled(_e17, _e19, alpha_1);
            float _e21 = exp_f32_(_e20);
            float _e23 = result.sum;
            result.sum = (_e23 + _e21);
            float _e25 = weighted;
            weighted = (_e25 + (_e21 * _e20));
        }
    }
    float _e33 = result.sum;
    float _e34 = log_f32_(_e33);
    result.log_sum = _e34;
    float _e37 = result.log_sum;
    float _e38 = weighted;
    float _e40 = result.sum;
    result.entropy = (_e37 - (_e38 / _e40));
    Softmax _e43 = result;
    return _e43;
}

float probability(Softmax softmax, float q_1, float alpha_2) {
    float _e4 = scaled(q_1, softmax.top, alpha_2);
    float _e5 = exp_f32_(_e4);
    return (_e5 / softmax.sum);
}

float log_probability(Softmax softmax_1, float q_2, float alpha_3) {
    float _e4 = scaled(q_2, softmax_1.top, alpha_3);
    return (_e4 - softmax_1.log_sum);
}

float temperature_of(uint source_3, uint row_3, uint actions_2, float wanted) {
    float low_1 = -9.2103405;
    float high_1 = 9.2103405;
    uint i_2 = 0u;
    bool loop_init_2 = true;
    while(true) {
        if (!loop_init_2) {
            uint _e23 = i_2;
            i_2 = (_e23 + 1u);
        }
        loop_init_2 = false;
        uint _e10 = i_2;
        if ((_e10 < BISECTIONS)) {
        } else {
            break;
        }
        {
            float _e13 = low_1;
            float _e14 = high_1;
            float middle = (0.5 * (_e13 + _e14));
            float _e18 = exp_f32_(middle);
            Softmax _e19 = softmax_of(source_3, row_3, actions_2, _e18);
            if ((_e19.entropy < wanted)) {
                low_1 = middle;
            } else {
                high_1 = middle;
            }
        }
    }
    float _e25 = low_1;
    float _e26 = high_1;
    float _e30 = exp_f32_((0.5 * (_e25 + _e26)));
    return _e30;
}

uint sample_of(uint source_4, uint row_4, uint actions_3, float alpha_4, Softmax softmax_2, float u) {
    float cumulative = 0.0;
    uint a_2 = 0u;
    bool loop_init_3 = true;
    while(true) {
        if (!loop_init_3) {
            uint _e23 = a_2;
            a_2 = (_e23 + 1u);
        }
        loop_init_3 = false;
        uint _e10 = a_2;
        if (((_e10 + 1u) < actions_3)) {
        } else {
            break;
        }
        {
            float _e14 = cumulative;
            uint _e15 = a_2;
            float _e16 = q_value(source_4, row_4, _e15);
            float _e17 = probability(softmax_2, _e16, alpha_4);
            cumulative = (_e14 + _e17);
            float _e19 = cumulative;
            if ((u < _e19)) {
                uint _e21 = a_2;
                return _e21;
            }
        }
    }
    return (actions_3 - 1u);
}

State reset(inout Rng rng_3) {
    float _e3 = rng_range(rng_3, -0.05, 0.05);
    float _e6 = rng_range(rng_3, -0.05, 0.05);
    float _e9 = rng_range(rng_3, -0.05, 0.05);
    float _e12 = rng_range(rng_3, -0.05, 0.05);
    return State(_e3, _e6, _e9, _e12);
}

Outcome step_(inout State state, uint action_2, inout Rng rng_4) {
    bool local_2 = false;
    State s_2 = state;
    float _e6 = env.masspole;
    float _e9 = env.masscart;
    float total_mass = (_e6 + _e9);
    float _e13 = env.masspole;
    float _e16 = env.length_;
    float polemass_length = (_e13 * _e16);
    float _e20 = env.force_mag;
    float _e24 = env.force_mag;
    float force = ((action_2 == 1u) ? _e24 : -(_e20));
    vec2 _e29 = sincos_f32_(s_2.theta);
    float sine_1 = _e29.x;
    float cosine_1 = _e29.y;
    float push = ((force + (((polemass_length * s_2.theta_dot) * s_2.theta_dot) * sine_1)) / total_mass);
    float _e41 = env.gravity;
    float _e47 = env.length_;
    float _e50 = env.masspole;
    float theta_acc = (((_e41 * sine_1) - (cosine_1 * push)) / (_e47 * (1.3333334 - (((_e50 * cosine_1) * cosine_1) / total_mass))));
    float x_acc = (push - (((polemass_length * theta_acc) * cosine_1) / total_mass));
    State next = State((s_2.x + (0.02 * s_2.x_dot)), (s_2.x_dot + (0.02 * x_acc)), (s_2.theta + (0.02 * s_2.theta_dot)), (s_2.theta_dot + (0.02 * theta_acc)));
    state = next;
    if (!((abs(next.x) > 2.4))) {
        local_2 = (abs(next.theta) > 0.20943952);
    } else {
        local_2 = true;
    }
    bool _e93 = local_2;
    return Outcome(1.0, _e93);
}

float[4] observe(State state_1) {
    return float[4](state_1.x, state_1.x_dot, state_1.theta, state_1.theta_dot);
}

vec3 paint(vec3 under, vec3 colour, float distance_) {
    return ((distance_ <= 0.0) ? colour : under);
}

float sd_round_box(vec2 at, vec2 half_size, float corner) {
    float dx = ((abs(at.x) - half_size.x) + corner);
    float dy = ((abs(at.y) - half_size.y) + corner);
    float outside_x = max(dx, 0.0);
    float outside_y = max(dy, 0.0);
    float outside = sqrt(((outside_x * outside_x) + (outside_y * outside_y)));
    return ((outside + min(max(dx, dy), 0.0)) - corner);
}

float sd_circle(vec2 at_1, float radius) {
    return (sqrt(((at_1.x * at_1.x) + (at_1.y * at_1.y))) - radius);
}

vec3 draw(State state_2, vec2 uv) {
    vec3 colour_1 = vec3(1.0, 1.0, 1.0);
    vec2 at_3 = vec2(((uv.x - 0.5) * 4.8), ((0.75 - uv.y) * 3.2));
    vec2 axle = vec2((at_3.x - state_2.x), (at_3.y - 0.06));
    vec2 _e21 = sincos_f32_(state_2.theta);
    float along = ((axle.x * _e21.x) + (axle.y * _e21.y));
    vec2 pole_frame = vec2(((axle.x * _e21.y) - (axle.y * _e21.x)), (along - 0.46));
    vec3 _e44 = colour_1;
    vec3 _e53 = paint(_e44, vec3(0.1, 0.1, 0.12), (abs(at_3.y) - 0.008));
    colour_1 = _e53;
    vec3 _e54 = colour_1;
    float _e68 = sd_round_box(vec2((at_3.x - state_2.x), at_3.y), vec2(0.2, 0.12), 0.03);
    vec3 _e69 = paint(_e54, vec3(0.13, 0.14, 0.17), _e68);
    colour_1 = _e69;
    vec3 _e70 = colour_1;
    float _e79 = sd_round_box(pole_frame, vec2(0.04, 0.5), 0.04);
    vec3 _e80 = paint(_e70, vec3(0.792, 0.596, 0.396), _e79);
    colour_1 = _e80;
    vec3 _e81 = colour_1;
    float _e87 = sd_circle(axle, 0.04);
    vec3 _e88 = paint(_e81, vec3(0.506, 0.518, 0.796), _e87);
    return _e88;
}

float sd_segment(vec2 at_2, vec2 a_3, vec2 b, float half_width) {
    float px = (at_2.x - a_3.x);
    float py = (at_2.y - a_3.y);
    float dx_1 = (b.x - a_3.x);
    float dy_1 = (b.y - a_3.y);
    float along_1 = clamp((((px * dx_1) + (py * dy_1)) / max(((dx_1 * dx_1) + (dy_1 * dy_1)), 1e-12)), 0.0, 1.0);
    float x_6 = (px - (dx_1 * along_1));
    float y_1 = (py - (dy_1 * along_1));
    return (sqrt(((x_6 * x_6) + (y_1 * y_1))) - half_width);
}

void see(State state_3) {
    float _e2[4] = observe(state_3);
    seen = _e2;
    return;
}

float seen_at(uint index) {
    float _e3 = seen[index];
    return _e3;
}

uint uniform_choice(float u_1, uint actions_4) {
    return min(uint((u_1 * float(actions_4))), (actions_4 - 1u));
}

uint[1] random_action(inout Rng rng_5) {
    float _e1 = rng_uniform(rng_5);
    uint _e3 = uniform_choice(_e1, NUM_ACTIONS);
    return uint[1](_e3);
}

Outcome take_step(inout State state_4, uint action_3[1], inout Rng rng_6) {
    Outcome _e4 = step_(state_4, action_3[0], rng_6);
    return _e4;
}

uint[1] choose(uint agent, uint lane, inout Rng rng_7) {
    float epsilon = 0.0;
    bool local_3 = false;
    float alpha_5 = 0.0;
    uint sizes[1] = HEAD_SIZES;
    uint chosen[1] = uint[1](0u);
    uint column = 0u;
    uint head_1 = 0u;
    uint _e6 = _group_0_binding_5_cs[lane].step_;
    uint _e9 = _group_0_binding_0_cs.num_lanes;
    uint env_steps = (_e6 * _e9);
    uint _e15 = _group_0_binding_0_cs.explore;
    if ((_e15 == 1u)) {
        Agent h = _group_0_binding_1_cs[agent];
        float _e25 = schedule(h.epsilon, h.epsilon_final, h.epsilon_decay_steps, float(env_steps));
        epsilon = _e25;
    }
    float _e26 = rng_uniform(rng_7);
    uint _e30 = _group_0_binding_5_cs[lane].step_;
    uint _e33 = _group_0_binding_0_cs.uniform_steps;
    if (!((_e30 < _e33))) {
        float _e38 = epsilon;
        local_3 = (_e26 < _e38);
    } else {
        local_3 = true;
    }
    bool _e41 = local_3;
    if (_e41) {
        uint _e42[1] = random_action(rng_7);
        return _e42;
    }
    float _e46 = _group_0_binding_1_cs[agent].alpha;
    alpha_5 = _e46;
    bool loop_init_4 = true;
    while(true) {
        if (!loop_init_4) {
            uint _e93 = head_1;
            head_1 = (_e93 + 1u);
        }
        loop_init_4 = false;
        uint _e55 = head_1;
        if ((_e55 < ACTION_WORDS)) {
        } else {
            break;
        }
        {
            float _e58 = rng_uniform(rng_7);
            uint _e59 = head_1;
            uint actions_5 = sizes[_e59];
            uint _e64 = _group_0_binding_0_cs.policy;
            if ((_e64 == 1u)) {
                uint _e67 = head_1;
                uint _e69 = column;
                uint _e70 = argmax_of(_e69, lane, actions_5);
                chosen[_e67] = _e70;
            } else {
                uint _e73 = _group_0_binding_0_cs.policy;
                if ((_e73 == 2u)) {
                    uint _e76 = column;
                    float _e80 = _group_0_binding_1_cs[agent].target_entropy;
                    float _e81 = temperature_of(_e76, lane, actions_5, _e80);
                    alpha_5 = _e81;
                }
                uint _e82 = head_1;
                uint _e84 = column;
                float _e85 = alpha_5;
                uint _e86 = column;
                float _e87 = alpha_5;
                Softmax _e88 = softmax_of(_e86, lane, actions_5, _e87);
                uint _e89 = sample_of(_e84, lane, actions_5, _e85, _e88, _e58);
                chosen[_e82] = _e89;
            }
            uint _e90 = column;
            column = (_e90 + actions_5);
        }
    }
    uint _e95[1] = chosen;
    return _e95;
}

void main() {
    uvec3 id = gl_GlobalInvocationID;
    Lane l = Lane(0u, 0u, 0.0, 0u, 0.0, 0u, 0.0, 0.0);
    Rng action_rng = Rng(0u, 0u, 0u, 0u, 0u);
    uint action[1] = uint[1](0u);
    State s = State(0.0, 0.0, 0.0, 0.0);
    Rng step_rng = Rng(0u, 0u, 0u, 0u, 0u);
    uint i = 0u;
    uint head = 0u;
    bool local = false;
    Rng reset_rng = Rng(0u, 0u, 0u, 0u, 0u);
    uint i_1 = 0u;
    uint agent_1 = id.z;
    uint _e5 = _group_0_binding_0_cs.num_lanes;
    if ((id.x >= _e5)) {
        return;
    }
    uint _e9 = _group_0_binding_0_cs.num_lanes;
    uint lane_1 = ((agent_1 * _e9) + id.x);
    uint seed = _group_0_binding_1_cs[agent_1].seed;
    Lane _e19 = _group_0_binding_5_cs[lane_1];
    l = _e19;
    uint _e23 = _group_0_binding_0_cs.stream;
    uint _e27 = l.step_;
    action_rng = Rng(seed, (_e23 + STREAM_ACTION), _e27, id.x, 0u);
    uint _e32[1] = choose(agent_1, lane_1, action_rng);
    action = _e32;
    EnvParams _e37 = _group_0_binding_3_cs[lane_1];
    env = _e37;
    State _e40 = _group_0_binding_4_cs[lane_1];
    s = _e40;
    uint _e44 = _group_0_binding_0_cs.stream;
    uint _e48 = l.step_;
    step_rng = Rng(seed, (_e44 + STREAM_STEP), _e48, id.x, 0u);
    uint _e53[1] = action;
    Outcome _e54 = take_step(s, _e53, step_rng);
    State _e55 = s;
    see(_e55);
    uint _e57 = l.episode_step;
    l.episode_step = (_e57 + 1u);
    float _e61 = l.episode_return;
    l.episode_return = (_e61 + _e54.reward);
    uint _e65 = l.episode_step;
    bool truncated = (_e65 >= MAX_EPISODE_STEPS);
    uint _e70 = _group_0_binding_0_cs.capacity;
    if ((_e70 > 0u)) {
        uint _e75 = _group_0_binding_0_cs.capacity;
        uint _e78 = l.step_;
        uint _e81 = _group_0_binding_0_cs.capacity;
        uint _e84 = _group_0_binding_0_cs.num_lanes;
        uint _e89 = _group_0_binding_0_cs.num_lanes;
        uint row_5 = (((agent_1 * _e75) + ((_e78 % (_e81 / _e84)) * _e89)) + id.x);
        uint at_4 = (row_5 * 11u);
        bool loop_init_5 = true;
        while(true) {
            if (!loop_init_5) {
                uint _e121 = i;
                i = (_e121 + 1u);
            }
            loop_init_5 = false;
            uint _e98 = i;
            if ((_e98 < OBS_SIZE)) {
            } else {
                break;
            }
            {
                uint _e102 = i;
                uint _e108 = i;
                float _e111 = _group_0_binding_6_cs[((lane_1 * OBS_SIZE) + _e108)];
                _group_0_binding_7_cs[(at_4 + _e102)] = _e111;
                uint _e115 = i;
                uint _e118 = i;
                float _e119 = seen_at(_e118);
                _group_0_binding_7_cs[((at_4 + OBS_SIZE) + _e115)] = _e119;
            }
        }
        bool loop_init_6 = true;
        while(true) {
            if (!loop_init_6) {
                uint _e139 = head;
                head = (_e139 + 1u);
            }
            loop_init_6 = false;
            uint _e125 = head;
            if ((_e125 < ACTION_WORDS)) {
            } else {
                break;
            }
            {
                uint _e131 = head;
                uint _e134 = head;
                uint _e136 = action[_e134];
                _group_0_binding_7_cs[((at_4 + 8u) + _e131)] = float(_e136);
            }
        }
        float _e151 = _group_0_binding_1_cs[agent_1].reward_scale;
        _group_0_binding_7_cs[((at_4 + 8u) + ACTION_WORDS)] = (_e54.reward * _e151);
        _group_0_binding_7_cs[(((at_4 + 8u) + ACTION_WORDS) + 1u)] = (_e54.terminated ? 1.0 : (truncated ? 2.0 : 0.0));
    }
    if (!(_e54.terminated)) {
        local = truncated;
    } else {
        local = true;
    }
    bool _e172 = local;
    if (_e172) {
        uint _e174 = l.episodes;
        if ((_e174 == 0u)) {
            float _e179 = l.episode_return;
            l.first_return = _e179;
        }
        uint _e181 = l.episodes;
        l.episodes = (_e181 + 1u);
        uint _e185 = l.window_episodes;
        l.window_episodes = (_e185 + 1u);
        float _e189 = l.window_return;
        float _e191 = l.episode_return;
        l.window_return = (_e189 + _e191);
        float _e194 = l.window_length;
        uint _e196 = l.episode_step;
        l.window_length = (_e194 + float(_e196));
        l.episode_step = 0u;
        l.episode_return = 0.0;
        uint _e205 = _group_0_binding_0_cs.stream;
        uint _e209 = l.step_;
        reset_rng = Rng(seed, (_e205 + STREAM_RESET), _e209, id.x, 0u);
        State _e214 = reset(reset_rng);
        s = _e214;
        State _e215 = s;
        see(_e215);
    }
    uint _e217 = l.step_;
    l.step_ = (_e217 + 1u);
    Lane _e222 = l;
    _group_0_binding_5_cs[lane_1] = _e222;
    State _e225 = s;
    _group_0_binding_4_cs[lane_1] = _e225;
    bool loop_init_7 = true;
    while(true) {
        if (!loop_init_7) {
            uint _e240 = i_1;
            i_1 = (_e240 + 1u);
        }
        loop_init_7 = false;
        uint _e228 = i_1;
        if ((_e228 < OBS_SIZE)) {
        } else {
            break;
        }
        {
            uint _e234 = i_1;
            uint _e237 = i_1;
            float _e238 = seen_at(_e237);
            _group_0_binding_6_cs[((lane_1 * OBS_SIZE) + _e234)] = _e238;
        }
    }
    return;
}

