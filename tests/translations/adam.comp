#version 310 es

precision highp float;
precision highp int;

layout(local_size_x = 64, local_size_y = 1, local_size_z = 1) in;

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
struct TdError {
    float error;
    float loss;
};
layout(std430) readonly buffer Params_block_0Compute { Params _group_0_binding_0_cs; };

layout(std430) readonly buffer type_2_block_1Compute { Agent _group_0_binding_1_cs[]; };

layout(std430) readonly buffer type_3_block_2Compute { float _group_0_binding_2_cs[]; };

layout(std430) buffer type_3_block_3Compute { float _group_0_binding_3_cs[]; };

layout(std430) buffer type_3_block_4Compute { float _group_0_binding_4_cs[]; };

layout(std430) buffer type_3_block_5Compute { float _group_0_binding_5_cs[]; };


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
    uint pass_index = 0u;
    float w = 0.0;
    float g = 0.0;
    bool local_1 = false;
    uint agent = group.z;
    Agent h = _group_0_binding_1_cs[agent];
    if ((h.nonfinite != 0u)) {
        return;
    }
    bool update_target = (((h.updates + 1u) % h.target_update_interval) == 0u);
    bool loop_init = true;
    while(true) {
        if (!loop_init) {
            uint _e174 = pass_index;
            pass_index = (_e174 + 1u);
        }
        loop_init = false;
        uint _e18 = pass_index;
        if ((_e18 < 4u)) {
        } else {
            break;
        }
        {
            uint _e24 = pass_index;
            uint element = (((group.x * 256u) + (_e24 * 64u)) + local);
            uint _e31 = _group_0_binding_0_cs.count;
            if ((element >= _e31)) {
                return;
            }
            uint _e35 = _group_0_binding_0_cs.count;
            uint i = ((agent * _e35) + element);
            uint _e42 = _group_0_binding_0_cs.count;
            uint online = (((agent * 2u) * _e42) + element);
            float _e47 = _group_0_binding_3_cs[online];
            w = _e47;
            float _e51 = _group_0_binding_2_cs[i];
            g = (_e51 * h.grad_scale);
            uint _e57 = _group_0_binding_0_cs.l2_;
            if ((_e57 == 1u)) {
                float _e60 = g;
                float _e62 = w;
                g = (_e60 + (h.weight_decay * _e62));
            }
            float _e67 = _group_0_binding_4_cs[i];
            float _e69 = g;
            float _e72 = _group_0_binding_4_cs[i];
            float _e76 = normal_or_zero((_e67 + (h.one_minus_beta1_ * (_e69 - _e72))));
            float _e79 = _group_0_binding_5_cs[i];
            float _e83 = _group_0_binding_5_cs[i];
            float _e87 = g;
            float _e89 = g;
            float _e92 = normal_or_zero(((_e79 - (h.one_minus_beta2_ * _e83)) + ((h.one_minus_beta2_ * _e87) * _e89)));
            _group_0_binding_4_cs[i] = _e76;
            _group_0_binding_5_cs[i] = _e92;
            uint _e99 = _group_0_binding_0_cs.l2_;
            if ((_e99 == 0u)) {
                local_1 = (h.weight_decay > 0.0);
            } else {
                local_1 = false;
            }
            bool _e108 = local_1;
            if (_e108) {
                float _e109 = w;
                float _e113 = w;
                w = (_e109 - ((h.learning_rate * h.weight_decay) * _e113));
            }
            uint _e118 = _group_0_binding_0_cs.eps_inside;
            if ((_e118 == 1u)) {
                float _e121 = w;
                w = (_e121 - ((((h.learning_rate * sqrt(h.correction2_)) / h.correction1_) * _e76) / (sqrt(_e92) + h.adam_eps)));
            } else {
                float _e134 = w;
                w = (_e134 - ((h.learning_rate / h.correction1_) * (_e76 / ((sqrt(_e92) / sqrt(h.correction2_)) + h.adam_eps))));
            }
            float _e149 = w;
            _group_0_binding_3_cs[online] = _e149;
            if (update_target) {
                uint _e153 = _group_0_binding_0_cs.count;
                float w_target = _group_0_binding_3_cs[(online + _e153)];
                uint _e160 = _group_0_binding_0_cs.count;
                float _e164 = w;
                float _e168 = w;
                _group_0_binding_3_cs[(online + _e160)] = ((h.polyak >= 1.0) ? _e168 : (w_target + (h.polyak * (_e164 - w_target))));
            }
        }
    }
    return;
}

