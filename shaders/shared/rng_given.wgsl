// The next word of a stream from a list instead of the generator: draw d of row `lane` is word d of that row in
// `draws`; behind the list, and without one, the generator goes on. Recorded draws of another implementation are
// replayed this way.
//
// The importing kernel declares `draws: array<u32>` [rows, p.draws].

fn rng_u32(rng: ptr<function, Rng>) -> u32 {
    let draw = (*rng).draw;
    (*rng).draw += 1u;
    if (draw < p.draws) {
        return draws[(*rng).lane * p.draws + draw];
    }
    return rng_word(*rng, draw);
}
