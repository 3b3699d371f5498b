// What a rollout's transition leads to; src/shared/lambda_return.rs declares the same struct.

struct LambdaReturn {
    // the lambda return
    value: f32,
    // H of the policy at the state behind the transition
    entropy: f32,
}
