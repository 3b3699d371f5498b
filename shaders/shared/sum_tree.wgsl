// A tree of sums with 16 children per node: the leaves, then each level of sums, up to a single root, one tree per
// agent in the kernel's binding `tree`. A sum is always computed afresh from its children, in ascending order: no
// drift, and no order of updates that could show. src/shared/sum_tree.rs is the twin.

const FAN_OUT = 16u;
// The leaves and the levels above them. Of 2^24 leaves there are 7 in all; a ring that is rounded up to whole steps of its
// environments has a few leaves more, and one level.
const MAX_LEVELS = 8u;

// Nodes of a level that sums `len` nodes.
fn level_above(len: u32) -> u32 {
    return (len + FAN_OUT - 1u) / FAN_OUT;
}

// Elements of a tree.
fn tree_len(leaves: u32) -> u32 {
    var total = leaves;
    for (var len = leaves; len > 1u; len = level_above(len)) {
        total += level_above(len);
    }
    return total;
}

// The sum of node `node`'s children, which start at `from`; the last node of a level may have fewer than 16.
fn sum_of_children(from_at: u32, len: u32, node: u32) -> f32 {
    var sum = 0.0;
    for (var child = node * FAN_OUT; child < min((node + 1u) * FAN_OUT, len); child++) {
        sum += tree[from_at + child];
    }
    return sum;
}
