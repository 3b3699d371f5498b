//! Tensors in memory, and the operators on them, in f64.

/// A tensor, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array<T> {
    /// Dimensions, outermost first.
    pub shape: Vec<usize>,
    /// Values.
    pub data: Vec<T>,
}

impl<T: Copy> Array<T> {
    /// The same numbers with other dimensions.
    pub fn reshaped(self, shape: Vec<usize>) -> Option<Array<T>> {
        (shape.iter().product::<usize>() == self.data.len()).then_some(Array { shape, data: self.data })
    }

    /// The length of the last axis.
    pub fn last(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }

    /// Axes in another order.
    pub fn transposed(&self, perm: &[usize]) -> Array<T> {
        let shape: Vec<usize> = perm.iter().map(|axis| self.shape[*axis]).collect();
        let strides = strides(&self.shape);
        let steps: Vec<usize> = perm.iter().map(|axis| strides[*axis]).collect();
        let mut data = Vec::with_capacity(self.data.len());
        each_place(&shape, [&steps, &steps], |[at, _]| data.push(self.data[at]));
        Array { data, shape }
    }

    /// `parts` one behind the other along `axis`.
    pub fn concatenated(parts: &[&Array<T>], axis: usize) -> Array<T> {
        let mut shape = parts[0].shape.clone();
        shape[axis] = parts.iter().map(|part| part.shape[axis]).sum();
        let outer: usize = shape[..axis].iter().product();
        let mut data = Vec::with_capacity(shape.iter().product());
        for row in 0..outer {
            for part in parts {
                let width: usize = part.shape[axis..].iter().product();
                data.extend_from_slice(&part.data[row * width..][..width]);
            }
        }
        Array { shape, data }
    }

    /// Elements `start..end` of the last axis.
    pub fn columns(&self, start: usize, end: usize) -> Array<T> {
        let rows = self.data.chunks(self.last());
        let mut shape = self.shape.clone();
        if let Some(last) = shape.last_mut() {
            *last = end - start;
        }
        Array { shape, data: rows.flat_map(|row| row[start..end].iter().copied()).collect() }
    }
}

/// Distance of neighbours along each axis.
fn strides(shape: &[usize]) -> Vec<usize> {
    (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect()
}

/// Visits every element of `shape` in order, and says where two tensors have it whose neighbours along each axis lie `steps` apart.
fn each_place(shape: &[usize], steps: [&[usize]; 2], mut visit: impl FnMut([usize; 2])) {
    let (mut place, mut at) = (vec![0; shape.len()], [0, 0]);
    for _ in 0..shape.iter().product() {
        visit(at);
        for axis in (0..shape.len()).rev() {
            place[axis] += 1;
            at = [at[0] + steps[0][axis], at[1] + steps[1][axis]];
            if place[axis] < shape[axis] {
                break;
            }
            at = [at[0] - shape[axis] * steps[0][axis], at[1] - shape[axis] * steps[1][axis]];
            place[axis] = 0;
        }
    }
}

impl Array<f64> {
    /// Element by element.
    pub fn map(&self, f: impl Fn(f64) -> f64) -> Array<f64> {
        Array { shape: self.shape.clone(), data: self.data.iter().map(|x| f(*x)).collect() }
    }

    /// Element by element with another, whose axes of length 1, and missing ones in front, count for all; `None` where the
    /// shapes do not go together.
    pub fn zip(&self, other: &Array<f64>, f: impl Fn(f64, f64) -> f64) -> Option<Array<f64>> {
        let rank = self.shape.len().max(other.shape.len());
        let padded = |shape: &[usize]| [vec![1; rank - shape.len()], shape.to_vec()].concat();
        let (a, b) = (padded(&self.shape), padded(&other.shape));
        let size = |(a, b): (&usize, &usize)| match (*a, *b) {
            (a, b) if a == b || b == 1 => Some(a),
            (1, b) => Some(b),
            _ => None,
        };
        let shape = a.iter().zip(&b).map(size).collect::<Option<Vec<usize>>>()?;
        let steps = |own: &[usize]| -> Vec<usize> {
            strides(own).iter().zip(own).map(|(stride, size)| if *size == 1 { 0 } else { *stride }).collect()
        };
        let mut data = Vec::with_capacity(shape.iter().product());
        each_place(&shape, [&steps(&a), &steps(&b)], |[a, b]| data.push(f(self.data[a], other.data[b])));
        Some(Array { data, shape })
    }

    /// Rows of the last axis times a matrix `[in, out]`.
    pub fn product(&self, matrix: &Array<f64>) -> Option<Array<f64>> {
        let [depth, width] = matrix.shape[..] else { return None };
        if self.last() != depth {
            return None;
        }
        let mut data = vec![0.0; self.data.len() / depth * width];
        for (row, sums) in self.data.chunks(depth).zip(data.chunks_mut(width)) {
            // Games' planes and what follows a relu hold many zeros.
            for (x, weights) in row.iter().zip(matrix.data.chunks(width)).filter(|(x, _)| **x != 0.0) {
                sums.iter_mut().zip(weights).for_each(|(sum, w)| *sum += x * w);
            }
        }
        let mut shape = self.shape.clone();
        *shape.last_mut()? = width;
        Some(Array { shape, data })
    }

    /// Every row of the last axis with mean 0 and variance 1, times `scale`, plus `shift`.
    pub fn normalised(&self, scale: &Array<f64>, shift: &Array<f64>, epsilon: f64) -> Array<f64> {
        let width = self.last();
        let mut data = Vec::with_capacity(self.data.len());
        for row in self.data.chunks(width) {
            let mean = row.iter().sum::<f64>() / width as f64;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
            let inverse = 1.0 / (variance + epsilon).sqrt();
            let values = row.iter().zip(&scale.data).zip(&shift.data);
            data.extend(values.map(|((x, scale), shift)| (x - mean) * inverse * scale + shift));
        }
        Array { shape: self.shape.clone(), data }
    }

    /// `[batch, channels, height, width]` convolved with `filters` `[out, channels, height, width]`.
    pub fn convolved(
        &self,
        filters: &Array<f64>,
        bias: &Array<f64>,
        strides: [usize; 2],
        pads: [usize; 4],
    ) -> Option<Array<f64>> {
        let [batch, channels, height, width] = self.shape[..] else { return None };
        let [out, depth, kernel_y, kernel_x] = filters.shape[..] else { return None };
        let along = |size: usize, pads: usize, kernel: usize, stride: usize| {
            (size + pads).checked_sub(kernel).map(|left| left / stride + 1)
        };
        let out_height = along(height, pads[0] + pads[2], kernel_y, strides[0])?;
        let out_width = along(width, pads[1] + pads[3], kernel_x, strides[1])?;
        if depth != channels || bias.data.len() != out {
            return None;
        }
        let area = kernel_y * kernel_x * channels;
        let matrix = Array { shape: vec![out, area], data: filters.data.clone() }.transposed(&[1, 0]);
        let mut windows = Vec::with_capacity(batch * out_height * out_width * area);
        for image in self.data.chunks(channels * height * width) {
            for place in 0..out_height * out_width {
                let [top, left] = [place / out_width * strides[0], place % out_width * strides[1]];
                for at in 0..area {
                    let (channel, y, x) =
                        (at / kernel_x / kernel_y, top + at / kernel_x % kernel_y, left + at % kernel_x);
                    let inside =
                        (pads[0]..pads[0] + height).contains(&y) && (pads[1]..pads[1] + width).contains(&x);
                    windows.push(match inside {
                        true => image[(channel * height + y - pads[0]) * width + x - pads[1]],
                        false => 0.0,
                    });
                }
            }
        }
        let windows = Array { shape: vec![batch, out_height, out_width, area], data: windows };
        let sums = windows.product(&matrix)?.zip(bias, |sum, bias| sum + bias)?;
        Some(sums.transposed(&[0, 3, 1, 2]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(shape: &[usize], data: &[f64]) -> Array<f64> {
        Array { shape: shape.to_vec(), data: data.to_vec() }
    }

    #[test]
    fn shapes_go_together_as_in_numpy() {
        let a = array(&[2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        let sum = a.zip(&array(&[3], &[10.0, 20.0, 30.0]), |a, b| a + b).expect("a row");
        assert_eq!(sum.data, [10.0, 21.0, 32.0, 13.0, 24.0, 35.0]);
        let sum = a.zip(&array(&[2, 1], &[10.0, 20.0]), |a, b| a + b).expect("a column");
        assert_eq!(sum.data, [10.0, 11.0, 12.0, 23.0, 24.0, 25.0]);
        assert_eq!(a.zip(&array(&[2], &[1.0, 2.0]), |a, _| a), None);
        let outer = array(&[2, 1], &[1.0, 2.0]).zip(&array(&[1, 2], &[3.0, 4.0]), |a, b| a * b);
        assert_eq!(outer.expect("both"), array(&[2, 2], &[3.0, 4.0, 6.0, 8.0]));
        assert_eq!(a.transposed(&[1, 0]), array(&[3, 2], &[0.0, 3.0, 1.0, 4.0, 2.0, 5.0]));
        assert_eq!(
            Array::concatenated(&[&a.columns(2, 3), &a.columns(0, 1)], 1),
            array(&[2, 2], &[2.0, 0.0, 5.0, 3.0])
        );
        assert_eq!(a.product(&array(&[2, 1], &[1.0, 1.0])), None);
    }

    #[test]
    fn a_padded_convolution_by_hand() {
        // One channel of 2 x 2, a filter of ones 2 x 2, padding 1 at the top and left.
        let image = array(&[1, 1, 2, 2], &[1.0, 2.0, 3.0, 4.0]);
        let ones = array(&[1, 1, 2, 2], &[1.0; 4]);
        let sums = image.convolved(&ones, &array(&[1], &[0.5]), [1, 1], [1, 1, 0, 0]).expect("fits");
        assert_eq!(sums, array(&[1, 1, 2, 2], &[1.5, 3.5, 4.5, 10.5]));
        assert_eq!(
            image.convolved(&array(&[1, 1, 3, 3], &[1.0; 9]), &array(&[1], &[0.0]), [1, 1], [0; 4]),
            None
        );
    }
}
