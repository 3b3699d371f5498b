//! Twin of `shaders/shared/sum_tree.wgsl`: a tree of sums with 16 children per node, the leaves first, then each level of
//! sums, up to a single root.

/// Children of a node.
pub const FAN_OUT: u32 = 16;

/// Nodes of a level that sums `len` nodes.
pub fn level_above(len: u32) -> u32 {
    len.div_ceil(FAN_OUT)
}

/// Elements of a tree with `leaves` leaves.
pub fn tree_len(leaves: u32) -> u32 {
    levels(leaves).iter().map(|(_, len)| len).sum()
}

/// Offset and length of each level, the leaves first.
pub fn levels(leaves: u32) -> Vec<(u32, u32)> {
    let mut levels = vec![(0, leaves)];
    let (mut offset, mut len) = (0, leaves);
    while len > 1 {
        offset += len;
        len = level_above(len);
        levels.push((offset, len));
    }
    levels
}

/// The sum of node `node`'s children in `level`.
pub fn sum_of_children(level: &[f32], node: u32) -> f32 {
    let first = (node * FAN_OUT) as usize;
    let mut sum = 0.0;
    for value in &level[first..level.len().min(first + FAN_OUT as usize)] {
        sum += value;
    }
    sum
}

/// Computes the sums of `nodes` in every level again, from the leaves up; `nodes` are leaves.
pub fn update_sums(tree: &mut [f32], leaves: u32, mut nodes: Vec<u32>) {
    for pair in levels(leaves).windows(2) {
        let ((from, len), (to, _)) = (pair[0], pair[1]);
        nodes.iter_mut().for_each(|node| *node /= FAN_OUT);
        nodes.dedup();
        for node in &nodes {
            let (below, above) = tree.split_at_mut(to as usize);
            above[*node as usize] = sum_of_children(&below[from as usize..(from + len) as usize], *node);
        }
    }
}
