//! Pictures of environment states. Twin of `shaders/env_draw.wgsl`.

use crate::engine::env::Env;
use crate::engine::threads;
use crate::gpu_struct;
use crate::kernel;
use crate::kernels::{groups, product};

gpu_struct! {
    /// Size of the pictures.
    pub struct Params {
        /// Pictures.
        pub frames: u32,
        /// Pixels per row.
        pub width: u32,
        /// Rows.
        pub height: u32,
        /// Places per pixel along each side.
        pub samples: u32,
    }
}

/// Where in its part of a pixel a sample lies; see the shader.
const CENTRE: f32 = 0.4983;

kernel! {
    /// One picture per state.
    env_draw, params Params, workgroup 64, env env needs Draw,
    bindings { read env_params: EnvParams, read state: EnvState, write pixels: u32 }
    sizes |p, _| {
        let frames = u64::from(p.frames);
        vec![frames, frames, product(&[p.frames, p.width, p.height])]
    };
    grid |p| [groups(product(&[p.width, p.height]), 64), u64::from(p.frames), 1];
    loops |p, env| product(&[p.samples, p.samples]) * (1 + env.loops);
    twin twin
}

fn twin(p: &Params, env: &Env, env_params: &[u32], state: &[u32], pixels: &mut [u32]) {
    let world = env.twin();
    let [width, height, state_words, param_words] =
        [p.width, p.height, env.state_words, env.param_words()].map(|n| n as usize);
    let size = width * height;
    for frame in 0..p.frames as usize {
        let params = &env_params[frame * param_words..][..param_words];
        let state = &state[frame * state_words..][..state_words];
        let rows = pixels[frame * size..][..size].chunks_mut(width.max(1)).enumerate().collect();
        threads::any_order(rows, |(y, row): (usize, &mut [u32])| {
            let (side, samples) = (p.samples as f32, (p.samples * p.samples) as usize);
            let within = |sample: u32| (sample as f32 + CENTRE) / side;
            let mut places = Vec::with_capacity(row.len() * samples);
            for x in 0..row.len() {
                for below in 0..p.samples {
                    let v = (y as f32 + within(below)) / p.height as f32;
                    places
                        .extend((0..p.samples).map(|right| [(x as f32 + within(right)) / p.width as f32, v]));
                }
            }
            let mut colours = vec![[0.0; 3]; places.len()];
            world.draw(params, state, &places, &mut colours);
            for (pixel, colours) in row.iter_mut().zip(colours.chunks_exact(samples.max(1))) {
                let mut sum = [0.0f32; 3];
                for colour in colours {
                    for channel in 0..3 {
                        sum[channel] += colour[channel].clamp(0.0, 1.0);
                    }
                }
                let count = side * side;
                let [red, green, blue] = sum.map(|channel| (channel * 255.0 / count + 0.5) as u32);
                *pixel = red | (green << 8) | (blue << 16);
            }
        });
    }
}
