//! Twin of `shaders/shared/particles.wgsl`: where the kernels of Stein variational gradient descent find a state's particles,
//! and how far they are apart.

/// Actions `[rows, fixed + updated, dims]`: the first of a row are x_j, where the density is asked, the others y_i, which move.
#[derive(Clone, Copy)]
pub struct Particles<'a> {
    /// The actions.
    pub actions: &'a [f32],
    /// Number of x_j.
    pub fixed: usize,
    /// Number of y_i.
    pub updated: usize,
    /// Dimensions of an action.
    pub dims: usize,
}

impl<'a> Particles<'a> {
    /// x_j of a row.
    pub fn x(&self, row: usize, j: usize) -> &'a [f32] {
        &self.actions[(row * (self.fixed + self.updated) + j) * self.dims..][..self.dims]
    }

    /// y_i of a row.
    pub fn y(&self, row: usize, i: usize) -> &'a [f32] {
        self.x(row, self.fixed + i)
    }

    /// Pairs of a row.
    pub fn pairs(&self) -> usize {
        self.fixed * self.updated
    }

    /// `|x_j - y_i|^2`
    pub fn squared_distance(&self, row: usize, pair: usize) -> f32 {
        let (x, y) = (self.x(row, pair / self.updated), self.y(row, pair % self.updated));
        let mut sum = 0.0;
        for d in 0..self.dims {
            let difference = x[d] - y[d];
            sum += difference * difference;
        }
        sum
    }
}
