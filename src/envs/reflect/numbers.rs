//! The single numbers of an environment file, with their ranges.

use super::*;

impl Reader<'_> {
    /// Whole numbers and floats are declared as such.
    pub(super) fn check_types(&self) -> Result<()> {
        for name in [
            "OBS_SIZE",
            "OBS_SHAPE",
            "NUM_ACTIONS",
            "ACTION_DIMS",
            "MAX_EPISODE_STEPS",
            "MAX_LOOP_ITERATIONS",
            "RENDER_FPS",
            "OBS_BITS",
        ] {
            self.check_type(name, ScalarKind::Uint)?;
        }
        for name in ["ACTION_LOW", "ACTION_HIGH", "OBS_LOW", "OBS_HIGH", "REWARD_THRESHOLD", "DRAW_ASPECT"] {
            self.check_type(name, ScalarKind::Float)?;
        }
        Ok(())
    }

    /// `OBS_LOW` and `OBS_HIGH`, element by element.
    pub(super) fn ordered_bounds(
        &self,
        constants: &Constants,
        obs_size: usize,
    ) -> Result<(Vec<f32>, Vec<f32>)> {
        let low = self.obs_bounds(constants, "OBS_LOW", f32::NEG_INFINITY, obs_size)?;
        let high = self.obs_bounds(constants, "OBS_HIGH", f32::INFINITY, obs_size)?;
        match (0..obs_size).find(|i| low[*i] > high[*i]) {
            Some(i) => {
                Err(self.at_constant("OBS_LOW", format!("element {i} runs from {} to {}", low[i], high[i])))
            }
            None => Ok((low, high)),
        }
    }

    /// `DRAW_ASPECT`, width by height.
    pub(super) fn draw_aspect(&self, constants: &Constants) -> Result<f32> {
        let aspect = self.number(constants, "DRAW_ASPECT")?.unwrap_or(1.0) as f32;
        if !(0.1..=10.0).contains(&aspect) {
            return Err(
                self.at_constant("DRAW_ASPECT", format!("{aspect} is no aspect ratio from 0.1 to 10"))
            );
        }
        Ok(aspect)
    }

    /// `RENDER_FPS`
    pub(super) fn render_fps(&self, constants: &Constants) -> Result<u32> {
        match self.number(constants, "RENDER_FPS")? {
            Some(fps) if !(1.0..=1000.0).contains(&fps) => {
                Err(self.at_constant("RENDER_FPS", format!("{fps} is not in 1 to 1000")))
            }
            fps => Ok(fps.unwrap_or(30.0) as u32),
        }
    }

    /// `MAX_EPISODE_STEPS`, if there is a limit.
    pub(super) fn max_episode_steps(&self, constants: &Constants) -> Result<Option<u32>> {
        match self.number(constants, "MAX_EPISODE_STEPS")? {
            Some(steps) if !(1.0..=f64::from(u32::MAX)).contains(&steps) => {
                let message =
                    format!("{steps} is not allowed: a time limit is at least 1 step; leave it out for none");
                Err(self.at_constant("MAX_EPISODE_STEPS", message))
            }
            steps => Ok(steps.map(|steps| steps as u32)),
        }
    }

    /// `OBS_BITS`; rescaled elements are any numbers.
    pub(super) fn obs_bits(&self, constants: &Constants, rescaled: bool) -> Result<u32> {
        match self.number(constants, "OBS_BITS")? {
            Some(bits) if ![1.0, 8.0, 32.0].contains(&bits) => {
                let message = format!(
                    "{bits} is not allowed: 1 for elements that are 0 or 1, 8 for elements k / 255, 32 for any others"
                );
                Err(self.at_constant("OBS_BITS", message))
            }
            Some(bits) if !rescaled => Ok(bits as u32),
            _ => Ok(32),
        }
    }
}
