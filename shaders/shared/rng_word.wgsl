// The next word of a stream, from the generator.

fn rng_u32(rng: ptr<function, Rng>) -> u32 {
    let draw = (*rng).draw;
    (*rng).draw += 1u;
    return rng_word(*rng, draw);
}
