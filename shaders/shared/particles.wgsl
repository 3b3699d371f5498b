// Where the kernels of Stein variational gradient descent find a state's particles, and how far they are apart. The
// kernel's params have `fixed`, `updated` and `dims`, its actions are bound as `actions`. src/shared/particles.rs is
// the twin.
//
// actions [rows, fixed + updated, dims]; rows run over agents and batch. The first `fixed` particles of a row are x_j,
// where the density is asked; the others are y_i, which move. A pair (j, i) is number j * updated + i of its row.

fn fixed_at(row: u32, j: u32) -> u32 {
    return (row * (p.fixed + p.updated) + j) * p.dims;
}

fn updated_at(row: u32, i: u32) -> u32 {
    return (row * (p.fixed + p.updated) + p.fixed + i) * p.dims;
}

// |x_j - y_i|^2, dimensions in ascending order.
fn squared_distance(row: u32, pair: u32) -> f32 {
    let x = fixed_at(row, pair / p.updated);
    let y = updated_at(row, pair % p.updated);
    var sum = 0.0;
    for (var d = 0u; d < p.dims; d++) {
        let difference = actions[x + d] - actions[y + d];
        sum += difference * difference;
    }
    return sum;
}
