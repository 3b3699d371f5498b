// The values of twins as one: their minimum, or their mean. The twin is in src/shared/target.rs.

fn joined(mean: bool, first: f32, second: f32) -> f32 {
    return select(min(first, second), 0.5 * (first + second), mean);
}
