// language: metal1.0
#include <metal_stdlib>
#include <simd/simd.h>

using metal::uint;

struct _mslBufferSizes {
    uint size1;
    uint size2;
    uint size3;
    uint size4;
    uint size5;
};

struct Params {
    uint count;
    uint eps_inside;
    uint l2_;
    uint agents;
};
struct Agent {
    uint seed;
    uint target_update_interval;
    float gamma;
    float learning_rate;
    float one_minus_beta1_;
    float one_minus_beta2_;
    float ln_beta1_;
    float ln_beta2_;
    float adam_eps;
    float polyak;
    float max_grad_norm;
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
    float weight_decay;
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
    float grad_norm;
    float grad_scale;
    float correction1_;
    float correction2_;
    float entropy;
    float max_priority;
    uint window_updates;
    float entropy_sum;
    float loss_sum;
    float q_sum;
    float grad_norm_sum;
};
typedef Agent type_2[1];
typedef float type_3[1];
struct Lane {
    uint step;
    uint episode_step;
    float episode_return;
    uint episodes;
    float first_return;
    uint window_episodes;
    float window_return;
    float window_length;
};
struct TdError {
    float error;
    float loss;
};

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

float normal_or_zero(
    float x
) {
    return (metal::abs(x) < 0.000000000000000000000000000000000000011754944) ? 0.0 : x;
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
, device type_2 const& agents [[user(fake0)]]
, device type_3 const& grads [[user(fake0)]]
, device type_3& weights [[user(fake0)]]
, device type_3& m [[user(fake0)]]
, device type_3& v [[user(fake0)]]
, constant _mslBufferSizes& _buffer_sizes [[user(fake0)]]
) {
    uint pass_index = 0u;
    float w = {};
    float g = {};
    bool local_1 = {};
    uint agent = group.z;
    Agent h = agents[agent];
    if (h.nonfinite != 0u) {
        return;
    }
    bool update_target = naga_mod(h.updates + 1u, h.target_update_interval) == 0u;
    uint2 loop_bound = uint2(4294967295u);
    bool loop_init = true;
    while(true) {
        if (metal::all(loop_bound == uint2(0u))) { break; }
        loop_bound -= uint2(loop_bound.y == 0u, 1u);
        if (!loop_init) {
            uint _e174 = pass_index;
            pass_index = _e174 + 1u;
        }
        loop_init = false;
        uint _e18 = pass_index;
        if (_e18 < 4u) {
        } else {
            break;
        }
        {
            uint _e24 = pass_index;
            uint element = ((group.x * 256u) + (_e24 * 64u)) + local;
            uint _e31 = p.count;
            if (element >= _e31) {
                return;
            }
            uint _e35 = p.count;
            uint i = (agent * _e35) + element;
            uint _e42 = p.count;
            uint online = ((agent * 2u) * _e42) + element;
            float _e47 = weights[online];
            w = _e47;
            float _e51 = grads[i];
            g = _e51 * h.grad_scale;
            uint _e57 = p.l2_;
            if (_e57 == 1u) {
                float _e60 = g;
                float _e62 = w;
                g = _e60 + (h.weight_decay * _e62);
            }
            float _e67 = m[i];
            float _e69 = g;
            float _e72 = m[i];
            float _e76 = normal_or_zero(_e67 + (h.one_minus_beta1_ * (_e69 - _e72)));
            float _e79 = v[i];
            float _e83 = v[i];
            float _e87 = g;
            float _e89 = g;
            float _e92 = normal_or_zero((_e79 - (h.one_minus_beta2_ * _e83)) + ((h.one_minus_beta2_ * _e87) * _e89));
            m[i] = _e76;
            v[i] = _e92;
            uint _e99 = p.l2_;
            if (_e99 == 0u) {
                local_1 = h.weight_decay > 0.0;
            } else {
                local_1 = false;
            }
            bool _e108 = local_1;
            if (_e108) {
                float _e109 = w;
                float _e113 = w;
                w = _e109 - ((h.learning_rate * h.weight_decay) * _e113);
            }
            uint _e118 = p.eps_inside;
            if (_e118 == 1u) {
                float _e121 = w;
                w = _e121 - ((((h.learning_rate * metal::sqrt(h.correction2_)) / h.correction1_) * _e76) / (metal::sqrt(_e92) + h.adam_eps));
            } else {
                float _e134 = w;
                w = _e134 - ((h.learning_rate / h.correction1_) * (_e76 / ((metal::sqrt(_e92) / metal::sqrt(h.correction2_)) + h.adam_eps)));
            }
            float _e149 = w;
            weights[online] = _e149;
            if (update_target) {
                uint _e153 = p.count;
                float w_target = weights[online + _e153];
                uint _e160 = p.count;
                float _e164 = w;
                float _e168 = w;
                weights[online + _e160] = (h.polyak >= 1.0) ? _e168 : (w_target + (h.polyak * (_e164 - w_target)));
            }
        }
    }
    return;
}
