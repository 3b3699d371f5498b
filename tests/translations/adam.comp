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
    float q_lambda;
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
    uint form;
    uint steps;
    float grad_norm;
    float grad_scale;
    float correction1_;
    float correction2_;
    float rectification;
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
const uint ADAM = 0u;
const uint RADAM = 1u;
const uint RADAM_OPTAX = 2u;

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
    bool local_2 = false;
    bool local_3 = false;
    uint pass_index = 0u;
    float w = 0.0;
    float g = 0.0;
    bool local_4 = false;
    bool local_5 = false;
    uint agent = group.z;
    uint _e6 = _group_0_binding_1_cs[agent].nonfinite;
    if ((_e6 != 0u)) {
        return;
    }
    Optimizer h = _group_0_binding_2_cs[agent];
    if (!((h.form == RADAM))) {
        if ((h.form == ADAM)) {
            uint _e25 = _group_0_binding_0_cs.eps_inside;
            local_2 = (_e25 == 1u);
        } else {
            local_2 = false;
        }
        bool _e29 = local_2;
        local_1 = _e29;
    } else {
        local_1 = true;
    }
    bool eps_inside = local_1;
    uint _e34 = _group_0_binding_0_cs.targets;
    if ((_e34 == 1u)) {
        local_3 = ((h.steps % h.target_update_interval) == 0u);
    } else {
        local_3 = false;
    }
    bool update_target = local_3;
    bool loop_init = true;
    while(true) {
        if (!loop_init) {
            uint _e231 = pass_index;
            pass_index = (_e231 + 1u);
        }
        loop_init = false;
        uint _e48 = pass_index;
        if ((_e48 < 4u)) {
        } else {
            break;
        }
        {
            uint _e54 = pass_index;
            uint element = (((group.x * 256u) + (_e54 * 64u)) + local);
            uint _e61 = _group_0_binding_0_cs.count;
            if ((element >= _e61)) {
                return;
            }
            uint _e65 = _group_0_binding_0_cs.count;
            uint i = ((agent * _e65) + element);
            uint _e71 = _group_0_binding_0_cs.targets;
            uint _e76 = _group_0_binding_0_cs.count;
            uint online = (((agent * (1u + _e71)) * _e76) + element);
            float _e81 = _group_0_binding_4_cs[online];
            w = _e81;
            float _e85 = _group_0_binding_3_cs[i];
            g = (_e85 * h.grad_scale);
            uint _e91 = _group_0_binding_0_cs.l2_;
            if ((_e91 == 1u)) {
                float _e94 = g;
                float _e96 = w;
                g = (_e94 + (h.weight_decay * _e96));
            }
            float _e101 = _group_0_binding_5_cs[i];
            float _e103 = g;
            float _e106 = _group_0_binding_5_cs[i];
            float _e110 = normal_or_zero((_e101 + (h.one_minus_beta1_ * (_e103 - _e106))));
            float _e113 = _group_0_binding_6_cs[i];
            float _e117 = _group_0_binding_6_cs[i];
            float _e121 = g;
            float _e123 = g;
            float _e126 = normal_or_zero(((_e113 - (h.one_minus_beta2_ * _e117)) + ((h.one_minus_beta2_ * _e121) * _e123)));
            _group_0_binding_5_cs[i] = _e110;
            _group_0_binding_6_cs[i] = _e126;
            uint _e133 = _group_0_binding_0_cs.l2_;
            if ((_e133 == 0u)) {
                local_4 = (h.weight_decay > 0.0);
            } else {
                local_4 = false;
            }
            bool _e142 = local_4;
            if (_e142) {
                float _e143 = w;
                float _e147 = w;
                w = (_e143 - ((h.learning_rate * h.weight_decay) * _e147));
            }
            if ((h.form != ADAM)) {
                local_5 = (h.rectification == 0.0);
            } else {
                local_5 = false;
            }
            bool _e159 = local_5;
            if (_e159) {
                float _e160 = w;
                w = (_e160 - ((h.learning_rate / h.correction1_) * _e110));
            } else {
                if (eps_inside) {
                    float step_ = ((((h.learning_rate * sqrt(h.correction2_)) / h.correction1_) * _e110) / (sqrt(_e126) + h.adam_eps));
                    float _e177 = w;
                    w = (_e177 - ((h.form == ADAM) ? step_ : (step_ * h.rectification)));
                } else {
                    float step_1 = ((h.learning_rate / h.correction1_) * (_e110 / ((sqrt(_e126) / sqrt(h.correction2_)) + h.adam_eps)));
                    float _e196 = w;
                    w = (_e196 - ((h.form == ADAM) ? step_1 : (step_1 * h.rectification)));
                }
            }
            float _e206 = w;
            _group_0_binding_4_cs[online] = _e206;
            if (update_target) {
                uint _e210 = _group_0_binding_0_cs.count;
                float w_target = _group_0_binding_4_cs[(online + _e210)];
                uint _e217 = _group_0_binding_0_cs.count;
                float _e221 = w;
                float _e225 = w;
                _group_0_binding_4_cs[(online + _e217)] = ((h.polyak >= 1.0) ? _e225 : (w_target + (h.polyak * (_e221 - w_target))));
            }
        }
    }
    return;
}

