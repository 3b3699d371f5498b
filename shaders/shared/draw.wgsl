// Shapes for `draw`: signed distances, negative inside, and painting by them. src/shared/draw.rs is the twin.
//
// One call colours one place of the picture and knows nothing of its neighbours; edges are hard, supersampling smooths
// them.

fn paint(under: vec3f, colour: vec3f, distance: f32) -> vec3f {
    return select(under, colour, distance <= 0.0);
}

fn sd_circle(at: vec2f, radius: f32) -> f32 {
    return sqrt(at.x * at.x + at.y * at.y) - radius;
}

// Rectangle around the origin with rounded corners.
fn sd_round_box(at: vec2f, half_size: vec2f, corner: f32) -> f32 {
    let dx = abs(at.x) - half_size.x + corner;
    let dy = abs(at.y) - half_size.y + corner;
    let outside_x = max(dx, 0.0);
    let outside_y = max(dy, 0.0);
    let outside = sqrt(outside_x * outside_x + outside_y * outside_y);
    return outside + min(max(dx, dy), 0.0) - corner;
}

// Thick line from a to b with round ends.
fn sd_segment(at: vec2f, a: vec2f, b: vec2f, half_width: f32) -> f32 {
    let px = at.x - a.x;
    let py = at.y - a.y;
    let dx = b.x - a.x;
    let dy = b.y - a.y;
    let along = clamp((px * dx + py * dy) / max(dx * dx + dy * dy, 1e-12), 0.0, 1.0);
    let x = px - dx * along;
    let y = py - dy * along;
    return sqrt(x * x + y * y) - half_width;
}
