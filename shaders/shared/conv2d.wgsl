// What the kernels of a two-dimensional convolution share: its sizes, and where a window meets the input.
//
// Grids are channels-last: an input's row is [height, width, channels], an output's [out_height, out_width, filters]
// with out = (size + 2 pad - kernel) / stride + 1, rounded down. Weights are W [kernel_height, kernel_width, channels,
// filters] at weight_offset and b [filters] behind them: a matrix whose row (ky kernel_width + kx) channels + c belongs
// to channel c of the window's cell (ky, kx). The kernel is not flipped; beyond the input's edges lie pad rows and
// columns of zeros.

struct Params {
    batch: u32,
    height: u32,
    width: u32,
    channels: u32,
    kernel_height: u32,
    kernel_width: u32,
    stride_y: u32,
    stride_x: u32,
    pad_y: u32,
    pad_x: u32,
    out_height: u32,
    out_width: u32,
    filters: u32,
    // networks per agent in the weights
    nets: u32,
    net_params: u32,
    weight_offset: u32,
    // evaluations per agent; in the backward kernels those with a gradient
    slots: u32,
    // evaluations or inputs per agent in x
    x_slots: u32,
    // net and input of each slot, 4 bits each
    slot_net: u32,
    slot_x: u32,
    // 0 identity, 1 relu, 2 tanh: of the output, in conv2d_backward_input of the input
    activation: u32,
    agents: u32,
}

// First row of weights behind the last window's cell: that of the bias.
fn depth() -> u32 {
    return p.kernel_height * p.kernel_width * p.channels;
}

// Whether cell (y, x), counted from the corner of the padding, is one of the input.
fn is_inside(y: u32, x: u32) -> bool {
    return y >= p.pad_y && y - p.pad_y < p.height && x >= p.pad_x && x - p.pad_x < p.width;
}

// Where that cell's first channel lies in an input's row; 0 in the padding.
fn cell_at(y: u32, x: u32) -> u32 {
    return select(0u, ((y - p.pad_y) * p.width + x - p.pad_x) * p.channels, is_inside(y, x));
}
