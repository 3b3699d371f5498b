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
    uint size6;
};

struct Params {
    uint count;
    uint targets;
    uint eps_inside;
    uint l2_;
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
typedef Agent type_2[1];
struct Optimizer {
    float learning_rate;
    float one_minus_beta1_;
    float one_minus_beta2_;
    float ln_beta1_;
    float ln_beta2_;
    float adam_eps;
    float weight_decay;
    float max_grad_norm;
    uint target_update_interval;
    float polyak;
    uint steps;
    float grad_norm;
    float grad_scale;
    float correction1_;
    float correction2_;
};
typedef Optimizer type_3[1];
typedef float type_4[1];
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
struct TdError {
    float error;
    float loss;
};
constant uint FAULT_OBS = 2147483648u;

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
, device type_3 const& optimizers [[user(fake0)]]
, device type_4 const& grads [[user(fake0)]]
, device type_4& weights [[user(fake0)]]
, device type_4& m [[user(fake0)]]
, device type_4& v [[user(fake0)]]
, constant _mslBufferSizes& _buffer_sizes [[user(fake0)]]
) {
    bool local_1 = {};
    uint pass_index = 0u;
    float w = {};
    float g = {};
    bool local_2 = {};
    uint agent = group.z;
    uint _e6 = agents[agent].nonfinite;
    if (_e6 != 0u) {
        return;
    }
    Optimizer h = optimizers[agent];
    uint _e14 = p.targets;
    if (_e14 == 1u) {
        local_1 = naga_mod(h.steps, h.target_update_interval) == 0u;
    } else {
        local_1 = false;
    }
    bool update_target = local_1;
    uint2 loop_bound = uint2(4294967295u);
    bool loop_init = true;
    while(true) {
        if (metal::all(loop_bound == uint2(0u))) { break; }
        loop_bound -= uint2(loop_bound.y == 0u, 1u);
        if (!loop_init) {
            uint _e188 = pass_index;
            pass_index = _e188 + 1u;
        }
        loop_init = false;
        uint _e28 = pass_index;
        if (_e28 < 4u) {
        } else {
            break;
        }
        {
            uint _e34 = pass_index;
            uint element = ((group.x * 256u) + (_e34 * 64u)) + local;
            uint _e41 = p.count;
            if (element >= _e41) {
                return;
            }
            uint _e45 = p.count;
            uint i = (agent * _e45) + element;
            uint _e51 = p.targets;
            uint _e56 = p.count;
            uint online = ((agent * (1u + _e51)) * _e56) + element;
            float _e61 = weights[online];
            w = _e61;
            float _e65 = grads[i];
            g = _e65 * h.grad_scale;
            uint _e71 = p.l2_;
            if (_e71 == 1u) {
                float _e74 = g;
                float _e76 = w;
                g = _e74 + (h.weight_decay * _e76);
            }
            float _e81 = m[i];
            float _e83 = g;
            float _e86 = m[i];
            float _e90 = normal_or_zero(_e81 + (h.one_minus_beta1_ * (_e83 - _e86)));
            float _e93 = v[i];
            float _e97 = v[i];
            float _e101 = g;
            float _e103 = g;
            float _e106 = normal_or_zero((_e93 - (h.one_minus_beta2_ * _e97)) + ((h.one_minus_beta2_ * _e101) * _e103));
            m[i] = _e90;
            v[i] = _e106;
            uint _e113 = p.l2_;
            if (_e113 == 0u) {
                local_2 = h.weight_decay > 0.0;
            } else {
                local_2 = false;
            }
            bool _e122 = local_2;
            if (_e122) {
                float _e123 = w;
                float _e127 = w;
                w = _e123 - ((h.learning_rate * h.weight_decay) * _e127);
            }
            uint _e132 = p.eps_inside;
            if (_e132 == 1u) {
                float _e135 = w;
                w = _e135 - ((((h.learning_rate * metal::sqrt(h.correction2_)) / h.correction1_) * _e90) / (metal::sqrt(_e106) + h.adam_eps));
            } else {
                float _e148 = w;
                w = _e148 - ((h.learning_rate / h.correction1_) * (_e90 / ((metal::sqrt(_e106) / metal::sqrt(h.correction2_)) + h.adam_eps)));
            }
            float _e163 = w;
            weights[online] = _e163;
            if (update_target) {
                uint _e167 = p.count;
                float w_target = weights[online + _e167];
                uint _e174 = p.count;
                float _e178 = w;
                float _e182 = w;
                weights[online + _e174] = (h.polyak >= 1.0) ? _e182 : (w_target + (h.polyak * (_e178 - w_target)));
            }
        }
    }
    return;
}
