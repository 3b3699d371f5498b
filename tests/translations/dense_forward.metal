// language: metal2.0
#include <metal_stdlib>
#include <simd/simd.h>

using metal::uint;

struct _mslBufferSizes {
    uint size1;
    uint size2;
    uint size3;
};

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
typedef float type_2[1];

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
    float k_1 = metal::floor((clamped * 1.442695) + 0.5);
    float r = (clamped - (k_1 * 0.6933594)) + (k_1 * 0.00021219444);
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
    return _e47 * as_type<float>(static_cast<uint>(as_type<int>(as_type<uint>(naga_f2i32(k_1)) + as_type<uint>(127))) << 23u);
}

float log_f32_(
    float x_1
) {
    float poly_1 = 0.070376836;
    uint bits = as_type<uint>(metal::max(x_1, 0.000000000000000000000000000000000000011754944));
    uint shifted = bits - 1060439283u;
    float k_2 = static_cast<float>(as_type<int>(shifted) >> 23u);
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
    float tail = ((f * z) * _e53) + (k_2 * -0.00021219444);
    return ((tail - (0.5 * z)) + f) + (k_2 * 0.6933594);
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
    float k_3 = metal::floor((x_4 * 0.63661975) + 0.5);
    float r_1 = ((x_4 - (k_3 * 1.5703125)) - (k_3 * 0.0004837513)) - (k_3 * 0.0000000754979);
    float z_1 = r_1 * r_1;
    float sine = ((((((-0.00019515296 * z_1) + 0.008332161) * z_1) - 0.16666655) * z_1) * r_1) + r_1;
    float cosine = (((((((0.000024433157 * z_1) - 0.0013887316) * z_1) + 0.041666646) * z_1) - 0.5) * z_1) + 1.0;
    uint quadrant = as_type<uint>(k_3 + 12582912.0);
    bool swapped = (quadrant & 1u) == 1u;
    uint s = as_type<uint>(swapped ? cosine : sine) ^ ((quadrant & 2u) << 30u);
    uint c = as_type<uint>(swapped ? sine : cosine) ^ (((quadrant + 1u) & 2u) << 30u);
    return metal::float2(as_type<float>(s), as_type<float>(c));
}

bool is_finite_f32_(
    float x_5
) {
    return (as_type<uint>(x_5) & 2139095040u) != 2139095040u;
}

float activate(
    float value,
    device Params const& p
) {
    uint _e3 = p.activation;
    if (_e3 == 1u) {
        return metal::max(value, 0.0);
    }
    uint _e10 = p.activation;
    if (_e10 == 2u) {
        float _e13 = tanh_f32_(value);
        return _e13;
    }
    return value;
}

void store(
    uint base,
    uint row,
    uint column,
    metal::float4 sums,
    metal::float4 bias,
    device Params const& p,
    device type_2& y,
    constant _mslBufferSizes& _buffer_sizes
) {
    uint _e7 = p.batch;
    if (row >= _e7) {
        return;
    }
    metal::float4 sum = sums + bias;
    uint _e12 = p.y_stride;
    uint _e17 = p.y_offset;
    uint at = ((base + (row * _e12)) + _e17) + column;
    float _e23 = activate(sum.x, p);
    y[at] = _e23;
    uint _e28 = p.out_dim;
    if ((column + 1u) < _e28) {
        float _e35 = activate(sum.y, p);
        y[at + 1u] = _e35;
    }
    uint _e40 = p.out_dim;
    if ((column + 2u) < _e40) {
        float _e47 = activate(sum.z, p);
        y[at + 2u] = _e47;
    }
    uint _e52 = p.out_dim;
    if ((column + 3u) < _e52) {
        float _e59 = activate(sum.w, p);
        y[at + 3u] = _e59;
        return;
    } else {
        return;
    }
}
uint naga_div(uint lhs, uint rhs) {
    return lhs / metal::select(rhs, 1u, rhs == 0u);
}

uint naga_mod(uint lhs, uint rhs) {
    return lhs % metal::select(rhs, 1u, rhs == 0u);
}


struct main_Input {
};
kernel void main_(
  metal::uint3 group [[threadgroup_position_in_grid]]
, uint local [[thread_index_in_threadgroup]]
, device Params const& p [[user(fake0)]]
, device type_2 const& x_6 [[user(fake0)]]
, device type_2 const& weights [[user(fake0)]]
, device type_2& y [[user(fake0)]]
, constant _mslBufferSizes& _buffer_sizes [[user(fake0)]]
) {
    uint w = {};
    metal::float4 sum0_ = metal::float4 {};
    metal::float4 sum1_ = metal::float4 {};
    metal::float4 sum2_ = metal::float4 {};
    metal::float4 sum3_ = metal::float4 {};
    uint k = 0u;
    uint slot = group.y;
    uint agent = group.z;
    uint tile = (group.x * 64u) + local;
    uint _e10 = p.out_dim;
    uint column_tiles = naga_div(_e10 + 3u, 4u);
    uint row_1 = naga_div(tile, column_tiles) * 4u;
    uint column_1 = naga_mod(tile, column_tiles) * 4u;
    uint _e23 = p.batch;
    if (row_1 >= _e23) {
        return;
    }
    uint _e27 = p.slot_net;
    uint net = (_e27 >> (4u * slot)) & 15u;
    uint _e35 = p.slot_x;
    uint x_slot = (_e35 >> (4u * slot)) & 15u;
    uint _e43 = p.batch;
    uint last_row = _e43 - 1u;
    uint _e48 = p.x_slots;
    uint _e53 = p.batch;
    uint x_base = ((agent * _e48) + x_slot) * _e53;
    uint _e58 = p.x_stride;
    uint _e62 = p.x_offset;
    uint x0_ = ((x_base + row_1) * _e58) + _e62;
    uint _e70 = p.x_stride;
    uint _e74 = p.x_offset;
    uint x1_ = ((x_base + metal::min(row_1 + 1u, last_row)) * _e70) + _e74;
    uint _e82 = p.x_stride;
    uint _e86 = p.x_offset;
    uint x2_ = ((x_base + metal::min(row_1 + 2u, last_row)) * _e82) + _e86;
    uint _e94 = p.x_stride;
    uint _e98 = p.x_offset;
    uint x3_ = ((x_base + metal::min(row_1 + 3u, last_row)) * _e94) + _e98;
    uint _e102 = p.out_dim;
    uint last_column = _e102 - 1u;
    uint c1_ = metal::min(column_1 + 1u, last_column);
    uint c2_ = metal::min(column_1 + 2u, last_column);
    uint c3_ = metal::min(column_1 + 3u, last_column);
    uint _e116 = p.nets;
    uint _e121 = p.net_params;
    uint _e125 = p.weight_offset;
    w = (((agent * _e116) + net) * _e121) + _e125;
    uint in_dim = p.in_dim;
    uint out_dim = p.out_dim;
    uint2 loop_bound = uint2(4294967295u);
    bool loop_init = true;
    while(true) {
        if (metal::all(loop_bound == uint2(0u))) { break; }
        loop_bound -= uint2(loop_bound.y == 0u, 1u);
        if (!loop_init) {
            uint _e202 = k;
            k = _e202 + 1u;
        }
        loop_init = false;
        uint _e144 = k;
        if (_e144 < in_dim) {
        } else {
            break;
        }
        {
            uint _e147 = w;
            float _e150 = weights[_e147 + column_1];
            uint _e152 = w;
            float _e155 = weights[_e152 + c1_];
            uint _e157 = w;
            float _e160 = weights[_e157 + c2_];
            uint _e162 = w;
            float _e165 = weights[_e162 + c3_];
            metal::float4 row_weights = metal::float4(_e150, _e155, _e160, _e165);
            metal::float4 _e167 = sum0_;
            uint _e169 = k;
            float _e172 = x_6[x0_ + _e169];
            sum0_ = _e167 + (_e172 * row_weights);
            metal::float4 _e175 = sum1_;
            uint _e177 = k;
            float _e180 = x_6[x1_ + _e177];
            sum1_ = _e175 + (_e180 * row_weights);
            metal::float4 _e183 = sum2_;
            uint _e185 = k;
            float _e188 = x_6[x2_ + _e185];
            sum2_ = _e183 + (_e188 * row_weights);
            metal::float4 _e191 = sum3_;
            uint _e193 = k;
            float _e196 = x_6[x3_ + _e193];
            sum3_ = _e191 + (_e196 * row_weights);
            uint _e199 = w;
            w = _e199 + out_dim;
        }
    }
    uint _e205 = w;
    float _e208 = weights[_e205 + column_1];
    uint _e210 = w;
    float _e213 = weights[_e210 + c1_];
    uint _e215 = w;
    float _e218 = weights[_e215 + c2_];
    uint _e220 = w;
    float _e223 = weights[_e220 + c3_];
    metal::float4 bias_1 = metal::float4(_e208, _e213, _e218, _e223);
    uint _e227 = p.slots;
    uint _e232 = p.batch;
    uint _e236 = p.y_stride;
    uint y_base = (((agent * _e227) + slot) * _e232) * _e236;
    metal::float4 _e238 = sum0_;
    store(y_base, row_1, column_1, _e238, bias_1, p, y, _buffer_sizes);
    metal::float4 _e241 = sum1_;
    store(y_base, row_1 + 1u, column_1, _e241, bias_1, p, y, _buffer_sizes);
    metal::float4 _e244 = sum2_;
    store(y_base, row_1 + 2u, column_1, _e244, bias_1, p, y, _buffer_sizes);
    metal::float4 _e247 = sum3_;
    store(y_base, row_1 + 3u, column_1, _e247, bias_1, p, y, _buffer_sizes);
    return;
}
