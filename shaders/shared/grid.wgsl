// What environments on a grid of cells share: choosing one of several by a random number, and the cell below a place of
// the picture. src/shared/grid.rs is the twin.

// Number u * count, rounded down: every choice is as likely as the others to within count / 2^23.
fn choice_of(u: f32, count: u32) -> u32 {
    return min(u32(u * f32(count)), count - 1u);
}

// A place of the picture: its cell, and where in it, from the middle, -0.5 to 0.5 to the right and downwards.
struct Place {
    row: u32,
    column: u32,
    at: vec2f,
}

// The place at uv in a picture of so many cells; beyond the edge it belongs to the nearest cell.
fn place_of(uv: vec2f, rows: u32, columns: u32) -> Place {
    let x = max(uv.x, 0.0) * f32(columns);
    let y = max(uv.y, 0.0) * f32(rows);
    let column = min(u32(x), columns - 1u);
    let row = min(u32(y), rows - 1u);
    return Place(row, column, vec2f(x - f32(column) - 0.5, y - f32(row) - 0.5));
}

// A triangle that stands on a side of half the width `half_base` at height `base`, its tip above at (tip_x, tip_y).
fn sd_cone(at: vec2f, tip: vec2f, base: f32, half_base: f32) -> f32 {
    let down = (at.y - tip.y) / (base - tip.y);
    let middle = tip.x - tip.x * down;
    return max(abs(at.x - middle) - half_base * down, at.y - base);
}
