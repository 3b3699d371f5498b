#version 310 es

precision highp float;
precision highp int;

layout(local_size_x = 64, local_size_y = 1, local_size_z = 1) in;

struct Params {
    uint batch;
    uint in_dim;
    uint out_dim;
    uint nets;
    uint net_params;
    uint weight_offset;
    uint slots;
    uint x_slots;
    uint slot_net;
    uint slot_x;
    uint activation;
    uint x_stride;
    uint x_offset;
    uint y_stride;
    uint y_offset;
    uint agents;
};
layout(std430) readonly buffer Params_block_0Compute { Params _group_0_binding_0_cs; };

layout(std430) readonly buffer type_2_block_1Compute { float _group_0_binding_1_cs[]; };

layout(std430) readonly buffer type_2_block_2Compute { float _group_0_binding_2_cs[]; };

layout(std430) buffer type_2_block_3Compute { float _group_0_binding_3_cs[]; };


float exp_f32_(float x) {
    float poly = 0.00019875691;
    if ((x < -87.0)) {
        return 0.0;
    }
    float clamped = min(x, 88.0);
    float k_1 = floor(((clamped * 1.442695) + 0.5));
    float r = ((clamped - (k_1 * 0.6933594)) + (k_1 * 0.00021219444));
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
    return (_e47 * uintBitsToFloat((uint((int(k_1) + 127)) << 23u)));
}

float log_f32_(float x_1) {
    float poly_1 = 0.070376836;
    uint bits = floatBitsToUint(max(x_1, 1.1754944e-38));
    uint shifted = (bits - 1060439283u);
    float k_2 = float((int(shifted) >> 23u));
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
    float tail = (((f * z) * _e53) + (k_2 * -0.00021219444));
    return (((tail - (0.5 * z)) + f) + (k_2 * 0.6933594));
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
    float k_3 = floor(((x_4 * 0.63661975) + 0.5));
    float r_1 = (((x_4 - (k_3 * 1.5703125)) - (k_3 * 0.0004837513)) - (k_3 * 7.54979e-8));
    float z_1 = (r_1 * r_1);
    float sine = (((((((-0.00019515296 * z_1) + 0.008332161) * z_1) - 0.16666655) * z_1) * r_1) + r_1);
    float cosine = ((((((((2.4433157e-5 * z_1) - 0.0013887316) * z_1) + 0.041666646) * z_1) - 0.5) * z_1) + 1.0);
    uint quadrant = floatBitsToUint((k_3 + 12582912.0));
    bool swapped = ((quadrant & 1u) == 1u);
    uint s = (floatBitsToUint((swapped ? cosine : sine)) ^ ((quadrant & 2u) << 30u));
    uint c = (floatBitsToUint((swapped ? sine : cosine)) ^ (((quadrant + 1u) & 2u) << 30u));
    return vec2(uintBitsToFloat(s), uintBitsToFloat(c));
}

bool is_finite_f32_(float x_5) {
    return ((floatBitsToUint(x_5) & 2139095040u) != 2139095040u);
}

float activate(float value) {
    uint _e3 = _group_0_binding_0_cs.activation;
    if ((_e3 == 1u)) {
        return max(value, 0.0);
    }
    uint _e10 = _group_0_binding_0_cs.activation;
    if ((_e10 == 2u)) {
        float _e13 = tanh_f32_(value);
        return _e13;
    }
    return value;
}

void store(uint base, uint row, uint column, vec4 sums, vec4 bias) {
    uint _e7 = _group_0_binding_0_cs.batch;
    if ((row >= _e7)) {
        return;
    }
    vec4 sum = (sums + bias);
    uint _e12 = _group_0_binding_0_cs.y_stride;
    uint _e17 = _group_0_binding_0_cs.y_offset;
    uint at = (((base + (row * _e12)) + _e17) + column);
    float _e23 = activate(sum.x);
    _group_0_binding_3_cs[at] = _e23;
    uint _e28 = _group_0_binding_0_cs.out_dim;
    if (((column + 1u) < _e28)) {
        float _e35 = activate(sum.y);
        _group_0_binding_3_cs[(at + 1u)] = _e35;
    }
    uint _e40 = _group_0_binding_0_cs.out_dim;
    if (((column + 2u) < _e40)) {
        float _e47 = activate(sum.z);
        _group_0_binding_3_cs[(at + 2u)] = _e47;
    }
    uint _e52 = _group_0_binding_0_cs.out_dim;
    if (((column + 3u) < _e52)) {
        float _e59 = activate(sum.w);
        _group_0_binding_3_cs[(at + 3u)] = _e59;
        return;
    } else {
        return;
    }
}

void main() {
    uvec3 group = gl_WorkGroupID;
    uint local = gl_LocalInvocationIndex;
    uint w = 0u;
    vec4 sum0_ = vec4(0.0);
    vec4 sum1_ = vec4(0.0);
    vec4 sum2_ = vec4(0.0);
    vec4 sum3_ = vec4(0.0);
    uint k = 0u;
    uint slot = group.y;
    uint agent = group.z;
    uint tile = ((group.x * 64u) + local);
    uint _e10 = _group_0_binding_0_cs.out_dim;
    uint column_tiles = ((_e10 + 3u) / 4u);
    uint row_1 = ((tile / column_tiles) * 4u);
    uint column_1 = ((tile % column_tiles) * 4u);
    uint _e23 = _group_0_binding_0_cs.batch;
    if ((row_1 >= _e23)) {
        return;
    }
    uint _e27 = _group_0_binding_0_cs.slot_net;
    uint net = ((_e27 >> (4u * slot)) & 15u);
    uint _e35 = _group_0_binding_0_cs.slot_x;
    uint x_slot = ((_e35 >> (4u * slot)) & 15u);
    uint _e43 = _group_0_binding_0_cs.batch;
    uint last_row = (_e43 - 1u);
    uint _e48 = _group_0_binding_0_cs.x_slots;
    uint _e53 = _group_0_binding_0_cs.batch;
    uint x_base = (((agent * _e48) + x_slot) * _e53);
    uint _e58 = _group_0_binding_0_cs.x_stride;
    uint _e62 = _group_0_binding_0_cs.x_offset;
    uint x0_ = (((x_base + row_1) * _e58) + _e62);
    uint _e70 = _group_0_binding_0_cs.x_stride;
    uint _e74 = _group_0_binding_0_cs.x_offset;
    uint x1_ = (((x_base + min((row_1 + 1u), last_row)) * _e70) + _e74);
    uint _e82 = _group_0_binding_0_cs.x_stride;
    uint _e86 = _group_0_binding_0_cs.x_offset;
    uint x2_ = (((x_base + min((row_1 + 2u), last_row)) * _e82) + _e86);
    uint _e94 = _group_0_binding_0_cs.x_stride;
    uint _e98 = _group_0_binding_0_cs.x_offset;
    uint x3_ = (((x_base + min((row_1 + 3u), last_row)) * _e94) + _e98);
    uint _e102 = _group_0_binding_0_cs.out_dim;
    uint last_column = (_e102 - 1u);
    uint c1_ = min((column_1 + 1u), last_column);
    uint c2_ = min((column_1 + 2u), last_column);
    uint c3_ = min((column_1 + 3u), last_column);
    uint _e116 = _group_0_binding_0_cs.nets;
    uint _e121 = _group_0_binding_0_cs.net_params;
    uint _e125 = _group_0_binding_0_cs.weight_offset;
    w = ((((agent * _e116) + net) * _e121) + _e125);
    uint in_dim = _group_0_binding_0_cs.in_dim;
    uint out_dim = _group_0_binding_0_cs.out_dim;
    bool loop_init = true;
    while(true) {
        if (!loop_init) {
            uint _e202 = k;
            k = (_e202 + 1u);
        }
        loop_init = false;
        uint _e144 = k;
        if ((_e144 < in_dim)) {
        } else {
            break;
        }
        {
            uint _e147 = w;
            float _e150 = _group_0_binding_2_cs[(_e147 + column_1)];
            uint _e152 = w;
            float _e155 = _group_0_binding_2_cs[(_e152 + c1_)];
            uint _e157 = w;
            float _e160 = _group_0_binding_2_cs[(_e157 + c2_)];
            uint _e162 = w;
            float _e165 = _group_0_binding_2_cs[(_e162 + c3_)];
            vec4 row_weights = vec4(_e150, _e155, _e160, _e165);
            vec4 _e167 = sum0_;
            uint _e169 = k;
            float _e172 = _group_0_binding_1_cs[(x0_ + _e169)];
            sum0_ = (_e167 + (_e172 * row_weights));
            vec4 _e175 = sum1_;
            uint _e177 = k;
            float _e180 = _group_0_binding_1_cs[(x1_ + _e177)];
            sum1_ = (_e175 + (_e180 * row_weights));
            vec4 _e183 = sum2_;
            uint _e185 = k;
            float _e188 = _group_0_binding_1_cs[(x2_ + _e185)];
            sum2_ = (_e183 + (_e188 * row_weights));
            vec4 _e191 = sum3_;
            uint _e193 = k;
            float _e196 = _group_0_binding_1_cs[(x3_ + _e193)];
            sum3_ = (_e191 + (_e196 * row_weights));
            uint _e199 = w;
            w = (_e199 + out_dim);
        }
    }
    uint _e205 = w;
    float _e208 = _group_0_binding_2_cs[(_e205 + column_1)];
    uint _e210 = w;
    float _e213 = _group_0_binding_2_cs[(_e210 + c1_)];
    uint _e215 = w;
    float _e218 = _group_0_binding_2_cs[(_e215 + c2_)];
    uint _e220 = w;
    float _e223 = _group_0_binding_2_cs[(_e220 + c3_)];
    vec4 bias_1 = vec4(_e208, _e213, _e218, _e223);
    uint _e227 = _group_0_binding_0_cs.slots;
    uint _e232 = _group_0_binding_0_cs.batch;
    uint _e236 = _group_0_binding_0_cs.y_stride;
    uint y_base = ((((agent * _e227) + slot) * _e232) * _e236);
    vec4 _e238 = sum0_;
    store(y_base, row_1, column_1, _e238, bias_1);
    vec4 _e241 = sum1_;
    store(y_base, (row_1 + 1u), column_1, _e241, bias_1);
    vec4 _e244 = sum2_;
    store(y_base, (row_1 + 2u), column_1, _e244, bias_1);
    vec4 _e247 = sum3_;
    store(y_base, (row_1 + 3u), column_1, _e247, bias_1);
    return;
}

