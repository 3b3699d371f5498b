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
            let side = p.samples as f32;
            let within = |sample: u32| (sample as f32 + CENTRE) / side;
            let mut sum = [(); 3].map(|_| vec![0.0f32; width]);
            let mut colours = sum.clone();
            let mut u = vec![0.0; width];
            for sample in 0..p.samples * p.samples {
                for (x, u) in u.iter_mut().enumerate() {
                    *u = (x as f32 + within(sample % p.samples)) / p.width as f32;
                }
                let v = (y as f32 + within(sample / p.samples)) / p.height as f32;
                world.draw(params, state, &u, v, &mut colours);
                for (sum, colour) in sum.iter_mut().zip(&colours) {
                    for (sum, colour) in sum.iter_mut().zip(colour) {
                        *sum += colour.clamp(0.0, 1.0);
                    }
                }
            }
            let byte = |channel: f32| (channel * 255.0 / (side * side) + 0.5) as u32;
            for (x, pixel) in row.iter_mut().enumerate() {
                *pixel = byte(sum[0][x]) | (byte(sum[1][x]) << 8) | (byte(sum[2][x]) << 16);
            }
        });
    }
}
