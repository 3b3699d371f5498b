//! Pictures of environment states. Twin of `shaders/env_draw.wgsl`.

use pulp::{Simd, WithSimd};

use crate::engine::env::Env;
use crate::engine::simd::Arch;
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
    let (size, side) = (width * height, p.samples as f32);
    let within = |sample: u32| (sample as f32 + CENTRE) / side;
    let along = |right: u32| (0..width).map(|x| (x as f32 + within(right)) / p.width as f32).collect();
    let columns: Vec<Vec<f32>> = (0..p.samples).map(along).collect();
    for frame in 0..p.frames as usize {
        let params = &env_params[frame * param_words..][..param_words];
        let state = &state[frame * state_words..][..state_words];
        let rows = pixels[frame * size..][..size].chunks_mut(width.max(1)).enumerate().collect();
        threads::any_order(rows, |(y, row): (usize, &mut [u32])| {
            let mut sum = [(); 3].map(|_| vec![0.0f32; width]);
            let mut colours = sum.clone();
            for below in 0..p.samples {
                let v = (y as f32 + within(below)) / p.height as f32;
                for u in &columns {
                    world.draw(params, state, u, v, &mut colours);
                    Arch::new().dispatch(Add { sum: &mut sum, colours: &colours });
                }
            }
            Arch::new().dispatch(Pack { sum: &sum, count: side * side, row });
        });
    }
}

/// Adds a colour to every pixel of a row.
struct Add<'a> {
    sum: &'a mut [Vec<f32>; 3],
    colours: &'a [Vec<f32>; 3],
}

impl WithSimd for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (sum, colour) in self.sum.iter_mut().zip(self.colours) {
            for (sum, colour) in sum.iter_mut().zip(colour) {
                *sum += colour.clamp(0.0, 1.0);
            }
        }
    }
}

/// The means of a row as bytes.
struct Pack<'a> {
    sum: &'a [Vec<f32>; 3],
    count: f32,
    row: &'a mut [u32],
}

impl WithSimd for Pack<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Pack { sum: [red, green, blue], count, row } = self;
        // By way of a signed number, which vectors convert in one instruction.
        let byte = |channel: f32| (channel * 255.0 / count + 0.5) as i32 as u32;
        for (pixel, ((red, green), blue)) in row.iter_mut().zip(red.iter().zip(green).zip(blue)) {
            *pixel = byte(*red) | (byte(*green) << 8) | (byte(*blue) << 16);
        }
    }
}
