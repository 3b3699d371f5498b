#version 310 es

precision highp float;
precision highp int;

layout(local_size_x = 64, local_size_y = 1, local_size_z = 1) in;

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
struct Lane {
    uint step_;
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
const uint FAULT_OBS = 2147483648u;

layout(std430) readonly buffer Params_block_0Compute { Params _group_0_binding_0_cs; };

layout(std430) readonly buffer type_2_block_1Compute { Agent _group_0_binding_1_cs[]; };

layout(std430) readonly buffer type_3_block_2Compute { Optimizer _group_0_binding_2_cs[]; };

layout(std430) readonly buffer type_4_block_3Compute { float _group_0_binding_3_cs[]; };

layout(std430) buffer type_4_block_4Compute { float _group_0_binding_4_cs[]; };

layout(std430) buffer type_4_block_5Compute { float _group_0_binding_5_cs[]; };

layout(std430) buffer type_4_block_6Compute { float _group_0_binding_6_cs[]; };


float schedule(float start, float end, float steps, float now) {
    if ((steps <= 0.0)) {
        return start;
    }
    return (start + ((end - start) * min((now / steps), 1.0)));
}

float normal_or_zero(float x) {
    return ((abs(x) < 1.1754944e-38) ? 0.0 : x);
}

void main() {
    uvec3 group = gl_WorkGroupID;
    uint local = gl_LocalInvocationIndex;
    bool local_1 = false;
    uint pass_index = 0u;
    float w = 0.0;
    float g = 0.0;
    bool local_2 = false;
    uint agent = group.z;
    uint _e6 = _group_0_binding_1_cs[agent].nonfinite;
    if ((_e6 != 0u)) {
        return;
    }
    Optimizer h = _group_0_binding_2_cs[agent];
    uint _e14 = _group_0_binding_0_cs.targets;
    if ((_e14 == 1u)) {
        local_1 = ((h.steps % h.target_update_interval) == 0u);
    } else {
        local_1 = false;
    }
    bool update_target = local_1;
    bool loop_init = true;
    while(true) {
        if (!loop_init) {
            uint _e188 = pass_index;
            pass_index = (_e188 + 1u);
        }
        loop_init = false;
        uint _e28 = pass_index;
        if ((_e28 < 4u)) {
        } else {
            break;
        }
        {
            uint _e34 = pass_index;
            uint element = (((group.x * 256u) + (_e34 * 64u)) + local);
            uint _e41 = _group_0_binding_0_cs.count;
            if ((element >= _e41)) {
                return;
            }
            uint _e45 = _group_0_binding_0_cs.count;
            uint i = ((agent * _e45) + element);
            uint _e51 = _group_0_binding_0_cs.targets;
            uint _e56 = _group_0_binding_0_cs.count;
            uint online = (((agent * (1u + _e51)) * _e56) + element);
            float _e61 = _group_0_binding_4_cs[online];
            w = _e61;
            float _e65 = _group_0_binding_3_cs[i];
            g = (_e65 * h.grad_scale);
            uint _e71 = _group_0_binding_0_cs.l2_;
            if ((_e71 == 1u)) {
                float _e74 = g;
                float _e76 = w;
                g = (_e74 + (h.weight_decay * _e76));
            }
            float _e81 = _group_0_binding_5_cs[i];
            float _e83 = g;
            float _e86 = _group_0_binding_5_cs[i];
            float _e90 = normal_or_zero((_e81 + (h.one_minus_beta1_ * (_e83 - _e86))));
            float _e93 = _group_0_binding_6_cs[i];
            float _e97 = _group_0_binding_6_cs[i];
            float _e101 = g;
            float _e103 = g;
            float _e106 = normal_or_zero(((_e93 - (h.one_minus_beta2_ * _e97)) + ((h.one_minus_beta2_ * _e101) * _e103)));
            _group_0_binding_5_cs[i] = _e90;
            _group_0_binding_6_cs[i] = _e106;
            uint _e113 = _group_0_binding_0_cs.l2_;
            if ((_e113 == 0u)) {
                local_2 = (h.weight_decay > 0.0);
            } else {
                local_2 = false;
            }
            bool _e122 = local_2;
            if (_e122) {
                float _e123 = w;
                float _e127 = w;
                w = (_e123 - ((h.learning_rate * h.weight_decay) * _e127));
            }
            uint _e132 = _group_0_binding_0_cs.eps_inside;
            if ((_e132 == 1u)) {
                float _e135 = w;
                w = (_e135 - ((((h.learning_rate * sqrt(h.correction2_)) / h.correction1_) * _e90) / (sqrt(_e106) + h.adam_eps)));
            } else {
                float _e148 = w;
                w = (_e148 - ((h.learning_rate / h.correction1_) * (_e90 / ((sqrt(_e106) / sqrt(h.correction2_)) + h.adam_eps))));
            }
            float _e163 = w;
            _group_0_binding_4_cs[online] = _e163;
            if (update_target) {
                uint _e167 = _group_0_binding_0_cs.count;
                float w_target = _group_0_binding_4_cs[(online + _e167)];
                uint _e174 = _group_0_binding_0_cs.count;
                float _e178 = w;
                float _e182 = w;
                _group_0_binding_4_cs[(online + _e174)] = ((h.polyak >= 1.0) ? _e182 : (w_target + (h.polyak * (_e178 - w_target))));
            }
        }
    }
    return;
}

