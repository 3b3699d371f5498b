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
    float q_lambda;
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
    uint form;
    uint steps;
    float grad_norm;
    float grad_scale;
    float correction1_;
    float correction2_;
    float rectification;
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
constant uint ADAM = 0u;
constant uint RADAM = 1u;
constant uint RADAM_OPTAX = 2u;

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
    bool local_2 = {};
    bool local_3 = {};
    uint pass_index = 0u;
    float w = {};
    float g = {};
    bool local_4 = {};
    bool local_5 = {};
    uint agent = group.z;
    uint _e6 = agents[agent].nonfinite;
    if (_e6 != 0u) {
        return;
    }
    Optimizer h = optimizers[agent];
    if (!((h.form == RADAM))) {
        if (h.form == ADAM) {
            uint _e25 = p.eps_inside;
            local_2 = _e25 == 1u;
        } else {
            local_2 = false;
        }
        bool _e29 = local_2;
        local_1 = _e29;
    } else {
        local_1 = true;
    }
    bool eps_inside = local_1;
    uint _e34 = p.targets;
    if (_e34 == 1u) {
        local_3 = naga_mod(h.steps, h.target_update_interval) == 0u;
    } else {
        local_3 = false;
    }
    bool update_target = local_3;
    uint2 loop_bound = uint2(4294967295u);
    bool loop_init = true;
    while(true) {
        if (metal::all(loop_bound == uint2(0u))) { break; }
        loop_bound -= uint2(loop_bound.y == 0u, 1u);
        if (!loop_init) {
            uint _e231 = pass_index;
            pass_index = _e231 + 1u;
        }
        loop_init = false;
        uint _e48 = pass_index;
        if (_e48 < 4u) {
        } else {
            break;
        }
        {
            uint _e54 = pass_index;
            uint element = ((group.x * 256u) + (_e54 * 64u)) + local;
            uint _e61 = p.count;
            if (element >= _e61) {
                return;
            }
            uint _e65 = p.count;
            uint i = (agent * _e65) + element;
            uint _e71 = p.targets;
            uint _e76 = p.count;
            uint online = ((agent * (1u + _e71)) * _e76) + element;
            float _e81 = weights[online];
            w = _e81;
            float _e85 = grads[i];
            g = _e85 * h.grad_scale;
            uint _e91 = p.l2_;
            if (_e91 == 1u) {
                float _e94 = g;
                float _e96 = w;
                g = _e94 + (h.weight_decay * _e96);
            }
            float _e101 = m[i];
            float _e103 = g;
            float _e106 = m[i];
            float _e110 = normal_or_zero(_e101 + (h.one_minus_beta1_ * (_e103 - _e106)));
            float _e113 = v[i];
            float _e117 = v[i];
            float _e121 = g;
            float _e123 = g;
            float _e126 = normal_or_zero((_e113 - (h.one_minus_beta2_ * _e117)) + ((h.one_minus_beta2_ * _e121) * _e123));
            m[i] = _e110;
            v[i] = _e126;
            uint _e133 = p.l2_;
            if (_e133 == 0u) {
                local_4 = h.weight_decay > 0.0;
            } else {
                local_4 = false;
            }
            bool _e142 = local_4;
            if (_e142) {
                float _e143 = w;
                float _e147 = w;
                w = _e143 - ((h.learning_rate * h.weight_decay) * _e147);
            }
            if (h.form != ADAM) {
                local_5 = h.rectification == 0.0;
            } else {
                local_5 = false;
            }
            bool _e159 = local_5;
            if (_e159) {
                float _e160 = w;
                w = _e160 - ((h.learning_rate / h.correction1_) * _e110);
            } else {
                if (eps_inside) {
                    float step = (((h.learning_rate * metal::sqrt(h.correction2_)) / h.correction1_) * _e110) / (metal::sqrt(_e126) + h.adam_eps);
                    float _e177 = w;
                    w = _e177 - ((h.form == ADAM) ? step : (step * h.rectification));
                } else {
                    float step_1 = (h.learning_rate / h.correction1_) * (_e110 / ((metal::sqrt(_e126) / metal::sqrt(h.correction2_)) + h.adam_eps));
                    float _e196 = w;
                    w = _e196 - ((h.form == ADAM) ? step_1 : (step_1 * h.rectification));
                }
            }
            float _e206 = w;
            weights[online] = _e206;
            if (update_target) {
                uint _e210 = p.count;
                float w_target = weights[online + _e210];
                uint _e217 = p.count;
                float _e221 = w;
                float _e225 = w;
                weights[online + _e217] = (h.polyak >= 1.0) ? _e225 : (w_target + (h.polyak * (_e221 - w_target)));
            }
        }
    }
    return;
}
